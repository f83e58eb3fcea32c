"""The one place where structlog is set up: ``configure``, ``identify`` after a fork, ``flush`` every second.

The renderer and the emitter are made once and changed in place, since loggers that were used before keep
them.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import structlog

from superd.errors import ConfigError
from superd.log import events, render
from superd.log.files import LogFile
from superd.log.outlet import DatagramOutlet, DescriptorOutlet, Outlet, own_description
from superd.log.syslog import system_syslog

Format = Literal["auto", "console", "json", "logfmt"]

JOURNAL_PATH: Final = "/run/systemd/journal/socket"

MAIN_LOG_MODE: Final = 0o640
"""Mode of ``file:PATH`` when it is created, before the umask: who connects is nobody else's business."""

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
"""Names of ``level`` and structlog's numbers for them."""

_BODIES: Final = {"console": render.console, "json": render.json, "logfmt": render.logfmt}


class Emitter:
    """What structlog calls a logger: takes rendered events and hands them to the outlet of the moment."""

    def __init__(self, renderer: render.Renderer) -> None:
        self._renderer = renderer
        self.outlet = Outlet()

    def emit(self, data: bytes) -> None:
        """Write one event, after a note about lost ones if there were any and there is room again."""
        outlet = self.outlet
        if outlet.dropped and outlet.flush():
            self.report()
        outlet.send(data)

    debug = info = warning = error = critical = emit

    def report(self) -> None:
        """Say how many events were lost; the number stays if this one is lost as well."""
        outlet, count = self.outlet, self.outlet.dropped
        outlet.write(self._renderer(self, "warning", {"event": events.LOG_DROPPED, "count": count}))
        outlet.dropped = 0 if outlet.dropped == count else count


_renderer: Final = render.Renderer(render.logfmt, render.line_frame())
_emitter: Final = Emitter(_renderer)


def configure(
    format: Format = "auto",  # noqa: A002 - the word of the command line
    destination: str = "stderr",
    level: str = "info",
    process: str = "supervisor",
    *,
    cache: bool = True,
) -> LogFile | None:
    """Set up superd's own log; call it before any fork and again after standard error was replaced.

    A second call changes format and destination, but not the level of loggers that were used already.
    ``destination`` is ``stderr``, ``syslog``, ``syslog:FACILITY`` (default daemon) or ``file:PATH``. ``auto``
    is ``console`` on a terminal, the journal's own fields where standard error leads to the journal, else
    ``logfmt``. ``cache=False`` is for tests that configure more than once. Returns the log file, to be given
    to ``LogFiles.add`` so that it is opened anew with the others. Raises ConfigError for words it does not
    know and files it can't open.
    """
    if format not in {"auto", *_BODIES}:
        raise ConfigError(f"log format {format!r} is not one of auto, {', '.join(_BODIES)}")
    if level not in LEVELS:
        raise ConfigError(f"log level {level!r} is not one of {', '.join(LEVELS)}")
    old, file = _emitter.outlet, _direct(format, destination)
    if old is not _emitter.outlet:
        old.close()
    _renderer.verbose = level == "debug"
    _renderer.threshold = LEVELS[level]
    identify(process)
    structlog.configure(
        processors=[_renderer],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: _emitter,
        cache_logger_on_first_use=cache,
    )
    _warm_up()
    return file


def identify(process: str) -> None:
    """Name the running process in every event; to be called in a child right after the fork."""
    _renderer.identify(process)


def descriptors() -> frozenset[int]:
    """What a process that closes everything it inherited must keep for its log."""
    return _emitter.outlet.descriptors()


def _after_fork() -> None:
    """In each child: what waits for a slow reader is the parent's to write, and the process id is new."""
    _renderer.forked()
    _emitter.outlet.forget()
    system_syslog().forget()


os.register_at_fork(after_in_child=_after_fork)


def flush() -> None:
    """Write what waits for a slow reader, and report what was lost; to be called about once a second."""
    outlet, syslog = _emitter.outlet, system_syslog()
    if outlet.flush() and outlet.dropped:
        _emitter.report()
    if syslog is not outlet and syslog.flush() and syslog.dropped:
        structlog.get_logger().warning(events.LOG_DROPPED, path="syslog", count=syslog.take_dropped())


def enabled(level: str) -> bool:
    """Tell whether events of this level are written."""
    return LEVELS[level] >= _renderer.threshold


def template(event: str, keys: Sequence[str], known: Mapping[str, str], level: str = "info") -> str | None:
    """A line of an event to be filled in by ``fill``; ``None`` where lines have no fixed form."""
    return render.template(_renderer, event, keys, known, level)


def fill(line: str, values: tuple[object, ...]) -> None:
    """Write a line from a ``template``, which already says when."""
    _emitter.emit((line % (render.iso(time.time()), *values)).encode("utf-8"))


def _direct(format_: Format, destination: str) -> LogFile | None:
    kind, _, rest = destination.partition(":")
    if destination == "stderr":
        _to_stderr(format_)
    elif kind == "syslog":
        _to_syslog(format_, rest or "daemon")
    elif kind == "file" and rest:
        return _to_file(format_, rest)
    else:
        raise ConfigError(f"log destination {destination!r} is not stderr, syslog:FACILITY or file:PATH")
    return None


def _to_stderr(format_: Format) -> None:
    if sys.__stderr__ is None:  # it was closed, and whatever is opened next gets its number
        _set(render.logfmt, render.line_frame(), Outlet())
        return
    fd = sys.__stderr__.fileno()
    if format_ == "auto" and _is_journal(fd):
        _to_journal(fd)
        return
    tty = os.isatty(fd)
    body = _BODIES["console" if tty else "logfmt"] if format_ == "auto" else _BODIES[format_]
    if tty and body is render.console and not os.environ.get("NO_COLOR"):
        body = render.coloured
    _set(body, render.line_frame(), DescriptorOutlet(own_description(fd)))


def _to_journal(fd: int) -> None:
    outlet = DatagramOutlet(JOURNAL_PATH)
    if outlet.connect():
        _set(render.journal, render.line_frame(), outlet)
    else:
        _set(render.brief, render.prefix_frame(), DescriptorOutlet(own_description(fd)))


def _to_syslog(format_: Format, facility: str) -> None:
    body = render.brief if format_ == "auto" else _BODIES[format_]
    try:
        frame = render.syslog_frame(facility)
    except KeyError:
        raise ConfigError(f"syslog facility {facility!r} is not known") from None
    _set(body, frame, system_syslog())


def _to_file(format_: Format, path: str) -> LogFile:
    try:
        file = LogFile(path, MAIN_LOG_MODE)
    except OSError as error:
        raise ConfigError(f"log file {path}: {error.strerror}") from None
    _set(_BODIES["logfmt" if format_ == "auto" else format_], render.line_frame(), file.outlet)
    return file


def _set(body: render.Body, frame: render.Frame, outlet: Outlet) -> None:
    _renderer.body, _renderer.frame, _emitter.outlet = body, frame, outlet


def _is_journal(fd: int) -> bool:
    """Whether ``fd`` is the stream that systemd named in JOURNAL_STREAM (systemd.exec(5)): device:inode."""
    status = os.fstat(fd)
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _warm_up() -> None:
    """Use everything once that reads a file on its first use: the time zone, and tracebacks."""
    time.localtime()
    _renderer(None, "debug", {"event": "warm-up", "exc_info": ConfigError("warm-up")})
