"""What several services do with files they don't trust: ``LOOK`` at one, and ``reopen`` it.

A file is looked at before it is opened: opening a FIFO would wait, and a device may rewind its tape.
"""

import os
from pathlib import Path
from typing import Final

LOOK: Final = os.O_PATH | os.O_CLOEXEC
"""Flags that open nothing in earnest: fstat(2) tells what is there."""


def reopen(seen: int, access: int = os.O_RDONLY) -> int:
    """Open the very file that a descriptor with ``LOOK`` refers to (open(2), O_PATH), and wait for nothing.

    Raises:
        OSError: it can't be opened.
    """
    return os.open(f"/proc/self/fd/{seen}", access | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)


def is_directory(path: str) -> bool:
    """Tell whether there is a directory that one may look at; symbolic links are followed."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False
