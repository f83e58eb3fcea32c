"""Looking up names below a directory, from which no name leads out: ``find``.

The kernel does it by itself since Linux 5.6 (openat2(2)). Where that is missing, or a filter forbids it, ``walk`` goes
component by component, and never asks the kernel for more than one name in one directory.
"""

import ctypes
import errno
import os
import stat
from collections import deque
from functools import cache
from typing import Final

from superd_services.system import LOOK
from superd_services.tftp.options import Symlinks

LINKS_LIMIT: Final = 40
"""Symbolic links on the way to one file: the kernel's own limit (path_resolution(7))."""

DEPTH_LIMIT: Final = 64
"""Directories below the root that ``walk`` holds open at a time."""

RACES_LIMIT: Final = 16
"""Attempts while directories are being renamed on the way: openat2 can't be sure then, and asks to be called again."""

_OPENAT2: Final = 437
_NO_MAGIC_LINKS: Final = 0x02
_NO_SYMLINKS: Final = 0x04
_BENEATH: Final = 0x08
_IN_ROOT: Final = 0x10
_RESOLVE: Final = {
    Symlinks.NEVER: _BENEATH | _NO_MAGIC_LINKS | _NO_SYMLINKS,
    Symlinks.INSIDE: _BENEATH | _NO_MAGIC_LINKS,
    Symlinks.ROOTED: _IN_ROOT | _NO_MAGIC_LINKS,
    Symlinks.ANYWHERE: _NO_MAGIC_LINKS,
}
_libc = ctypes.CDLL(None, use_errno=True)


class _How(ctypes.Structure):
    """A struct open_how."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_root(path: str) -> int:
    """Return a descriptor of a root, to look up names in. Raises OSError."""
    return os.open(path, LOOK | os.O_DIRECTORY)


def find(root: int, name: bytes, symlinks: Symlinks, *, directory: bool = False) -> int:
    """Return a descriptor of what has this name, to look at it (O_PATH); nothing is opened in earnest.

    Raises:
        OSError: there is nothing; ELOOP or EXDEV: a symbolic link is on the way that is not to be followed.
    """
    kind = os.O_DIRECTORY if directory else 0
    if has_openat2():
        return _openat2(root, name, LOOK | kind, _RESOLVE[symlinks])
    if symlinks is Symlinks.ANYWHERE:
        return os.open(name, LOOK | kind, dir_fd=root)
    found = walk(root, name, symlinks)
    if directory:
        try:
            _check_directory(found)
        except OSError:
            os.close(found)
            raise
    return found


@cache
def has_openat2() -> bool:
    """Tell whether openat2 can be used here; some filters of system calls answer EPERM for what they don't know."""
    root = open_root("/")
    try:
        os.close(_openat2(root, b".", LOOK, _BENEATH))
    except OSError:
        return False
    finally:
        os.close(root)
    return True


def _openat2(root: int, name: bytes, flags: int, resolve: int) -> int:
    how = _How(flags, 0, resolve)
    error = 0
    for _ in range(RACES_LIMIT):
        found = int(
            _libc.syscall(_OPENAT2, root, name, ctypes.byref(how), ctypes.c_size_t(ctypes.sizeof(how)))
        )
        if found >= 0:
            return found
        error = ctypes.get_errno()
        if error not in {errno.EAGAIN, errno.EINTR}:
            break
    raise OSError(error, os.strerror(error))


def walk(root: int, name: bytes, symlinks: Symlinks) -> int:
    """Do what ``find`` does without openat2, except for links that lead anywhere."""
    trail = [os.dup(root)]
    todo: deque[bytes] = deque()
    try:
        _put_first(trail, todo, name, symlinks)
        _walk(trail, todo, symlinks)
        return trail.pop()
    finally:
        for each in trail:
            os.close(each)


def _walk(trail: list[int], todo: deque[bytes], symlinks: Symlinks) -> None:
    """Go on from the end of ``trail``, the way from the root."""
    links = 0
    while todo:
        part = todo.popleft()
        if part in {b"", b".", b".."}:
            _check_directory(trail[-1])
            if part == b"..":
                _go_up(trail, symlinks)
        else:
            found = os.open(part, LOOK | os.O_NOFOLLOW, dir_fd=trail[-1])
            trail.append(found)
            if stat.S_ISLNK(os.fstat(found).st_mode):
                links += 1
                _follow(trail, todo, symlinks if links <= LINKS_LIMIT else Symlinks.NEVER)
            elif len(trail) > DEPTH_LIMIT:
                raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))


def _check_directory(seen: int) -> None:
    if not stat.S_ISDIR(os.fstat(seen).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def _go_up(trail: list[int], symlinks: Symlinks) -> None:
    if len(trail) > 1:
        os.close(trail.pop())
    elif symlinks is not Symlinks.ROOTED:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))


def _follow(trail: list[int], todo: deque[bytes], symlinks: Symlinks) -> None:
    """Go where a symbolic link at the end of the trail says."""
    link = trail.pop()
    try:
        target = os.readlink(b"", dir_fd=link)
    finally:
        os.close(link)
    if symlinks is Symlinks.NEVER:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    _put_first(trail, todo, target, symlinks)


def _put_first(trail: list[int], todo: deque[bytes], target: bytes, symlinks: Symlinks) -> None:
    """Do a path before all else that is to be done; an absolute one begins at the root, if it may."""
    if target.startswith(b"/"):
        if symlinks is not Symlinks.ROOTED:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        while len(trail) > 1:
            os.close(trail.pop())
    todo.extendleft(reversed(target.split(b"/")))
