"""How an event looks: ``Renderer``, and its bodies and frames.

A *body* turns an event into text, a *frame* turns the text into the bytes of one message for a destination.
Every value is escaped (``superd.log.text``): whatever a peer sent, an event stays one line.
"""

import json as json_module
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from superd.log.outlet import LINE_LIMIT
from superd.log.syslog import FACILITIES, LEVELS, MESSAGE_LIMIT, bsd_stamp
from superd.log.text import TEXT_LIMIT, Stamp, escape

IDENT: Final = "superd"
"""The name in syslog and in the journal."""

SHORTER: Final = (256, 32)
"""Characters per value that are tried, one after the other, when an event exceeds its destination's limit."""

QUOTED_KEPT: Final = 256
"""Values whose written form is remembered: services, rules and local addresses come again with every
connection."""

_TEXTS: Final = frozenset({"conn", "peer", "local"})
"""Keys in templates whose values are texts, which JSON quotes; the others are numbers."""

Fields = Mapping[str, object]


class Head(NamedTuple):
    """What every event has: when (seconds since the epoch), level, and the process that wrote it.

    ``severity`` is what a rule wants of the system's log, ``[facility.]level``; empty for what the level says.
    """

    when: float
    level: str
    process: str
    process_id: int
    severity: str = ""


class Frame(NamedTuple):
    """Turns a body into one message of at most ``limit`` bytes; ``stamped``: it says when, too."""

    wrap: Callable[[Head, str], bytes]
    limit: int
    stamped: bool = False


Body = Callable[[Head, Fields], str]

_utc = Stamp(lambda when: time.strftime("%Y-%m-%dT%H:%M:%S", when), utc=True)
_local = Stamp(lambda when: time.strftime("%H:%M:%S", when))
_bsd = Stamp(bsd_stamp)
_encode = json_module.JSONEncoder(separators=(",", ":"), default=str).encode
_bare = re.compile(rf"[!#-<>-\[\]-~]{{1,{TEXT_LIMIT}}}").fullmatch


class Renderer:
    """structlog's only processor: event dictionary in, bytes out; ``body`` and ``frame`` may be replaced.

    ``verbose`` adds the traceback to an event that was logged with an exception; else only its last line is
    kept. ``threshold`` is the number of the lowest level that is written at all.
    """

    def __init__(self, body: Body, frame: Frame, process: str = "", *, verbose: bool = False) -> None:
        self.body = body
        self.frame = frame
        self.verbose = verbose
        self.threshold = 0
        self.identify(process)

    def identify(self, process: str) -> None:
        """Name the running process."""
        self._process = process
        self.forked()

    def forked(self) -> None:
        """Take note of the process id, which a fork changed."""
        self._process_id = os.getpid()

    def __call__(self, _logger: object, level: str, fields: MutableMapping[str, Any]) -> bytes:
        """Render one event."""
        if "exc_info" in fields:
            _take_exception(fields, verbose=self.verbose)
        head = self.head(level, time.time())._replace(severity=str(fields.get("severity", "")))
        data = self.frame.wrap(head, self.body(head, fields))
        return data if len(data) <= self.frame.limit else self._shortened(head, fields)

    def head(self, level: str, when: float) -> Head:
        """What every event of this process has."""
        return Head(when, level, self._process, self._process_id)

    def _shortened(self, head: Head, fields: Fields) -> bytes:
        for limit in SHORTER:
            short = {key: _short(value, limit) for key, value in fields.items()}
            data = self.frame.wrap(head, self.body(head, short))
            if len(data) <= self.frame.limit:
                return data
        event = _short(fields.get("event", ""), SHORTER[-1])
        return self.frame.wrap(head, self.body(head, {"event": event, "truncated": True}))


def console(head: Head, fields: Fields) -> str:
    """For people: local time, level, event, keys, process; a traceback follows on lines of its own."""
    rest = dict(fields)
    event, trace = rest.pop("event", ""), rest.pop("traceback", "")
    stamp = f"{_local(head.when)}.{_milliseconds(head.when)}"
    keys = " ".join(f"{key}={_quoted(value)}" for key, value in rest.items())
    tail = "".join(f"\n    {escape(line)}" for line in str(trace).splitlines())
    return f"{stamp} {head.level:<7} {escape(str(event)):<20} {keys} ({head.process}){tail}"


def coloured(head: Head, fields: Fields) -> str:
    """``console`` with warnings in yellow and errors in red."""
    colour = {"warning": "33", "error": "31", "critical": "31"}.get(head.level)
    line = console(head, fields)
    return f"\x1b[{colour}m{line}\x1b[0m" if colour else line


def logfmt(head: Head, fields: Fields) -> str:
    """``key=value`` words, values in double quotes where they need it; time in UTC."""
    start = f"ts={iso(head.when)} level={head.level}"
    keys = " ".join([f"{key}={_quoted(value)}" for key, value in fields.items() if key != "event"])
    event = _quoted(fields.get("event", ""))
    return f"{start} event={event} process={_quoted(head.process)} process_id={head.process_id} {keys}"


