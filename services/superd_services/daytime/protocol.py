"""Machines of daytime, and ``daytime``, their line: RFC 867 leaves its form open, and there are several.

The zone rules are read when this module is imported, or when the configuration names a zone: a worker may have no
right to read them later.
"""

import time
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from superd.service import Action, Close, Connected, Datagram, Send, StreamEvent

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NOTHING: Final = ()

time.tzset()


class Format(StrEnum):
    """Words for the option ``format``, each with its line for the same second."""

    XINETD = "xinetd"
    """``21 NOV 2026 19:59:26 UTC``"""
    INETD = "inetd"
    """``Sat Nov 21 19:59:26 2026``, as ctime(3) has it."""
    RFC867 = "rfc867"
    """``Saturday, November 21, 2026 19:59:26-UTC``, the RFC's own example."""
    ISO8601 = "iso8601"
    """``2026-11-21T19:59:26+00:00``"""


@cache
def zone(name: str) -> ZoneInfo:
    """Load a zone by its name (``Europe/Vienna``) and keep it. Raises ValueError for one that is not installed."""
    try:
        return ZoneInfo(name)
    except (OSError, LookupError, ValueError) as error:
        raise ValueError(f"there is no time zone {name!r}") from error


def daytime(now: int, form: Format = Format.XINETD, time_zone: ZoneInfo | None = None) -> bytes:
    """Return the line with CR LF for this second since the epoch, in a zone or in the machine's own.

    Names of days and months are English whatever the locale.
    """
    at = datetime.fromtimestamp(now, time_zone) if time_zone else datetime.fromtimestamp(now).astimezone()
    return f"{_line(at, form)}\r\n".encode("ascii", "replace")


def _line(at: datetime, form: Format) -> str:
    day, month, name = _DAYS[at.weekday()], _MONTHS[at.month - 1], at.tzname()
    match form:
        case Format.XINETD:
            return f"{at.day:02} {month[:3].upper()} {at.year} {at:%H:%M:%S} {name}"
        case Format.INETD:
            return f"{day[:3]} {month[:3]} {at.day:2} {at:%H:%M:%S} {at.year}"
        case Format.RFC867:
            return f"{day}, {month} {at.day}, {at.year} {at:%H:%M:%S}-{name}"
        case Format.ISO8601:
            return at.isoformat(timespec="seconds")


class DaytimeStream:
    """Daytime over a stream: one line, then the end. All connections of a service share one machine."""

    __slots__ = ("_answer",)

    def __init__(self, form: Format, time_zone: ZoneInfo | None) -> None:
        # A second's line is made once, however many ask in it.
        @lru_cache(maxsize=1)
        def answer(now: int) -> tuple[Send, Close]:
            return Send(daytime(now, form, time_zone)), Close()

        self._answer = answer

    def handle(self, event: StreamEvent) -> Iterable[Action]:
        """Send the time of the connection; ignore everything else."""
        return self._answer(int(event.now)) if isinstance(event, Connected) else _NOTHING


class DaytimeDatagram:
    """Daytime over datagrams: whatever was sent is answered with one line."""

    __slots__ = ("_form", "_zone")

    def __init__(self, form: Format, time_zone: ZoneInfo | None) -> None:
        self._form = form
        self._zone = time_zone

    def handle(self, event: Datagram) -> Iterable[Send]:
        """Send the time."""
        return (Send(daytime(int(event.now), self._form, self._zone)),)
