"""``FingerMachine``: one query, one answer, the end."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from superd.service import (
    Action,
    Call,
    Close,
    Connected,
    Eof,
    Options,
    Raised,
    Received,
    Returned,
    Send,
    SetTimer,
    StreamEvent,
    StreamMachine,
    TimedOut,
)
from superd_services.finger.options import FingerOptions
from superd_services.finger.people import People, Report, Text, Unknown
from superd_services.finger.query import HOSTS_LIMIT, QUERY_LIMIT, Query, parse
from superd_services.finger.render import render
from superd_services.finger.text import encode

NO_FORWARDING: Final = "Finger forwarding service denied"
"""The words of RFC 1288 section 3.2.1."""

NO_LIST: Final = "Finger online user list denied"
"""The words of RFC 1288 section 3.2.2."""

TOO_LONG: Final = "Query too long"
LATER: Final = "No answer now, try again later"

LookUp = Callable[[FingerOptions, Query, float], Report]
"""Answers a query from what the system knows, at this time since the epoch; may block. ``OSError``: it can't now."""

_NOTHING: Final = ()


class FingerMachine:
    """Waits for a line, has it looked up, sends the answer and closes."""

    __slots__ = ("_line", "_look_up", "_now", "_options", "_query")

    def __init__(self, options: FingerOptions, look_up: LookUp) -> None:
        self._options = options
        self._look_up = look_up
        self._line = b""
        self._now = 0.0
        self._query: Query | None = None

    @classmethod
    def factory(cls, look_up: LookUp) -> Callable[[Options], StreamMachine]:
        """Return what makes the machine of one connection."""

        def make(options: Options) -> StreamMachine:
            return cls(options if isinstance(options, FingerOptions) else FingerOptions(), look_up)

        return make

    def handle(self, event: StreamEvent) -> Iterable[Action]:
        """Answer one event."""
        match event:
            case Connected():
                self._now = event.now
                return (SetTimer(self._options.request_timeout),)
            case Received() if self._query is None:
                return self._received(event.data)
            case Eof() if self._query is None:
                return self._asked(self._line) if self._line else (Close(),)
            case TimedOut():
                return (Close(),)
            case Returned():
                return self._looked_up(event.value)
            case Raised():
                return self._failed(event.error)
        return _NOTHING

    def _received(self, data: bytes) -> Iterable[Action]:
        line, newline, _ = data.partition(b"\n")
        self._line += line[: QUERY_LIMIT + 1]
        if len(self._line) > QUERY_LIMIT:
            return self._say(TOO_LONG)
        return self._asked(self._line) if newline else _NOTHING

    def _asked(self, line: bytes) -> Iterable[Action]:
        query = self._query = parse(line)
        if query.hosts:
            allowed = query.hosts[-1].lower() in self._options.forward_to and len(query.hosts) <= HOSTS_LIMIT
            if not allowed:
                return self._say(NO_FORWARDING)
        elif not query.user and not self._options.list:
            return self._say(NO_LIST)
        return SetTimer(0), Call(partial(self._look_up, self._options, query, self._now))

    def _looked_up(self, report: object) -> Iterable[Action]:
        assert isinstance(report, People | Text | Unknown)  # noqa: S101 - the type of what was called
        assert self._query is not None  # noqa: S101 - nothing is looked up before
        return Send(render(report, self._query, self._now, self._options.charset)), Close()

    def _failed(self, error: Exception) -> Iterable[Action]:
        """Say that it can't be answered now; anything but that is a fault, to be logged."""
        if isinstance(error, OSError):
            return self._say(LATER)
        raise error

    def _say(self, text: str) -> Iterable[Action]:
        return Send(encode(text + "\n", self._options.charset)), Close()