def brief(_head: Head, fields: Fields) -> str:
    """``logfmt`` without what the syslog header or the journal already says."""
    keys = "".join([f" {key}={_quoted(value)}" for key, value in fields.items() if key != "event"])
    return f"{escape(str(fields.get('event', '')))}{keys}"


def json(head: Head, fields: Fields) -> str:
    """One JSON object, ASCII only; time in UTC."""
    start = {"ts": iso(head.when), "level": head.level, "event": fields.get("event", "")}
    source = {"process": head.process, "process_id": head.process_id}
    return _encode({**start, **source, **fields}).replace("\x7f", "\\u007f")


def journal(head: Head, fields: Fields) -> str:
    """The journal's native protocol: ``FIELD=value`` lines; each key of the event becomes ``SUPERD_KEY``."""
    lines = [
        f"MESSAGE={brief(head, fields)}",
        f"PRIORITY={_number(head)}",
        f"SYSLOG_IDENTIFIER={IDENT}",
        f"SUPERD_PROCESS={escape(head.process)}",
    ]
    facility = _facility(head)
    if facility:
        lines.append(f"SYSLOG_FACILITY={FACILITIES[facility]}")
    lines += [f"SUPERD_{key.upper()}={escape(str(value))}" for key, value in fields.items()]
    return "\n".join(lines)


def line_frame() -> Frame:
    """Lines of a file, pipe or terminal; also the journal's native messages."""
    return Frame(lambda _head, body: f"{body}\n".encode("utf-8", "backslashreplace"), LINE_LIMIT)


def prefix_frame() -> Frame:
    """Lines for a standard error that the journal reads: the level as ``<N>`` in front (sd-daemon(3))."""
    return Frame(
        lambda head, body: f"<{_number(head)}>{body}\n".encode("utf-8", "backslashreplace"),
        LINE_LIMIT,
    )


def syslog_frame(facility: str) -> Frame:
    """Messages for the syslog daemon (RFC 3164). Raises KeyError for an unknown facility."""
    usual = FACILITIES[facility.lower()]

    def wrap(head: Head, body: str) -> bytes:
        wanted = _facility(head)
        pri = 8 * (FACILITIES[wanted] if wanted else usual) + _number(head)
        message = f"<{pri}>{_bsd(head.when)} {IDENT}[{head.process_id}]: {body}"
        return message.encode("utf-8", "backslashreplace")

    return Frame(wrap, MESSAGE_LIMIT, stamped=True)


def _number(head: Head) -> int:
    """syslog(3)'s number of an event's level."""
    return LEVELS.get(head.severity.rpartition(".")[2].lower() or head.level, LEVELS["crit"])


def _facility(head: Head) -> str:
    """The facility that a rule wants; empty for the usual one, as for ``kern``, which only the kernel has."""
    name = head.severity.rpartition(".")[0].lower()
    return name if name != "kern" and name in FACILITIES else ""


def template(
    renderer: Renderer, event: str, keys: Sequence[str], known: Mapping[str, str], level: str = "info"
) -> str | None:
    """A format string that ``%`` turns into the line of an event.

    It takes the time (``iso``) and then the values of ``keys`` in their order, without those that are ``known``
    already. Values must be numbers, or texts that need no escaping; ``conn`` is written in hexadecimal. ``None``
    where the time does not stand once and in ``iso`` form, and when what is known looks like a mark.
    """
    if renderer.body not in {logfmt, json} or renderer.frame.stamped:
        return None
    marks = {key: known.get(key) or _mark(key, place) for place, key in enumerate(keys)}
    if any("mark" in text or iso(0.0) in text for text in known.values()):
        return None
    head = renderer.head(level, 0.0)
    line = renderer.frame.wrap(head, renderer.body(head, {"event": event, **marks}))
    text = line.decode("utf-8").replace("%", "%%").replace(iso(0.0), "%s")
    for key in keys:
        if key not in known:
            text = text.replace(str(marks[key]), "%x" if key == "conn" else "%s")
    return text


def _mark(key: str, place: int) -> str | int:
    """A value that stands nowhere else in the line: a word where the value is a text, else a number."""
    return f"mark{place}mark" if key in _TEXTS else 987654321000 + place


def iso(when: float) -> str:
    """The time of an event: UTC with milliseconds (RFC 3339)."""
    return f"{_utc(when)}.{_milliseconds(when)}Z"


def _milliseconds(when: float) -> str:
    return f"{int(when * 1000) % 1000:03}"


def _quoted(value: object) -> str:
    if type(value) is int or type(value) is float:
        return str(value)
    text = str(value)
    return _quoted_text(text if len(text) <= TEXT_LIMIT else f"{text[: TEXT_LIMIT - 3]}...")


@lru_cache(maxsize=QUOTED_KEPT)
def _quoted_text(text: str) -> str:
    if _bare(text):
        return text
    return '"' + escape(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def _short(value: object, limit: int) -> object:
    return value if isinstance(value, int | float) else escape(str(value), limit)


def _take_exception(fields: MutableMapping[str, Any], *, verbose: bool) -> None:
    given = fields.pop("exc_info")
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
    if error is None:
        return
    fields["error"] = f"{type(error).__name__}: {error}"
    if verbose:
        fields["traceback"] = "".join(traceback.format_exception(error))[-TEXT_LIMIT:]
