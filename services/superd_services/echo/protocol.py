"""Machines of echo: ``EchoStream`` and ``EchoDatagram`` give back the bytes they are given (RFC 862)."""

from collections.abc import Iterable
from typing import Final

from superd.service import Action, Close, Datagram, Eof, Options, Received, Send, StreamEvent

_NOTHING: Final = ()
_CLOSE: Final = (Close(),)


class EchoStream:
    """Echo over a stream. It remembers nothing, so all connections share one machine."""

    __slots__ = ()

    @staticmethod
    def machine(_options: Options) -> "EchoStream":
        """Return the machine of one connection."""
        return _STREAM

    def handle(self, event: StreamEvent) -> Iterable[Action]:
        """Send what was received; end when the client has sent everything."""
        if isinstance(event, Received):
            return (Send(event.data),)
        return _CLOSE if isinstance(event, Eof) else _NOTHING


class EchoDatagram:
    """Echo over datagrams: each is answered by an equal one, also an empty one."""

    __slots__ = ()

    @staticmethod
    def machine(_options: Options) -> "EchoDatagram":
        """Return the machine of one socket."""
        return EchoDatagram()

    def handle(self, event: Datagram) -> Iterable[Send]:
        """Send the datagram back."""
        return (Send(event.data),)


_STREAM: Final = EchoStream()
