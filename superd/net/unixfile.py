"""The files of Unix sockets, made without a moment of wrong permissions, and removed: ``SocketFile``."""

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from superd.config.model import Endpoint
from superd.errors import BindError
from superd.net.explain import describe

PATH_LIMIT: Final = 107
"""Bytes of a path in a ``sockaddr_un``, without the final zero (unix(7))."""

_PRIVATE: Final = 0o177
"""umask while the file is made: nobody but us may connect before its owner and mode are set."""


@dataclass(frozen=True, slots=True)
class SocketFile:
    """A socket's file, known by its inode, so that nobody else's is ever removed in its place."""

    path: str
    device: int
    inode: int
    maker: int
    """Pid of the process that made it; its children share the socket but must not remove the file."""

    def remove(self) -> None:
        """Unlink the file if it is still ours; a file that is gone or replaced is left alone."""
        if os.getpid() != self.maker:
            return
        with suppress(OSError):
            found = os.lstat(self.path)
            if (found.st_dev, found.st_ino) == (self.device, self.inode):
                Path(self.path).unlink()


def bind(sock: socket.socket, endpoint: Endpoint) -> None:
    """Bind to a path, in place of a dead socket's file if there is one; set the owner and mode.

    Raises OSError (EADDRINUSE when somebody serves the path), or BindError when the path is something else.
    """
    if len(os.fsencode(endpoint.address)) > PATH_LIMIT:
        raise BindError(f"{describe(endpoint)}: the path is longer than {PATH_LIMIT} bytes")
    _clear_stale(endpoint)
    with _umask(_PRIVATE):
        sock.bind(endpoint.address)
    try:
        protect(endpoint, os.geteuid())
    except (OSError, BindError):
        Path(endpoint.address).unlink(missing_ok=True)
        raise


def identify(path: str) -> SocketFile:
    """Remember the file a socket was just bound to. Raises OSError."""
    found = os.lstat(path)
    return SocketFile(path, found.st_dev, found.st_ino, os.getpid())


def protect(endpoint: Endpoint, owner: int) -> None:
    """Give the file, which ``owner`` must have now, its configured owner and mode. Raises OSError, BindError.

    A descriptor holds the file between look and change: a name in a directory that others can write to could
    be replaced by a link to something precious in between.
    """
    descriptor = os.open(endpoint.address, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISSOCK(found.st_mode) or found.st_uid != owner or found.st_nlink != 1:
            raise BindError(f"{describe(endpoint)}: somebody replaced the file while it was being made")
        held = f"/proc/self/fd/{descriptor}"
        if endpoint.owner:
            os.chown(held, *endpoint.owner)
        Path(held).chmod(endpoint.mode)
    finally:
        os.close(descriptor)


def _clear_stale(endpoint: Endpoint) -> None:
    """Remove a socket's file that nobody serves any more."""
    try:
        found = os.lstat(endpoint.address)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise BindError(f"{describe(endpoint)}: the file exists and is not a socket")
    if _is_served(endpoint.address):
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    again = os.lstat(endpoint.address)
    if (again.st_dev, again.st_ino) == (found.st_dev, found.st_ino):
        Path(endpoint.address).unlink()


def _is_served(path: str) -> bool:
    """Only a refused connection shows that nobody is there; a full queue or another type shows somebody."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
    return True


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
