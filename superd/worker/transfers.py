"""``Transfers``: a built-in service whose requests each get a conversation of their own (TFTP).

Access rules and limits apply to each request. Sessions are bounded by the service's settings as well as by its
``instances`` and ``per_source``, because a request's source can be forged.
"""

import errno
import os
import socket
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from superd.access.limits import Counters
from superd.access.prefixes import SOURCE, counted_by
from superd.config.model import Builtin
from superd.log import events
from superd.log.connections import facts
from superd.net import pktinfo, ports
from superd.net.datagram import BATCH, DATAGRAM_SIZE
from superd.net.transfer import OwnPort, OwnPorts, Port, Session, SharedPort
from superd.processes import Listener
from superd.service import BuiltinService, Datagram, Finish, Outcome, Peer, Send, Transfer
from superd.worker.client import Client
from superd.worker.complaints import Complaints
from superd.worker.descriptors import RESERVED_FOR_PROGRAMS, ceiling
from superd.worker.hearings import DATAGRAMS_LIMIT
from superd.worker.runtime import Runtime, Setup, why
from superd.worker.watch import Watch

log = structlog.get_logger()

NO_PROCESS: Final = 0
"""The pid in START lines of services that need no process (xinetd.log(5))."""

LEVELS: Final = {Outcome.PROBED: "debug", Outcome.FAILED: "warning"}
"""Levels of ends that are not the usual ``info``: a file that is not there is everyday life of a boot loader."""

Key = tuple[int, object, str]
"""Descriptor of the service's socket, the peer's address as the kernel writes it, and our address."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that waits for its verdict."""

    door: "Door"
    data: bytes
    ancillary: pktinfo.Ancillary
    address: ports.Address
    key: Key


class Door:
    """One socket of the service."""

    __slots__ = ("_name", "_runtime", "socket", "watch")

    def __init__(self, runtime: "Transfers", listener: Listener) -> None:
        self._runtime = runtime
        self.socket = listener.socket
        self._name = listener.socket.getsockname()
        self.watch = Watch(runtime.context.poller, listener.socket.fileno(), self)
        pktinfo.enable(listener.socket)

    def ready(self, _events: int) -> None:
        """Take some of what waits (called by the poller)."""
        for _ in range(BATCH):
            try:
                data, ancillary, _, address = self.socket.recvmsg(
                    DATAGRAM_SIZE, pktinfo.ANCILLARY_SIZE, socket.MSG_DONTWAIT
                )
            except OSError:
                return
            key = (self.socket.fileno(), address, pktinfo.local(ancillary))
            self._runtime.received(Asked(self, data, ancillary, address, key))
            if self.watch.holds:
                return

    def peer(self, asked: Asked) -> Peer:
        """Name both ends."""
        local = asked.key[2] or self._name[0]
        return Peer(asked.address[0], asked.address[1], local, self._name[1])

    def drain(self) -> None:
        """Throw away what waits."""
        for _ in range(DATAGRAM_SIZE):
            try:
                self.socket.recv(1, socket.MSG_DONTWAIT)
            except OSError:
                return


