"""Files that are received: ``Writers``, and ``Received``, one of them.

What comes is kept in a file without a name in the directory it is meant for (O_TMPFILE), so nothing half-written is
ever seen, or left behind by a crash. It gets its name when it is complete and on disk.
"""

import errno
import os
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from threading import Lock
from typing import Final

from superd_services.tftp.files import Refused
from superd_services.tftp.options import TftpOptions
from superd_services.tftp.packet import ErrorCode
from superd_services.tftp.system import publish

SYNC_SIZE: Final = 1 << 24
"""Bytes that wait to be on disk at most, so that even a slow disk has them there within a call's deadline."""

_NO_UNNAMED: Final = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL})
"""What file systems and kernels without O_TMPFILE answer (open(2))."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FULL_TEXT: Final = "Disk full or allocation exceeded"  # RFC 1350, appendix


class Received:
    """A file on its way (``superd_services.tftp.files.Sink``).

    ``publish`` has the file seen; ``forget`` is called once, when it is done with. A file that is dropped while a
    thread still writes to it is closed by that thread: its descriptor could be another file's by then.
    """

    def __init__(
        self, fd: int, limit: int, publish: Callable[[int], None], forget: Callable[[], None]
    ) -> None:
        self._fd = fd
        self._limit = limit
        self._publish = publish
        self._forget = forget
        self._size = self._synced = 0
        self._lock = Lock()
        self._used = self._dropped = False

    def write(self, data: bytes) -> None:
        """Append; blocks. Raises Refused and OSError."""
        self._size += len(data)
        if self._size > self._limit:
            raise Refused(ErrorCode.DISK_FULL, _FULL_TEXT, f"more than {self._limit} bytes (write_limit)")
        left = memoryview(data)
        with self._using() as fd:
            while left:
                left = left[os.write(fd, left) :]
            if self._size - self._synced >= SYNC_SIZE:
                os.fdatasync(fd)
                self._synced = self._size

    def commit(self) -> None:
        """Have it on disk under its name; blocks. Raises Refused and OSError."""
        try:
            with self._using() as fd:
                self._publish(fd)
        except FileExistsError:
            raise Refused(ErrorCode.EXISTS, "File already exists", "it was made meanwhile") from None
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop it, unless it was committed; who is using it does so at the end."""
        with self._lock:
            dropped, self._dropped = self._dropped, True
            if dropped or self._used:
                return
        self._close()

    @contextmanager
    def _using(self) -> Iterator[int]:
        with self._lock:
            if self._dropped:
                raise OSError("the transfer is over")
            self._used = True
        try:
            yield self._fd
        except OSError as error:
            raise _full(error) from None
        finally:
            with self._lock:
                self._used = False
                dropped = self._dropped
            if dropped:
                self._close()

    def _close(self) -> None:
        with suppress(OSError):  # what close(2) reports late was reported by fsync(2) if it matters
            os.close(self._fd)
        self._forget()


class Writers:
    """Who writes which file. A file has one writer at a time."""

    def __init__(self, options: TftpOptions) -> None:
        self._options = options
        self._lock = Lock()
        self._busy: set[tuple[int, int, bytes]] = set()

    def begin(self, directory: int, name: bytes, size: int | None) -> Received:
        """Begin a file in a directory, whose descriptor is closed at the end; ``size`` is what is announced, if it is.

        Raises:
            Refused: it may not be written, is too long, has a writer already, or the disk is full.
            OSError: it can't be begun.
        """
        claim: Callable[[], None] = partial(os.close, directory)
        try:
            replaced = self._replaced(directory, name)
            self._check_size(directory, size)
            claim = self._claim(directory, name)
            return self._received(directory, name, replaced, claim)
        except BaseException:
            claim()
            raise

    def _replaced(self, directory: int, name: bytes) -> os.stat_result | None:
        """Look at the file that is replaced, if there is one and that is allowed."""
        try:
            facts = os.stat(name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            if self._options.create:
                return None
            reason = "it does not exist, and none may be made (create)"
            raise Refused(ErrorCode.NOT_FOUND, "File not found", reason) from None
        if not stat.S_ISREG(facts.st_mode):
            raise Refused(ErrorCode.ACCESS, "Not a regular file")
        if not self._options.overwrite:
            raise Refused(ErrorCode.EXISTS, "File already exists", "none may be replaced (overwrite)")
        if not (self._options.permissive or facts.st_mode & stat.S_IWOTH):
            raise Refused(ErrorCode.ACCESS, "Access violation", "not everybody may write it (o+w)")
        if not os.access(name, os.W_OK, dir_fd=directory, effective_ids=True):
            raise Refused(ErrorCode.ACCESS, "Access violation", "the service's user may not write it")
        return facts

    def _check_size(self, directory: int, size: int | None) -> None:
        if size is None:
            return
        if size > self._options.write_limit:
            reason = f"{size} bytes announced, {self._options.write_limit} allowed (write_limit)"
            raise Refused(ErrorCode.DISK_FULL, _FULL_TEXT, reason)
        system = os.fstatvfs(directory)
        if size > system.f_bavail * system.f_frsize:
            raise Refused(ErrorCode.DISK_FULL, _FULL_TEXT, f"{size} bytes announced, and not as many free")

    def _claim(self, directory: int, name: bytes) -> Callable[[], None]:
        """Have a name for oneself, until what is returned is called; that closes the directory, too."""
        facts = os.fstat(directory)
        key = facts.st_dev, facts.st_ino, name
        with self._lock:
            if key in self._busy:
                raise Refused(ErrorCode.ACCESS, "File is being written", "another client is writing it")
            self._busy.add(key)
        return partial(self._release, key, directory)

    def _release(self, key: tuple[int, int, bytes], directory: int) -> None:
        with self._lock:
            self._busy.discard(key)
        os.close(directory)

    def _received(
        self, directory: int, name: bytes, replaced: os.stat_result | None, forget: Callable[[], None]
    ) -> Received:
        limit = self._options.write_limit
        mode = stat.S_IMODE(replaced.st_mode) if replaced else self._options.file_mode
        target = publish.Target(directory, name, mode, replaces=replaced is not None)
        try:
            fd = os.open(b".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600, dir_fd=directory)
        except OSError as error:
            if error.errno in _NO_UNNAMED:
                return _named(target, limit, forget)
            if error.errno not in {errno.EACCES, errno.EROFS} or replaced is None:
                raise _full(error) from None
            return Received(_elsewhere(), limit, partial(publish.copy, target), forget)
        return Received(fd, limit, partial(publish.link, target), forget)


def _named(target: publish.Target, limit: int, forget: Callable[[], None]) -> Received:
    """Begin a file under a name that nobody knows, where there are none without a name."""
    hidden = b".%s.tftp" % secrets.token_hex(8).encode()
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
    fd = os.open(hidden, flags, 0o600, dir_fd=target.directory)

    def unlink() -> None:
        with suppress(OSError):  # it has its real name by now
            os.unlink(hidden, dir_fd=target.directory)
        forget()

    return Received(fd, limit, partial(publish.rename, target, hidden), unlink)


def _elsewhere() -> int:
    """Open a file without a name where files that are not kept belong, for a directory that is not ours to write in."""
    with tempfile.TemporaryFile(buffering=0) as file:
        return os.dup(file.fileno())


def _full(error: OSError) -> Exception:
    if error.errno in _FULL:
        return Refused(ErrorCode.DISK_FULL, _FULL_TEXT, error.strerror or "")
    return error
