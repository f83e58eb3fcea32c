"""Machines of daytime, and ``daytime``, their line: RFC 867 leaves its form open, this one is xinetd's.

The zone rules are read when this module is imported: a worker may have no right to read them later.
"""

import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from superd.service import Action, Close, Connected, Datagram, Options, Send, StreamEvent

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NOTHING: Final = ()

time.tzset()


def daytime(now: int) -> bytes:
    """Return ``21 NOV 2026 19:59:26 UTC`` and CR LF for this second since the epoch, in the local zone."""
    at = time.localtime(now)
    date = f"{at.tm_mday:02d} {_MONTHS[at.tm_mon - 1]} {at.tm_year}"
    return f"{date} {at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d} {at.tm_zone}\r\n".encode(
        "ascii", "replace"
    )


@lru_cache(maxsize=1)
def _answer(now: int) -> tuple[Send, Close]:
    return Send(daytime(now)), Close()


class DaytimeStream:
    """Daytime over a stream: one line, then the end. All connections share one machine."""

    __slots__ = ()

    @staticmethod
    def machine(_options: Options) -> "DaytimeStream":
        """Return the machine of one connection."""
        return _STREAM

    def handle(self, event: StreamEvent) -> Iterable[Action]:
        """Send the time of the connection; ignore everything else."""
        return _answer(int(event.now)) if isinstance(event, Connected) else _NOTHING


class DaytimeDatagram:
    """Daytime over datagrams: whatever was sent is answered with one line."""

    __slots__ = ()

    @staticmethod
    def machine(_options: Options) -> "DaytimeDatagram":
        """Return the machine of one socket."""
        return DaytimeDatagram()

    def handle(self, event: Datagram) -> Iterable[Send]:
        """Send the time."""
        return _answer(int(event.now))[:1]


_STREAM: Final = DaytimeStream()
