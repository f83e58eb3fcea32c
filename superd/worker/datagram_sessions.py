"""``DatagramSessions``: a program per peer of a datagram service (dgram, nowait).

The program's descriptors 0, 1 and 2 are one end of a SOCK_SEQPACKET pair (unix(7)): each read gives one
datagram of its peer, each write sends one to it. When the peer has been silent for ``idle_timeout``, the
program reads an end of file, as it does when a reload replaces the worker. An empty datagram can't be told
from that, so none is passed on.
"""

import socket
from contextlib import suppress
from functools import partial
from typing import Final

import structlog

from superd.log import events
from superd.log.connections import facts
from superd.net import pktinfo
from superd.net.datagram import BATCH, DATAGRAM_SIZE
from superd.net.poller import READABLE
from superd.processes import Listener
from superd.service import Peer
from superd.worker.accepting import peer_of
from superd.worker.client import Client
from superd.worker.complaints import Complaints
from superd.worker.context import Context
from superd.worker.hearings import DATAGRAMS_LIMIT
from superd.worker.launchers import Launchers
from superd.worker.live import Live
from superd.worker.runtime import Runtime, Setup, why
from superd.worker.starter import Starter
from superd.worker.watch import Watch

log = structlog.get_logger()

SESSION_LIMIT: Final = 1024
"""Peers of one service at a time, whatever ``instances`` says: each costs a process, and source addresses can
be forged."""

EARLY_LIMIT: Final = 16
"""Datagrams kept for a peer that is not decided about yet, or whose program is not started yet."""

RECORDS_LIMIT: Final = 4096
"""Datagrams of an ended program that are still sent: more than fit into the pair."""

Key = tuple[int, object]
"""Descriptor of the socket, and the peer's address as the kernel writes it."""


