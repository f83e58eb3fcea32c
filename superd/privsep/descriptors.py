"""What a forked process may keep open: ``keep_only``, ``leave_terminal``."""

import contextlib
import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

_OPEN: Final = Path("/proc/self/fd")


def leave_terminal() -> None:
    """Put /dev/null in the place of 0, 1 and 2: who waits for the end of what they lead to need not wait for us."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    if null > 2:
        os.close(null)


def keep_only(keep: Collection[int]) -> None:
    """Put /dev/null, close-on-exec, in the place of every descriptor but 0, 1, 2 and these.

    A process keeps a copy of everything the supervisor had open when it forked: listeners and other processes'
    channels, which would never end that way. They are replaced, not closed, because objects that believe to own
    the numbers still exist and must not hit what would be opened under them later. 0, 1 and 2 exist afterwards.

    Raises:
        OSError: /proc or /dev/null can't be opened.
    """
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    while null <= 2:
        null = os.dup(null)
    for number in {int(entry.name) for entry in _OPEN.iterdir()} - {0, 1, 2, null, *keep}:
        with contextlib.suppress(OSError):  # the one that listed the others
            os.fstat(number)
            os.dup2(null, number, inheritable=False)
