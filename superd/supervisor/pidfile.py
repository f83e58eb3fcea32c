"""The pid file, which tells scripts whom to signal and keeps a second daemon from starting: ``PidFile``.

Its maker holds a record lock (fcntl(2)) on it for life. Such a lock ends with its process, however that ends,
and is not inherited by children; so a file without a lock is stale, and a pid that the kernel has given to
somebody else since deceives nobody. The process must never open the file again: closing any descriptor of it
would give up the lock.
"""

import fcntl
import os
import stat
import struct
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from superd.errors import SuperdError

MODE: Final = 0o644
"""Everybody may know whom to ask."""

ATTEMPTS: Final = 10
"""Times to begin again when another daemon makes or removes the file at the same moment."""

_FLOCK: Final = struct.Struct("@hhqqi4x")
"""``struct flock`` (fcntl(2)) with 64-bit offsets: type, whence, start, length, pid."""

_CONTENT_LIMIT: Final = 32
"""Bytes read from a file that claims to hold a pid."""


class PidFileError(SuperdError):
    """The pid file can't be made: another daemon runs, or something else is in the way."""


class PidFile:
    """The pid file at ``path``: made by ``write``, removed by ``remove``; as a context manager both.

    Raises PidFileError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._maker = 0

    def __enter__(self) -> Self:
        self.write()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.remove()

    def write(self) -> None:
        """Make the file complete and locked, in place of a stale one."""
        try:
            self._write()
        except OSError as error:
            raise PidFileError(f"pid file {self._path}: {(error.strerror or str(error)).lower()}") from error

    def remove(self) -> None:
        """Remove the file if this process made it and it is still the same; give up the lock."""
        if self._descriptor < 0 or os.getpid() != self._maker:
            return
        with suppress(OSError):
            if _same(self._path, self._descriptor):
                self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = -1

    def _write(self) -> None:
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
        try:
            os.fchmod(descriptor, MODE)
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(descriptor, f"{os.getpid()}\n".encode())
            self._publish(draft)
        except BaseException:
            os.close(descriptor)
            raise
        finally:
            draft.unlink(missing_ok=True)
        self._descriptor, self._maker = descriptor, os.getpid()

    def _publish(self, draft: Path) -> None:
        """Give the draft its name: by link(2), which replaces nothing, or over a stale file by rename(2)."""
        for _ in range(ATTEMPTS):
            with suppress(FileExistsError):
                self._path.hardlink_to(draft)
                return
            if self._replace_stale(draft):
                return
        raise PidFileError(f"pid file {self._path}: other daemons keep making and removing it")

    def _replace_stale(self, draft: Path) -> bool:
        """Rename over a file that nobody holds; its lock, held meanwhile, keeps others off."""
        try:
            old = os.open(self._path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            self._check_content(old)
            try:
                fcntl.lockf(old, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError) as error:
                text = f"already running as pid {_lock_owner(old)} (pid file {self._path})"
                raise PidFileError(text) from error
            if not _same(self._path, old):
                return False
            draft.rename(self._path)
        finally:
            os.close(old)
        return True

    def _check_content(self, descriptor: int) -> None:
        """Refuse to replace what does not look like a pid file: somebody may have mistyped the path."""
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise PidFileError(f"pid file {self._path}: it exists and is not a file")
        content = os.read(descriptor, _CONTENT_LIMIT).strip()
        if content and not content.isdigit():
            raise PidFileError(
                f"pid file {self._path}: it exists and does not hold a pid; remove it if it may go"
            )


def _lock_owner(descriptor: int) -> int:
    """Ask the kernel: in a file that is just being replaced the pid is still that of a dead daemon."""
    answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    return int(_FLOCK.unpack(answer)[4])


def _same(path: Path, descriptor: int) -> bool:
    """Tell whether the path still leads to the open file."""
    try:
        named = path.lstat()
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(descriptor))