class Session:
    """One peer and our end of its program's pair."""

    __slots__ = ("_context", "_door", "_early", "_pipe", "_source", "active", "address", "due", "key", "span")

    def __init__(
        self, context: Context, door: "Door", address: object, source: pktinfo.Ancillary, span: int
    ) -> None:
        self._context = context
        self._door = door
        self._source = source
        self.address = address
        self.key: Key = (door.socket.fileno(), address)
        self.active = self.due = 0
        self.span = span
        self._pipe: socket.socket | None = None
        self._early: list[bytes] = []

    def open(self) -> socket.socket:
        """Make the pair and return the program's end."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._pipe = ours
        for data in self._early:
            self.forward(data)
        self._early.clear()
        self._context.poller.watch(ours.fileno(), self, READABLE)
        self._context.wheel.add(self)
        return theirs

    def forward(self, data: bytes) -> None:
        """Pass a datagram of the peer on; one that the program has no room for is lost, as in any full buffer."""
        self.active = self._context.wheel.tick
        if not data:
            return
        if self._pipe is None:
            if len(self._early) < EARLY_LIMIT:
                self._early.append(data)
            return
        with suppress(OSError):
            self._pipe.send(data, socket.MSG_DONTWAIT)

    def ready(self, _events: int) -> None:
        """Send what the program wrote (called by the poller)."""
        assert self._pipe is not None  # noqa: S101 - it is watched
        for _ in range(BATCH):
            try:
                data = self._pipe.recv(DATAGRAM_SIZE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except ConnectionResetError:
                continue  # said once, when the program ended without reading everything; what it wrote follows
            if not data:
                self.close()
                self._door.runtime.closed(self)
                return
            self.active = self._context.wheel.tick
            self._door.send(data, self._source, self.address)

    def idle(self) -> None:
        """Let the program read the end; what it still writes is sent, and the peer's next datagram starts another."""
        self._door.runtime.forget(self)
        if self._pipe is not None:
            self._pipe.shutdown(socket.SHUT_WR)

    def finish(self) -> None:
        """The program has ended: send what it wrote last, and let go."""
        for _ in range(RECORDS_LIMIT // BATCH):
            if self._pipe is None:
                return
            self.ready(READABLE)
        self.close()

    def close(self) -> None:
        """Let go of the program."""
        if self._pipe is not None:
            self._context.wheel.remove(self)
            self._context.poller.forget(self._pipe.fileno())
            self._pipe.close()
            self._pipe = None


class Door:
    """One socket of the service."""

    __slots__ = ("name", "runtime", "socket", "watch")

    def __init__(self, runtime: "DatagramSessions", listener: Listener) -> None:
        self.runtime = runtime
        self.socket = listener.socket
        self.name = listener.socket.getsockname()
        self.watch = Watch(runtime.context.poller, listener.socket.fileno(), self)
        pktinfo.enable(listener.socket)

    def ready(self, _events: int) -> None:
        """Pass datagrams on to their sessions (called by the poller)."""
        for _ in range(BATCH):
            try:
                data, ancillary, _, address = self.socket.recvmsg(
                    DATAGRAM_SIZE, pktinfo.ANCILLARY_SIZE, socket.MSG_DONTWAIT
                )
            except OSError:
                return
            self.runtime.received(self, data, ancillary, address)
            if self.watch.holds:
                return

    def send(self, data: bytes, source: pktinfo.Ancillary, address: object) -> None:
        """Send one datagram; what the network does not take is lost, as datagrams are."""
        try:
            self.socket.sendmsg([data], source, socket.MSG_DONTWAIT, address)  # type: ignore[arg-type]  # as it came
        except OSError:
            return

    def peer(self, ancillary: pktinfo.Ancillary, address: object) -> Peer:
        """Name both ends."""
        if self.socket.family == socket.AF_UNIX:
            return peer_of(self.socket.family, address, self.name)
        local = pktinfo.destination(ancillary) or self.name[0]
        return peer_of(self.socket.family, address, (local, self.name[1]))


class DatagramSessions(Runtime):
    """Finds or starts the session of each datagram's sender."""

    undecided_limit = DATAGRAMS_LIMIT

    def __init__(
        self,
        setup: Setup,
        *,
        launchers: Launchers,
        names: tuple[str, ...],
    ) -> None:
        super().__init__(setup)
        self._doors = [Door(self, listener) for listener in setup.listeners]
        self.watches = [door.watch for door in self._doors]
        self._starter = Starter(self, launchers, names, self._over)
        self._sessions: dict[Key, Session] = {}
        self._ending: set[Session] = set()
        self._span = self.context.wheel.span(self.service.limits.idle_timeout)
        self._complaints = Complaints()

    @property
    def live(self) -> int:
        """Programs."""
        return self._starter.count

    @property
    def connections(self) -> int:
        """Peers whose programs still write to them."""
        return len(self._ending)

    def drain(self) -> None:
        """Take nothing new, and let the programs read the end."""
        super().drain()
        for session in tuple(self._sessions.values()):
            session.idle()

    def stop(self) -> None:
        """Let go of every program."""
        for session in (*self._sessions.values(), *self._ending):
            session.close()

    def forget(self, session: Session) -> None:
        """Give this peer's next datagram to another program; this one is ending."""
        if self._sessions.get(session.key) is session:
            del self._sessions[session.key]
            self._ending.add(session)

    def closed(self, session: Session) -> None:
        """A program has closed its end."""
        self.forget(session)
        self._ending.discard(session)

    def received(self, door: Door, data: bytes, ancillary: pktinfo.Ancillary, address: object) -> None:
        """Pass a datagram to its sender's program, which may have to be started."""
        session = self._sessions.get((door.socket.fileno(), address))
        if session is None:
            session = self._begin(door, ancillary, address)
        if session is not None:
            session.forward(data)

    def _begin(self, door: Door, ancillary: pktinfo.Ancillary, address: object) -> Session | None:
        peer = door.peer(ancillary, address)
        if not peer.host and not address:
            return None  # a Unix socket without a name: nobody to answer
        if self._starter.count + self.undecided >= SESSION_LIMIT:
            self._complain(peer, f"more than {SESSION_LIMIT} peers at a time")
            return None
        session = Session(self.context, door, address, pktinfo.source(ancillary), self._span)
        self._sessions[session.key] = session
        self.judge(peer, next(self.context.ids), partial(self._decided, session))
        return session

    def _decided(self, session: Session, client: Client) -> None:
        if not client.verdict.allowed:
            self.closed(session)
            self.refuse(client)
            return
        try:
            theirs = session.open()
        except OSError as error:
            self.closed(session)
            self._complain(client.peer, f"can't start a program: {error.strerror}")
            return
        self._starter.launch(theirs.detach(), client, session)

    def report_refusal(self, client: Client) -> None:
        """Log that a datagram was refused, within the bounds for what strangers can send in any number."""
        self._report(client.peer, client.found | why(client))

    def _complain(self, peer: Peer, reason: str) -> None:
        self.refused += 1
        self._report(peer, {"reason": reason})

    def _report(self, peer: Peer, why: dict[str, str]) -> None:
        if count := self._complaints.due(peer.host, self.context.loop.time()):
            more = {"count": count} if count > 1 else {}
            log.warning(events.DATAGRAM_REFUSED, service=self.service.key, **facts(peer), **why, **more)

    def _over(self, live: Live, _known: bool) -> None:
        if isinstance(live.unit, Session):
            live.unit.finish()
            self.closed(live.unit)
