"""``Session``: drives the machine of one transfer.

It sends from a socket of its own (``OwnPort``), or from the service's (``SharedPort``). No task per transfer: the
poller, or whoever reads the service's socket, gives it what its peer sends.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Hashable
from typing import Final, Protocol

from superd.net import pktinfo
from superd.net.aside import Aside, Caller
from superd.net.datagram import BATCH, DATAGRAM_SIZE
from superd.net.poller import Poller
from superd.service import (
    Begun,
    Call,
    Finish,
    Outcome,
    Peer,
    Received,
    Send,
    SetTimer,
    Transfer,
    TransferEvent,
    Unreachable,
)

RESTART_AFTER: Final = 5.0
"""Seconds of silence after which a peer that repeats its request must have begun anew: a machine that was switched off
and on again takes longer, and a request that was only delayed on its way does not."""

PATIENCE: Final = 1000
"""Microseconds a port waits for its peer (or for room in the send buffer); the kernel makes some milliseconds of it."""

_MOMENT: Final = struct.pack("@ll", 0, PATIENCE)
_DONTWAIT: Final = socket.MSG_DONTWAIT
_UNREACHABLE: Final = Unreachable()


class TransferOwner(Protocol):
    """Who is told about a transfer's end, exactly once, and then that its port is closed."""

    def transfer_ended(self, session: "Session", finish: Finish) -> None:
        """The transfer is over; its counters are final, and the machine can still be asked what it was about."""

    def transfer_closed(self, session: "Session") -> None:
        """Nothing more is sent or received."""

    def transfer_failed(self, session: "Session", error: Exception) -> None:
        """The machine raised; ``transfer_ended`` follows."""


class Port(Protocol):
    """What a transfer sends from. ``send`` sends one datagram to the peer, and raises OSError."""

    send: Callable[[bytes], int]

    def open(self, session: "Session") -> None:
        """Give the session what comes from its peer, from now on."""

    def close(self) -> None:
        """Let go of it."""


class OwnPorts:
    """The ports that transfers of one service have to themselves.

    ``patient``: as long as there is one alone, it waits a moment for its peer's next datagram before others have their
    turn. That saves two of every four system calls, and only suits a worker that has nothing else to do.
    """

    __slots__ = ("count", "patient", "poller")

    def __init__(self, poller: Poller, *, patient: bool) -> None:
        self.poller = poller
        self.patient = patient
        self.count = 0

    @property
    def alone(self) -> bool:
        """Whether waiting keeps no other transfer waiting."""
        return self.patient and self.count == 1


class OwnPort:
    """A connected socket, which nobody else has."""

    __slots__ = ("_ports", "_session", "_socket", "send")

    def __init__(self, ports: OwnPorts, sock: socket.socket) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _MOMENT)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _MOMENT)
        self._ports = ports
        self._socket = sock
        self._session: Session | None = None
        self.send: Callable[[bytes], int] = sock.send

    def open(self, session: "Session") -> None:
        """Watch it."""
        self._session = session
        self._ports.poller.watch(self._socket.fileno(), self)
        self._ports.count += 1

    def ready(self, _events: int) -> None:
        """Receive (called by the poller): until something was answered, or more often while nobody else waits."""
        session = self._session
        assert session is not None  # noqa: S101 - it is watched
        flags: int = _DONTWAIT
        for _ in range(BATCH):
            try:
                data = self._socket.recv(DATAGRAM_SIZE, flags)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                session.feed(_UNREACHABLE)
                return
            except OSError:
                return  # another ICMP error, which says nothing about the peer
            answered = session.receive(data)
            if answered and (session.over or not self._ports.alone):
                return
            flags = 0 if answered else _DONTWAIT

    def stop(self) -> None:
        """End the transfer: the worker ends."""
        if self._session is not None:
            self._session.stop("the daemon ends")

    def close(self) -> None:
        """Close the socket."""
        self._ports.poller.drop(self._socket.fileno())
        self._ports.count -= 1
        self._socket.close()


