"""Machines of chargen (RFC 864) and their ``pattern``: 72 printable characters a line, rotating by one.

The characters are those of xinetd, ``!`` to ``}``; the RFC's own example has a space and a tilde as well.
"""

from collections.abc import Iterable
from typing import Final

from superd.service import (
    Action,
    Close,
    Connected,
    Datagram,
    Drained,
    Send,
    SetTimer,
    StreamEvent,
    TimedOut,
)

CHARACTERS: Final = bytes(range(ord("!"), ord("}") + 1))
"""One turn of the ring: 93 characters."""

COLUMNS: Final = 72
"""Characters of a line, without its CR LF."""

DATAGRAM_LIMIT: Final = 512
"""Bytes of a datagram at most (RFC 864); xinetd's 1024 would hit a forged source twice as hard."""

_NOTHING: Final = ()


def pattern(first: int, lines: int) -> bytes:
    """Return ``lines`` lines, the first of which starts with character ``first`` (0..92) of the ring."""
    ring = CHARACTERS * 2
    starts = (number % len(CHARACTERS) for number in range(first, first + lines))
    return b"".join(ring[start : start + COLUMNS] + b"\r\n" for start in starts)


_TURN: Final = (Send(pattern(0, len(CHARACTERS))),)
"""A whole turn of the ring: after it the pattern starts again, so every piece of a stream can be this one."""

_DATAGRAM_LINES: Final = DATAGRAM_LIMIT // (COLUMNS + 2)


class ChargenStream:
    """Chargen over a stream: sends for as long as the client reads, and ignores what it is sent.

    That includes a client that has closed its own half. The next piece goes out when the last one has left,
    so a slow reader is never owed more than one. All connections share one machine.
    """

    __slots__ = ()

    def handle(self, event: StreamEvent) -> Iterable[Action]:
        """Send one piece at the start and one whenever the last has left."""
        return _TURN if isinstance(event, Drained | Connected) else _NOTHING


class LimitedChargenStream:
    """Chargen over a stream that ends by itself: after ``limit`` bytes, or after ``seconds``. 0 is no limit."""

    __slots__ = ("_left", "_seconds")

    def __init__(self, limit: int, seconds: float) -> None:
        self._left = limit or None
        self._seconds = seconds

    def handle(self, event: StreamEvent) -> Iterable[Action]:
        """Send like ``ChargenStream``, and close when a limit is reached; what was sent still leaves."""
        match event:
            case Connected() if self._seconds:
                return (SetTimer(self._seconds), *self._piece())
            case Connected() | Drained():
                return self._piece()
            case TimedOut():
                return (Close(),)
            case _:
                return _NOTHING

    def _piece(self) -> tuple[Action, ...]:
        if self._left is None:
            return _TURN
        data = _TURN[0].data[: self._left]
        self._left -= len(data)
        return (Send(data),) if self._left else (Send(data), Close())


class ChargenDatagram:
    """Chargen over datagrams: as many whole lines as fit; the pattern goes on in the next answer."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = 0

    def handle(self, _event: Datagram) -> Iterable[Send]:
        """Answer with the next lines of the pattern."""
        first = self._next
        self._next = (first + _DATAGRAM_LINES) % len(CHARACTERS)
        return (Send(pattern(first, _DATAGRAM_LINES)),)