class Transfers(Runtime):
    """Owns the sessions of one service."""

    undecided_limit = DATAGRAMS_LIMIT

    def __init__(self, setup: Setup, *, builtin: BuiltinService) -> None:
        super().__init__(setup)
        assert isinstance(self.service.action, Builtin)  # noqa: S101 - the engine chose by that
        assert builtin.transfers is not None  # noqa: S101
        self._service = builtin.transfers(self.service.action.options)
        self._settings = self._service.settings
        self._sessions: dict[Hashable, Session] = {}
        self._unproven: OrderedDict[Hashable, Session] = OrderedDict()
        """Those of whose peers nothing may have been heard yet, oldest first."""
        self._sources = Counters(counted_by(SOURCE))
        self._undecided: set[Key] = set()
        self._complaints = Complaints()
        self._calls = self.context.new_calls(self.service.key)
        self._ports = OwnPorts(self.context.poller, patient=builtin.own_worker)
        self._ceiling = ceiling(RESERVED_FOR_PROGRAMS)
        self._doors = [Door(self, listener) for listener in setup.listeners]
        self.watches = [door.watch for door in self._doors]

    @property
    def live(self) -> int:
        """Transfers, but those that only dally."""
        return self._sources.total

    @property
    def connections(self) -> int:
        """The same; they end with this worker."""
        return self._sources.total

    def drain(self) -> None:
        """Take nothing new. With a single port nothing of what is under way comes here any more either."""
        super().drain()
        if self._settings.single_port:
            self.stop()

    def stop(self) -> None:
        """End every transfer."""
        for session in tuple(self._sessions.values()):
            session.stop("the daemon could not wait longer")

    def open_door(self) -> None:
        """Throw away what came during a pause: its senders will ask again."""
        for door in self._doors:
            door.drain()

    def received(self, asked: Asked) -> None:
        """Take a datagram that came to the service's port."""
        session = self._sessions.get(asked.key)
        if not self._service.is_request(asked.data):
            if session is not None and self._settings.single_port:
                session.receive(asked.data)
            return
        if asked.key in self._undecided or (session is not None and not session.restarts()):
            return  # repeated; the answer is on its way, or will be sent again
        if not self._settings.broadcast and pktinfo.destination(asked.ancillary) != asked.key[2]:
            return  # RFC 1123 section 4.2.3.5
        if session is not None:
            session.stop("the client has begun anew")
        peer = asked.door.peer(asked)
        reason = self.context.outbound.guard.reason(peer.host, peer.port)
        if reason:
            self._complain(peer, {"reason": reason})
            return
        self._undecided.add(asked.key)
        self.judge(peer, next(self.context.ids), partial(self._decided, asked))

    def _full(self, peer: Peer) -> str:
        if len(self._sessions) >= self._settings.limit and not self._make_room():
            return f"more than {self._settings.limit} transfers at a time"
        if self._sources.of(peer.host) >= self._settings.source_limit:
            return f"more than {self._settings.source_limit} transfers of one client at a time"
        return ""

    def _make_room(self) -> bool:
        """End the oldest transfer of a peer that never answered: requests with forged sources shut nobody out."""
        while self._unproven:
            _, session = self._unproven.popitem(last=False)
            if not session.over and not session.bytes_in:
                session.stop("others need its place, and the client never answered")
                return True
        return False

    def _decided(self, asked: Asked, client: Client) -> None:
        self._undecided.discard(asked.key)
        client.verdict = client.verdict.without_twist()
        if not client.verdict.allowed:
            self.refuse(client)
        elif reason := self._full(client.peer):
            self._complain(client.peer, {"reason": reason})
        else:
            self._serve(asked, client)

    def _serve(self, asked: Asked, client: Client) -> None:
        try:
            answer = self._service.request(Datagram(asked.data, client.peer, time.time()))
        except Exception as error:  # noqa: BLE001 - whatever a service raises must cost one request and no more
            self._report(client.peer, error)
            return
        if isinstance(answer, Send):
            self._answer(asked, client.peer, answer.data)
        elif answer is not None:
            self._begin(asked, client, answer)

    def _answer(self, asked: Asked, peer: Peer, answer: bytes) -> None:
        reason = self.context.outbound.forbids(len(asked.data), len(answer), amplifies=True, host=peer.host)
        if reason:
            self._complain(peer, {"reason": reason})
            return
        try:
            self._shared(asked).send(answer)
        except OSError as error:
            self._complain(peer, {"reason": f"can't answer: {error.strerror}"})
            return
        self.served += 1
        counts = {"bytes_in": len(asked.data), "bytes_out": len(answer)}
        log.info(events.DATAGRAM_ANSWERED, service=self.service.key, **facts(peer), **counts)

    def _begin(self, asked: Asked, client: Client, machine: Transfer) -> None:
        try:
            port, payload = self._open(asked)
        except OSError as error:
            machine.close()
            self._complain(client.peer, {"reason": f"can't open a port: {error.strerror}"})
            return
        self.served += 1
        self.gate.enter(client.peer.host)
        self._sources.enter(client.peer.host)
        self.writer.start(NO_PROCESS, client.peer.host)
        session = Session(
            self.context.loop, machine, self, port,
            key=asked.key, peer=client.peer, conn=client.conn, caller=self._calls,
        )  # fmt: skip
        self._sessions[asked.key] = self._unproven[asked.key] = session
        write = getattr(log, client.level or "info")
        rule = {"rule": client.rule} if client.rule else {}
        write(events.CONNECTION_START, **self._facts(session), **client.found, **rule, **machine.about)
        session.start(payload)

    def _open(self, asked: Asked) -> tuple[Port, int]:
        """Make what a transfer sends from; also tell how much reaches the client in one piece."""
        local = asked.key[2]
        sock = ports.connected(
            local, asked.address, None if self._settings.single_port else self._settings.ports
        )
        payload = ports.payload(sock)
        if self._settings.single_port:
            sock.close()
            return self._shared(asked), payload
        if sock.fileno() >= self._ceiling:
            sock.close()
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return OwnPort(self._ports, sock), payload

    @staticmethod
    def _shared(asked: Asked) -> SharedPort:
        return SharedPort(asked.door.socket, pktinfo.source(asked.ancillary), asked.address)

    def transfer_ended(self, session: Session, finish: Finish) -> None:
        """Count and log the end of a transfer."""
        self.gate.leave(session.peer.host)
        self._sources.leave(session.peer.host)
        exact = session.heard - session.started
        reason = {"reason": finish.reason} if finish.reason else {}
        write = getattr(log, LEVELS.get(finish.outcome, "info"))
        write(
            events.CONNECTION_END,
            **self._facts(session),
            duration=events.seconds(exact),
            bytes_in=session.bytes_in,
            bytes_out=session.bytes_out,
            rate=round(max(session.bytes_in, session.bytes_out) / exact) if exact > 0 else 0,
            outcome=str(finish.outcome),
            **session.machine.about,
            **reason,
        )

    def transfer_closed(self, session: Session) -> None:
        """Forget a transfer."""
        del self._sessions[session.key]
        self._unproven.pop(session.key, None)

    def transfer_failed(self, session: Session, error: Exception) -> None:
        """Log what a machine raised."""
        self._report(session.peer, error)

    def report_refusal(self, client: Client) -> None:
        """Log that a request was refused."""
        self._complain(client.peer, client.found | why(client), refused=False)

    def state(self) -> Iterator[tuple[str, str]]:
        """Describe the service, and how many of its threads hang if any do."""
        yield from super().state()
        if self._calls.hanging:
            yield "calls that hang", str(self._calls.hanging)

    def _facts(self, session: Session) -> dict[str, str | int]:
        conn = events.connection_id(session.conn)
        return {"conn": conn, "service": self.service.key, **facts(session.peer)}

    def _complain(self, peer: Peer, why: dict[str, str], *, refused: bool = True) -> None:
        self.refused += refused
        count = self._complaints.due(peer.host, time.monotonic())
        if count:
            more = {"count": count} if count > 1 else {}
            log.warning(events.DATAGRAM_REFUSED, service=self.service.key, **facts(peer), **why, **more)

    def _report(self, peer: Peer, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"
        log.error(events.MACHINE_FAILED, service=self.service.key, **facts(peer), error=text)
        log.debug(events.MACHINE_FAILED, exc_info=error)
