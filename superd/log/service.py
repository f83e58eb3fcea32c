"""The log a service's ``log_type`` asks for: ``ServiceLogWriter`` writes it to a file or to syslog."""

import time
from collections.abc import Callable
from typing import Final

from superd.config.model import FileTarget, Service, SyslogTarget
from superd.log import xinetd
from superd.log.files import LogFiles
from superd.log.syslog import Syslog, priority, system_syslog
from superd.log.text import Stamp

IDENT: Final = "xinetd"
"""Under which name service lines go to syslog; the filters that sites have (fail2ban's) match it."""


class ServiceLogWriter:
    """Writes the START, EXIT, FAIL, ... lines of one service; without a ``log_type`` it does nothing.

    ``clock`` gives seconds since the epoch; ``syslog`` is where a SYSLOG target goes.
    """

    def __init__(
        self,
        service: Service,
        files: LogFiles,
        clock: Callable[[], float] = time.time,
        syslog: Syslog | None = None,
    ) -> None:
        writer = _writer(service, files, clock, syslog)
        self._id = xinetd.clean(service.id)
        self._on_success = service.log.on_success if writer else frozenset()
        self._on_failure = service.log.on_failure if writer else frozenset()
        self._write = writer or (lambda _line: None)

    def start(self, pid: int, host: str) -> None:
        """A server was started for ``host`` (numeric, empty if unknown); pid 0: answered in process."""
        if self._on_success:
            self._put(xinetd.start(self._id, self._on_success, pid, host))

    def exit(self, pid: int, status: int, duration: float) -> None:
        """A server ended with this wait(2) status after ``duration`` seconds; pid 0: nothing is written."""
        if self._on_success:
            self._put(xinetd.exited(self._id, self._on_success, pid, status, duration))

    def fail(self, step: str, host: str) -> None:
        """A client was refused; ``step`` is the value of ``superd.access.verdict.Step``."""
        if self._on_failure:
            self._put(xinetd.fail(self._id, self._on_failure, step, host))

    def wants_user(self, *, admitted: bool) -> bool:
        """Whether a ``user`` line is wanted about a client that was admitted, or about one that was refused."""
        return "USERID" in (self._on_success if admitted else self._on_failure)

    def user(self, text: str) -> None:
        """The client's ident server named somebody (``superd.lookup.ident.Answer.text``: ``UNIX : alice``).

        xinetd writes it after START or after FAIL, as soon as it is known, and nothing when nobody was named.
        """
        self._put(xinetd.userid(self._id, text))

    def no_user(self, host: str, reason: str) -> None:
        """A client was refused because ident named nobody (flags = IDONLY); there is no FAIL line then.

        ``reason`` is the value of a ``superd.lookup.ident.Failure``.
        """
        self._put(xinetd.noid(self._id, host, reason))

    def traffic(self, bytes_in: int, bytes_out: int) -> None:
        """A redirected connection ended after so many bytes."""
        if "TRAFFIC" in self._on_success:
            self._put(xinetd.traffic(self._id, bytes_in, bytes_out))

    def _put(self, line: str) -> None:
        if line:
            self._write(line)


def _writer(
    service: Service, files: LogFiles, clock: Callable[[], float], syslog: Syslog | None
) -> Callable[[str], None] | None:
    target = service.log.target
    if isinstance(target, SyslogTarget):
        return _syslog_writer(target, clock, syslog or system_syslog())
    return _file_writer(target, files, clock) if isinstance(target, FileTarget) else None


def _file_writer(
    target: FileTarget, files: LogFiles, clock: Callable[[], float]
) -> Callable[[str], None] | None:
    file, stamp = files.get(target.path), Stamp(xinetd.file_stamp)
    if file is None:
        return None

    def write(line: str) -> None:
        file.write(f"{stamp(clock())}{line}\n".encode("utf-8", "backslashreplace"), target)

    return write


def _syslog_writer(target: SyslogTarget, clock: Callable[[], float], syslog: Syslog) -> Callable[[str], None]:
    pri = priority(target.facility, target.level)

    def write(line: str) -> None:
        syslog.log(pri, IDENT, line, clock())

    return write
