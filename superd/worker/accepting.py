"""``Acceptor``: takes connections from a listening socket; ``StreamRuntime``: a service that serves them."""

import errno
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

import structlog

from superd.log import events
from superd.net import backlog
from superd.net.stream import Ending, Stream
from superd.processes import Listener
from superd.service import Action, Close, Peer, Send, StreamEvent
from superd.worker.client import Client
from superd.worker.descriptors import RESERVED, ceiling
from superd.worker.runtime import Runtime, Setup
from superd.worker.watch import Hold, Watch

log = structlog.get_logger()

ACCEPT_BATCH: Final = 64
"""Connections taken per wake-up of one listener, before others have their turn."""

EXHAUSTED_PAUSE: Final = 1.0
"""Seconds without accepting after the system ran out of descriptors or memory: trying at once would only burn time."""

FAREWELL_LIMIT: Final = 256
"""Refused clients per service that are sent a banner at a time; more are just closed."""

FAREWELL_TIMEOUT: Final = 10.0
"""Seconds a refused client may take to read its banner."""

_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


Kind = tuple[int, int, int]
"""Family, type and protocol of a socket, as numbers."""


def _tune(fd: int, kind: Kind, client: Client) -> None:
    """Set what rules want set on the connection; that it can't be set keeps nobody out (hosts_options(5))."""
    with suppress(OSError), socket.socket(*kind, fd) as sock:
        try:
            client.tune(sock)
        finally:
            sock.detach()


def _fixed_name(sock: socket.socket) -> object:
    """The local end of every connection that comes in here, or ``None`` where each has to be asked for its own."""
    name = sock.getsockname()
    wildcard = sock.family != socket.AF_UNIX and name[0] in {"0.0.0.0", "::"}
    return None if wildcard else name


def _name_of(kind: Kind, fd: int) -> object:
    sock = socket.SocketType(*kind, fd)
    try:
        return sock.getsockname()
    finally:
        sock.detach()


def peer_of(family: int, address: object, local: object) -> Peer:
    """Name both ends of a connection from what the kernel calls them."""
    if family == socket.AF_UNIX:
        return Peer("", 0, str(local), 0)
    assert isinstance(address, tuple)  # noqa: S101 - so it is for every IP socket
    assert isinstance(local, tuple)  # noqa: S101
    return Peer(address[0], address[1], local[0], local[1])


class Acceptor:
    """The accept loop of one listener. It takes one connection at first, and more per wake-up while there are more.

    Connections are descriptors here: a socket object with its three enum look-ups costs more than accept(2) does, and a
    connection that a program gets never needs one.
    """

    __slots__ = (
        "_allowance",
        "_ceiling",
        "_family",
        "_kind",
        "_local",
        "_port",
        "_runtime",
        "_socket",
        "watch",
    )

    def __init__(self, runtime: "StreamRuntime", listener: Listener) -> None:
        self._runtime = runtime
        self._socket = listener.socket
        self._family = int(listener.socket.family)
        self._kind = (self._family, int(listener.socket.type), listener.socket.proto)
        self._local = _fixed_name(listener.socket)
        self._allowance = 1
        self._ceiling = runtime.ceiling
        self._port = listener.endpoint.port
        self.watch = Watch(runtime.context.poller, listener.socket.fileno(), self)

    def listen(self) -> None:
        """Have the kernel take connections; also heals a socket that a crashed worker left closed."""
        backlog.listen(self._socket)

    def refuse(self) -> None:
        """Have the kernel refuse connections."""
        backlog.refuse(self._socket, self._port)

    def close(self) -> None:
        """Let go of the socket; the supervisor and a successor have their own copies."""
        self._socket.close()

    def ready(self, _events: int) -> None:
        """Take connections (called by the poller)."""
        accept, runtime, watch = self._socket._accept, self._runtime, self.watch  # type: ignore[attr-defined]  # see below
        for _ in range(self._allowance):
            try:
                fd, address = accept()
            except BlockingIOError:
                self._allowance = 1
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    runtime.exhausted(error)
                    return
                continue  # the client hung up before we came
            if fd >= self._ceiling:
                os.close(fd)
                runtime.exhausted(OSError(errno.EMFILE, os.strerror(errno.EMFILE)))
                return
            local = self._local or _name_of(self._kind, fd)
            runtime.accepted(fd, self._kind, peer_of(self._family, address, local))
            if watch.holds:
                return
        self._allowance = min(self._allowance * 2, ACCEPT_BATCH)


class Farewell:
    """Machine of a refused connection: sends a text and closes."""

    __slots__ = ("_text",)

    def __init__(self, text: bytes) -> None:
        self._text = text

    def handle(self, _event: StreamEvent) -> tuple[Action, ...]:
        """Say it; the first event is the last."""
        return (Send(self._text), Close())


