"""Reading small files that belong to people one does not trust: ``read`` and ``exists``.

A name is looked up in one directory, never along a path, so nothing outside of it can be reached. What it names is
looked at before it is opened: opening a FIFO would wait, a device may rewind its tape, and a symbolic or hard link
could lead to somebody else's file.
"""

import os
import stat
from typing import Final

from superd_services import system

READ_LIMIT: Final = 32768
"""Bytes of a file that are read: room for a signed public key."""

_LOOK: Final = system.LOOK | os.O_NOFOLLOW


def open_directory(path: str) -> int:
    """Return a descriptor of a directory, to look up names in. Raises OSError."""
    return os.open(path, system.LOOK | os.O_DIRECTORY)


def exists(directory: int, name: str) -> bool:
    """Tell whether there is something of this name, of whatever kind; links are not followed.

    Raises:
        OSError: that can't be known, because one may not look into the directory.
    """
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def read(directory: int, name: str, owner: int | None = None) -> tuple[bytes, bool] | None:
    """Return the first bytes of a regular file and whether there are more; ``None`` if there is no such file to read.

    With ``owner`` (a uid) the file must belong to that user.
    """
    if "/" in name or name in {"", ".", ".."}:
        return None
    try:
        seen = os.open(name, _LOOK, dir_fd=directory)
    except (OSError, ValueError):
        return None
    try:
        return _read_seen(seen, owner)
    finally:
        os.close(seen)


def _read_seen(seen: int, owner: int | None) -> tuple[bytes, bool] | None:
    facts = os.fstat(seen)
    if not stat.S_ISREG(facts.st_mode) or owner not in {None, facts.st_uid}:
        return None
    try:
        fd = system.reopen(seen)
    except OSError:
        return None
    try:
        return _read_open(fd)
    except OSError:
        return None
    finally:
        os.close(fd)


def _read_open(fd: int) -> tuple[bytes, bool]:
    data = b""
    while len(data) <= READ_LIMIT:
        piece = os.read(fd, READ_LIMIT + 1 - len(data))
        if not piece:
            break
        data += piece
    return data[:READ_LIMIT], len(data) > READ_LIMIT
