"""Machines of time, and ``time_since_1900``, the number they send (RFC 868)."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from superd.service import Action, Close, Connected, Datagram, Options, Send, StreamEvent

SECONDS_1900_TO_1970: Final = 2_208_988_800
"""RFC 868 counts from 1 January 1900, 00:00 UTC."""

_NOTHING: Final = ()


def time_since_1900(now: int) -> bytes:
    """Return four bytes, most significant first; the number wraps in February 2036, as the RFC lets it."""
    return ((now + SECONDS_1900_TO_1970) % (1 << 32)).to_bytes(4, "big")


@lru_cache(maxsize=1)
def _answer(now: int) -> tuple[Send, Close]:
    return Send(time_since_1900(now)), Close()


class TimeStream:
    """Time over a stream: four bytes, then the end. All connections share one machine."""

    __slots__ = ()

    @staticmethod
    def machine(_options: Options) -> "TimeStream":
        """Return the machine of one connection."""
        return _STREAM

    def handle(self, event: StreamEvent) -> Iterable[Action]:
        """Send the time of the connection; ignore everything else."""
        return _answer(int(event.now)) if isinstance(event, Connected) else _NOTHING


class TimeDatagram:
    """Time over datagrams: whatever was sent is answered with four bytes."""

    __slots__ = ()

    @staticmethod
    def machine(_options: Options) -> "TimeDatagram":
        """Return the machine of one socket."""
        return TimeDatagram()

    def handle(self, event: Datagram) -> Iterable[Send]:
        """Send the time."""
        return _answer(int(event.now))[:1]


_STREAM: Final = TimeStream()
