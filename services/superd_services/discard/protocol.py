"""Machines of discard: ``DiscardStream`` and ``DiscardDatagram`` never answer (RFC 863)."""

from collections.abc import Iterable
from typing import Final

from superd.service import Action, Close, Datagram, Eof, Options, Send, StreamEvent

_NOTHING: Final = ()
_CLOSE: Final = (Close(),)


class DiscardStream:
    """Discard over a stream. It remembers nothing, so all connections share one machine."""

    __slots__ = ()

    @staticmethod
    def machine(_options: Options) -> "DiscardStream":
        """Return the machine of one connection."""
        return _STREAM

    def handle(self, event: StreamEvent) -> Iterable[Action]:
        """Say nothing; end when the client has sent everything."""
        return _CLOSE if isinstance(event, Eof) else _NOTHING


class DiscardDatagram:
    """Discard over datagrams."""

    __slots__ = ()

    @staticmethod
    def machine(_options: Options) -> "DiscardDatagram":
        """Return the machine of one socket."""
        return DiscardDatagram()

    def handle(self, _event: Datagram) -> Iterable[Send]:
        """Say nothing."""
        return _NOTHING


_STREAM: Final = DiscardStream()
