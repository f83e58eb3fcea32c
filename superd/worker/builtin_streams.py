"""``BuiltinStreams``: a built-in service over streams, answered in process."""

import socket
import time
from typing import Final

import structlog

from superd.config.model import Builtin
from superd.log import events
from superd.log.connections import facts
from superd.net.stream import Ending, Stream
from superd.service import BuiltinService, Peer
from superd.worker.accepting import RESERVED, Kind, StreamRuntime
from superd.worker.runtime import Setup

log = structlog.get_logger()


RESERVED_FOR_PROGRAMS: Final = 128
"""Descriptors left free for connections that a program is about to get: whoever opens as many connections to a
built-in as there is room for must not lock out every other service."""


class BuiltinStreams(StreamRuntime):
    """Owns the connections of one service."""

    reserved = RESERVED + RESERVED_FOR_PROGRAMS

    def __init__(
        self,
        setup: Setup,
        *,
        builtin: BuiltinService,
    ) -> None:
        super().__init__(setup)
        assert isinstance(self.service.action, Builtin)  # noqa: S101 - the engine chose by that
        assert builtin.stream is not None  # noqa: S101
        self._make = builtin.stream
        self._options = self.service.action.options
        self._span = self.context.wheel.span(self.service.limits.idle_timeout)
        self._streams: set[Stream] = set()

    @property
    def live(self) -> int:
        """Open connections."""
        return len(self._streams)

    @property
    def connections(self) -> int:
        """All of them."""
        return len(self._streams)

    def stop(self) -> None:
        """Close every connection."""
        for stream in tuple(self._streams):
            stream.stop()

    def serve(self, fd: int, kind: Kind, peer: Peer, conn: int, rule: str) -> None:
        """Start the machine of a connection."""
        self.served += 1
        self.gate.enter(peer.host)
        self.writer.start(0, peer.host)
        self.connections_log.start(conn, peer, rule)
        stream = Stream(
            self.context.streams, socket.SocketType(*kind, fd), self._make(self._options), self,
            peer=peer, conn=conn, started=time.monotonic(), span=self._span,
        )  # fmt: skip
        self._streams.add(stream)
        stream.start(time.time(), self._greeting)

    def stream_ended(self, stream: Stream, ending: Ending) -> None:
        """Count and log the end of a connection."""
        self._streams.discard(stream)
        self.gate.leave(stream.peer.host)
        self.connections_log.end(
            stream.conn,
            stream.peer,
            stream.started,
            bytes_in=stream.bytes_in,
            bytes_out=stream.bytes_out,
            reason="" if ending is Ending.DONE else str(ending),
        )

    def stream_failed(self, stream: Stream, error: Exception) -> None:
        """Log what a machine raised."""
        log.error(
            events.MACHINE_FAILED,
            conn=events.connection_id(stream.conn),
            service=self.service.key,
            **facts(stream.peer),
            error=f"{type(error).__name__}: {error}",
        )
        log.debug(events.MACHINE_FAILED, exc_info=error)
