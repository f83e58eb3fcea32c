"""The files services log to: ``LogFile``, and ``LogFiles``, all of one configuration.

The supervisor opens them as root before it forks; workers inherit the descriptors and never open a file.
Opening anew (after logrotate) puts the new file on the same descriptor number in each process, so that no
writer has to know.
"""

import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from superd.config.model import Config, FileTarget, Service
from superd.log import events
from superd.log.outlet import DescriptorOutlet, own_description

SERVICE_LOG_MODE: Final = 0o644
"""Mode of a log file that is created, before the umask: xinetd's, since whatever reads these files expects
it."""

SIZE_CHECK_LINES: Final = 64
"""Lines after which the real size is asked for: other processes write to the same file, and it may be
truncated."""

_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_STREAMS: Final = {"/dev/stdout": 1, "/dev/stderr": 2}


def open_append(path: Path, mode: int) -> int:
    """Open a log file for appending; create it with ``mode``.

    Never waits: a FIFO without a reader is an error. A symbolic link is followed only if root or the caller
    made it, so that nobody can lead root's log elsewhere. Raises OSError.
    """
    stream = _STREAMS.get(str(path))
    if stream is not None:
        return own_description(stream)
    try:
        return _checked(os.open(path, _FLAGS | os.O_NOFOLLOW, mode), path)
    except OSError as error:
        if error.errno != errno.ELOOP or path.lstat().st_uid not in {0, os.geteuid()}:
            raise
    return _checked(os.open(path, _FLAGS, mode), path)


def _checked(fd: int, path: Path) -> int:
    if stat.S_ISBLK(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "is a block device", str(path))
    return fd


class LogFile:
    """One open log file; ``path`` is the text in the configuration. Its descriptor number never changes."""

    def __init__(self, path: str, mode: int = SERVICE_LOG_MODE) -> None:
        self.path = path
        self._absolute = Path(path).absolute()
        """Stays right after the daemon has changed to ``/``."""
        self._mode = mode
        self.outlet = DescriptorOutlet(open_append(self._absolute, mode))
        self._renew()

    @property
    def fd(self) -> int:
        """The descriptor, which stays the file's own."""
        return self.outlet.fd

    def write(self, line: bytes, target: FileTarget | None = None) -> None:
        """Append one line, unless that would exceed the target's hard limit; never waits, never raises."""
        if target is not None and (target.hard is not None or target.soft is not None):
            if not self._within_limits(len(line), target):
                return
            self._size += len(line)
        self.outlet.send(line)

    def reopen(self) -> None:
        """Open the path again (it was renamed away) on the same descriptor number.

        Raises OSError; then the old file stays.
        """
        self.replace(open_append(self._absolute, self._mode))

    def replace(self, fd: int) -> None:
        """Write to what ``fd`` refers to from now on; ``fd`` is closed."""
        self.outlet.flush()
        os.dup2(fd, self.fd, inheritable=False)
        os.close(fd)
        self._renew()

    def close(self) -> None:
        """Close the file."""
        self.outlet.close()

    def _renew(self) -> None:
        self.outlet.renewed()
        self._size = os.fstat(self.fd).st_size
        self._lines = 0
        self._warned = self._stopped = False

    def _within_limits(self, length: int, target: FileTarget) -> bool:
        self._lines += 1
        if self._lines % SIZE_CHECK_LINES == 0:
            self._measure()
        size = self._size + length
        if target.hard is not None and size > target.hard:
            self._stopped = self._stopped or self._report("error", target.hard)
            return False
        if target.soft is not None and size > target.soft:
            self._warned = self._warned or self._report("warning", target.soft)
        return True

    def _measure(self) -> None:
        size = os.fstat(self.fd).st_size
        if size < self._size:
            self._warned = self._stopped = False
        self._size = size

    def _report(self, level: str, limit: int) -> bool:
        log = structlog.get_logger()
        getattr(log, level)(events.LOG_LIMIT, path=self.path, limit=limit, size=self._size)
        return True


@dataclass(frozen=True, slots=True)
class LogProblem:
    """A log file that could not be opened.

    ``service`` is the key of a service that can't be started because of it; empty when one was open before.
    """

    service: str
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.service}: log file {self.path}: {self.reason}"


class LogFiles:
    """Every log file of a configuration, by path."""

    def __init__(self, files: Iterable[LogFile] = ()) -> None:
        self._files = {file.path: file for file in files}
        self._own: set[str] = set()

    @classmethod
    def open(cls, config: Config) -> tuple["LogFiles", tuple[LogProblem, ...]]:
        """Open the files of all services.

        A file that can't be opened is a problem for each service that names it.
        """
        logs = cls()
        problems = []
        for service in config.services:
            target = service.log.target
            if not isinstance(target, FileTarget) or target.path in logs._files:
                continue
            try:
                logs._files[target.path] = LogFile(target.path)
            except OSError as error:
                problems.append(LogProblem(service.key, target.path, os.strerror(error.errno or 0)))
        return logs, tuple(problems)

    def add(self, file: LogFile) -> None:
        """Let superd's own log file be opened anew with those of the services.

        A service that logs to the same path shares it.
        """
        if file.path in self._files:
            self._files[file.path].close()
        self._files[file.path] = file
        self._own.add(file.path)

    def get(self, path: str) -> LogFile | None:
        """The file of this path, if it could be opened."""
        return self._files.get(path)

    def reopen(self) -> tuple[dict[str, int], tuple[LogProblem, ...]]:
        """Supervisor: open every file anew.

        Returns descriptor by path, to be sent to each worker in a ``LogFile`` message; they stay owned by
        this object and are not to be closed. A file that can't be opened is still written to under its old
        name.
        """
        problems = []
        for file in self._files.values():
            try:
                file.reopen()
            except OSError as error:
                problems.append(LogProblem("", file.path, os.strerror(error.errno or 0)))
        return {path: file.fd for path, file in self._files.items()}, tuple(problems)

    def replace(self, path: str, fd: int) -> bool:
        """Worker: take the new descriptor of a ``LogFile`` message.

        False for an unknown path; ``fd`` is closed in any case.
        """
        file = self._files.get(path)
        if file is None:
            os.close(fd)
            return False
        file.replace(fd)
        return True

    def descriptors(self) -> frozenset[int]:
        """What the open files are written through."""
        return frozenset().union(*(file.outlet.descriptors() for file in self._files.values()))

    def keep_only(self, services: Iterable[Service]) -> None:
        """Worker: close the files that none of its services writes to; superd's own log stays."""
        targets = [service.log.target for service in services]
        paths = self._own | {target.path for target in targets if isinstance(target, FileTarget)}
        for path in [path for path in self._files if path not in paths]:
            self._files.pop(path).close()

    def flush(self) -> None:
        """Write what waits for slow readers (FIFOs) and report what was lost; to be called once a second."""
        for path, file in self._files.items():
            file.outlet.flush()
            if path not in self._own and (count := file.outlet.take_dropped()):
                structlog.get_logger().warning(events.LOG_DROPPED, path=path, count=count)

    def close(self) -> None:
        """Close every file except superd's own log."""
        self.keep_only(())