class Farewells:
    """Owner of the refused connections of one service, which are no connections of the service itself."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def stream_ended(self, _stream: Stream, _ending: Ending) -> None:
        """One less."""
        self.count -= 1

    def stream_failed(self, _stream: Stream, _error: Exception) -> None:
        """Can't happen: ``Farewell`` does not raise."""


class StreamRuntime(Runtime):
    """A service whose connections are accepted here; ``reserved`` descriptors are left to others."""

    reserved = RESERVED

    def __init__(
        self,
        setup: Setup,
    ) -> None:
        super().__init__(setup)
        self.ceiling = ceiling(self.reserved)
        self.acceptors = [Acceptor(self, listener) for listener in setup.listeners]
        self.watches = [acceptor.watch for acceptor in self.acceptors]
        self._farewells = Farewells()
        self._refusal = self.service.banners.always + self.service.banners.failure
        self._greeting = self.service.banners.always + self.service.banners.success
        self._farewell_span = self.context.wheel.span(FAREWELL_TIMEOUT)
        self._asks = self.idents.wanted

    def start(self) -> None:
        """Listen and serve from now on."""
        for acceptor in self.acceptors:
            acceptor.listen()
        super().start()

    def drain(self) -> None:
        """Take nothing new, hold nobody, and let go of the sockets: with the last holder, the port closes."""
        super().drain()
        self._asks = False  # who is decided about from now on could not be served after another wait
        for acceptor in self.acceptors:
            acceptor.close()

    def close_door(self) -> None:
        """Refuse clients at once, as long as the service pauses."""
        for acceptor in self.acceptors:
            acceptor.refuse()

    def open_door(self) -> None:
        """Listen again."""
        for acceptor in self.acceptors:
            acceptor.listen()

    def accepted(self, fd: int, kind: Kind, peer: Peer) -> None:
        """Serve or refuse one connection; takes over the descriptor."""
        client = Client(peer, next(self.context.ids), self.gate.decide(peer, time.time(), time.monotonic()))
        if client.verdict.question is None and not client.verdict.effects:
            self._decided(fd, kind, client)
        else:
            self.context.hearings.begin(self, client, partial(self._decided, fd, kind))

    def serve(self, fd: int, kind: Kind, client: Client) -> None:
        """Serve an admitted connection; takes over the descriptor."""
        raise NotImplementedError

    def greeting(self, client: Client) -> bytes:
        """What an admitted client is sent first."""
        if not client.verdict.effects:
            return self._greeting
        return self.service.banners.always + client.banner + self.service.banners.success

    def _decided(self, fd: int, kind: Kind, client: Client) -> None:
        go_on = self._admitted if client.verdict.allowed else self._turn_away
        if not client.verdict.allowed:
            self.refuse(client)
        if self._asks and self.idents.wants(client):
            self._hold_client(partial(go_on, fd, kind, client), client)
        else:
            go_on(fd, kind, client)
        if self._asks and not client.verdict.allowed:
            self.idents.record(client)

    def _hold_client(self, go_on: Callable[[], None], client: Client) -> None:
        """Wait for what its ident server says; who is admitted counts for the limits from now on."""
        host = client.peer.host
        if not client.verdict.allowed:
            self.idents.hold(client, go_on)
            return

        def admit() -> None:
            self.gate.leave(host)  # it enters again where it is served
            go_on()

        self.gate.enter(host)
        self.idents.hold(client, admit)

    def _admitted(self, fd: int, kind: Kind, client: Client) -> None:
        if client.verdict.effects:
            _tune(fd, kind, client)
        self.serve(fd, kind, client)

    def _turn_away(self, fd: int, kind: Kind, client: Client) -> None:
        """Close a refused connection, after its banner if there is one; holds up nobody."""
        text = self._refusal
        if client.verdict.effects:
            text = self.service.banners.always + client.banner + self.service.banners.failure
        if not text or self._farewells.count >= FAREWELL_LIMIT:
            os.close(fd)
            return
        sock = socket.SocketType(*kind, fd)
        self._farewells.count += 1
        stream = Stream(
            self.context.streams, sock, Farewell(text), self._farewells,
            peer=client.peer, conn=0, started=0.0, span=self._farewell_span,
        )  # fmt: skip
        stream.start(0.0)

    def exhausted(self, error: OSError) -> None:
        """Stop accepting for a moment: there is no descriptor, or no memory, for another connection."""
        log.error(
            events.SERVICE_DEACTIVATED,
            service=self.service.key,
            reason=f"can't accept: {error.strerror}",
            pause=EXHAUSTED_PAUSE,
        )
        self.hold(Hold.DESCRIPTORS)
        self.context.loop.call_later(EXHAUSTED_PAUSE, self.release, Hold.DESCRIPTORS)
