"""``BuiltinStreams``: a built-in service over streams, answered in process."""

import os
import socket
import time
from collections.abc import Iterator

import structlog

from superd.config.model import Builtin
from superd.log import events
from superd.log.connections import ConnectionLog, facts
from superd.net.stream import Ending, Stream
from superd.service import BuiltinService
from superd.worker.accepting import Kind, StreamRuntime
from superd.worker.client import Client
from superd.worker.descriptors import RESERVED, RESERVED_FOR_PROGRAMS
from superd.worker.launchers import Launchers
from superd.worker.runtime import Setup
from superd.worker.starter import Starter

log = structlog.get_logger()


class BuiltinStreams(StreamRuntime):
    """Owns the connections of one service."""

    reserved = RESERVED + RESERVED_FOR_PROGRAMS

    def __init__(
        self,
        setup: Setup,
        *,
        builtin: BuiltinService,
        launchers: Launchers,
        names: tuple[str, ...],
    ) -> None:
        super().__init__(setup)
        assert isinstance(self.service.action, Builtin)  # noqa: S101 - the engine chose by that
        assert builtin.stream is not None  # noqa: S101
        if builtin.measures:
            self.connections_log = ConnectionLog(self.service.key, measured=True)
        self._make = builtin.stream
        self._options = self.service.action.options
        self._span = self.context.wheel.span(self.service.limits.idle_timeout)
        self._streams: set[Stream] = set()
        self._twists = Starter(self, launchers, names) if names else None
        self._calls = self.context.new_calls(self.service.key)

    @property
    def live(self) -> int:
        """Open connections, and commands that serve some of them."""
        return len(self._streams) + (self._twists.count if self._twists else 0)

    @property
    def connections(self) -> int:
        """Those that are served here."""
        return len(self._streams)

    def stop(self) -> None:
        """Close every connection."""
        for stream in tuple(self._streams):
            stream.stop()

    def serve(self, fd: int, kind: Kind, client: Client) -> None:
        """Start the machine of a connection, or the command that serves it instead."""
        if client.verdict.twist is not None:
            self._twist(fd, client)
            return
        peer = client.peer
        self.served += 1
        self.gate.enter(peer.host)
        self.writer.start(0, peer.host)
        self.idents.record(client)
        self.connections_log.start(client.conn, peer, client.told)
        stream = Stream(
            self.context.streams, socket.SocketType(*kind, fd), self._make(self._options), self,
            peer=peer, conn=client.conn, started=time.monotonic(), span=self._span, caller=self._calls,
        )  # fmt: skip
        self._streams.add(stream)
        stream.start(time.time(), self.greeting(client))

    def _twist(self, fd: int, client: Client) -> None:
        """Have the command of a ``twist`` serve the client; without anybody to run it, the client is refused.

        A built-in goes on accepting when its launcher does not keep up, so nobody may wait for that in any number.
        """
        if self._twists is not None and self._twists.taking:
            self._twists.launch(fd, client)
            return
        os.close(fd)
        client.verdict = client.verdict.without_twist()
        self.refuse(client)

    def state(self) -> Iterator[tuple[str, str]]:
        """Describe the service, and how many of its threads hang if any do."""
        yield from super().state()
        if self._calls.hanging:
            yield "calls that hang", str(self._calls.hanging)

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
