"""Giving a received file its name, when all of it is on disk: ``link``, ``rename``, ``copy``.

Each takes the descriptor of the file and the ``Target``, and raises OSError; FileExistsError: a file that was to be new
is there already.
"""

import errno
import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass

from superd_services import system


@dataclass(frozen=True, slots=True)
class Target:
    """Where a file goes: ``name`` in ``directory`` (a descriptor); ``mode`` are its permissions."""

    directory: int
    name: bytes
    mode: int
    replaces: bool


def link(target: Target, fd: int) -> None:
    """Name a file that has no name. A new one is never put over another; one that replaces another does so at once."""
    os.fchmod(fd, target.mode)
    os.fsync(fd)
    if not target.replaces:
        os.link(f"/proc/self/fd/{fd}", target.name, dst_dir_fd=target.directory)
    else:
        hidden = b".%s.tftp" % secrets.token_hex(8).encode()
        os.link(f"/proc/self/fd/{fd}", hidden, dst_dir_fd=target.directory)
        _rename(target, hidden)
    _sync(target.directory)


def rename(target: Target, hidden: bytes, fd: int) -> None:
    """Name a file that has a hidden name in the same directory."""
    os.fchmod(fd, target.mode)
    os.fsync(fd)
    if not target.replaces:
        with suppress(FileNotFoundError):
            os.stat(target.name, dir_fd=target.directory, follow_symlinks=False)
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    _rename(target, hidden)
    _sync(target.directory)


def copy(target: Target, fd: int) -> None:
    """Write a file over an existing one in a directory that is not ours; who reads it meanwhile sees both.

    It is not begun when there is no room for all of it.
    """
    seen = os.open(target.name, system.LOOK | os.O_NOFOLLOW, dir_fd=target.directory)
    try:
        if not stat.S_ISREG(os.fstat(seen).st_mode):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        existing = system.reopen(seen, os.O_WRONLY)
    finally:
        os.close(seen)
    try:
        _copy(fd, existing)
    finally:
        os.close(existing)


def _copy(fd: int, existing: int) -> None:
    size = os.fstat(fd).st_size
    room = os.fstatvfs(existing)
    if size > room.f_bavail * room.f_frsize + os.fstat(existing).st_blocks * 512:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    done = 0
    while done < size:
        done += os.sendfile(existing, fd, done, size - done)
    os.ftruncate(existing, size)
    os.fsync(existing)


def _rename(target: Target, hidden: bytes) -> None:
    try:
        os.rename(hidden, target.name, src_dir_fd=target.directory, dst_dir_fd=target.directory)
    except OSError:
        os.unlink(hidden, dir_fd=target.directory)
        raise


def _sync(directory: int) -> None:
    """Have the name on disk, too, as far as the directory may be opened."""
    with suppress(OSError):
        fd = os.open(b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