class SharedPort:
    """The service's own socket; whoever reads it passes on what comes from the peer."""

    __slots__ = ("_address", "_socket", "_source", "send")

    def __init__(self, sock: socket.socket, source: pktinfo.Ancillary, address: object) -> None:
        self._socket = sock
        self._source = source
        self._address = address
        self.send: Callable[[bytes], int] = self._send

    def _send(self, data: bytes) -> int:
        return self._socket.sendmsg([data], self._source, _DONTWAIT, self._address)  # type: ignore[arg-type]  # as it came

    def open(self, session: "Session") -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


class Session:
    """One transfer.

    ``key`` is what its owner knows it by, ``conn`` its id in the log; ``started`` and ``heard`` (when the peer was last
    heard of) are in the loop's seconds; ``caller`` does the machine's calls. ``bytes_in`` and ``bytes_out`` count
    datagrams' contents. ``concluded``: it has ended, and at most dallies; ``over``: it does not do that either.
    """

    __slots__ = (
        "_aside", "_loop", "_owner", "_port", "_transmit", "bytes_in", "bytes_out", "concluded", "conn", "heard", "key",
        "machine", "over", "peer", "started",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        machine: Transfer,
        owner: TransferOwner,
        port: Port,
        *,
        key: Hashable,
        peer: Peer,
        conn: int,
        caller: Caller,
    ) -> None:
        self._loop = loop
        self._owner = owner
        self._port = port
        self._transmit = port.send
        self._aside = Aside(loop, caller, self.feed)
        self.machine = machine
        self.key = key
        self.peer = peer
        self.conn = conn
        self.started = self.heard = loop.time()
        self.bytes_in = self.bytes_out = 0
        self.concluded = self.over = False

    def start(self, payload: int) -> None:
        """Begin; ``payload`` as in ``Begun``."""
        self._port.open(self)
        self.feed(Begun(payload))

    def receive(self, data: bytes) -> bool:
        """Take a datagram of the peer; tell whether it was answered, or was the last one."""
        self.bytes_in += len(data)
        self.heard = self._loop.time()
        sent = self.bytes_out
        self.feed(Received(data))
        return self.over or self.bytes_out > sent

    def feed(self, event: TransferEvent) -> None:
        """Give the machine one event and carry out its actions."""
        try:
            refused = False
            for action in self.machine.handle(event):
                if isinstance(action, Send):
                    try:
                        self.bytes_out += self._transmit(action.data)
                    except ConnectionRefusedError:
                        refused = True  # something sent earlier was, and this was not sent
                    except OSError:
                        continue  # lost, as datagrams are
                elif isinstance(action, SetTimer):
                    self._aside.set_timer(action.seconds)
                elif isinstance(action, Call):
                    self._aside.call(action.work, 0)
                elif action.dally:
                    self._conclude(action)
                else:
                    self._end(action)
                    return
        except Exception as error:  # noqa: BLE001 - whatever a service raises must end its transfer alone
            self._owner.transfer_failed(self, error)
            self._end(Finish(Outcome.FAILED, "the service failed"))
            return
        if refused:
            self.feed(_UNREACHABLE)

    def stop(self, reason: str) -> None:
        """End now."""
        self._end(Finish(Outcome.FAILED, reason))

    def restarts(self) -> bool:
        """Tell whether a request that the peer sends now must be a new one."""
        return self.concluded or self._loop.time() - self.heard >= RESTART_AFTER

    def _conclude(self, finish: Finish) -> None:
        if not self.concluded:
            self.concluded = True
            self._owner.transfer_ended(self, finish)

    def _end(self, finish: Finish) -> None:
        if self.over:
            return
        self.over = True
        self._aside.end()
        self._port.close()
        self._conclude(finish)
        self._owner.transfer_closed(self)
        self.machine.close()
