"""``DatagramSocket``: drives the machine of a datagram service; ``Outbound`` decides what may be answered.

No task per datagram: each is read, judged and answered in one go, a bounded number per wake-up.
"""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from superd.net import pktinfo
from superd.net.buckets import TokenBuckets
from superd.net.loops import LoopGuard, is_loopback
from superd.service import Datagram, DatagramMachine, Peer

DATAGRAM_SIZE: Final = 65535
"""Bytes of the largest datagram that IP can carry."""

BATCH: Final = 64
"""Datagrams answered per wake-up, before other sockets have their turn."""

DRAIN_LIMIT: Final = 65536
"""Datagrams thrown away at once; many more than any receive buffer holds, so it only bounds a flood."""

AMPLIFIED_RATE: Final = 10.0
"""Answers per second and source that may be longer than what was asked: plenty for a person or a clock, and
as an attack on a forged source (at most 512 bytes each) less than one unanswered TCP handshake is."""

AMPLIFIED_BURST: Final = 20
"""Such answers in a row before the rate counts."""


class DatagramOwner(Protocol):
    """Who judges datagrams and is told what happened to them."""

    @property
    def held(self) -> bool:
        """Tell whether the next datagram is to be left in the kernel: the service pauses."""

    def judge_datagram(self, peer: Peer, serve: Callable[[], None]) -> None:
        """Decide whether this peer is served, and call ``serve`` if so, now or later; a refusal is logged."""

    def answered(self, peer: Peer, received: int, sent: int) -> None:
        """A datagram was dealt with; ``sent`` is 0 when the service had nothing to say."""

    def unanswered(self, peer: Peer, reason: str) -> None:
        """A datagram was dropped, or its answer was."""

    def datagram_failed(self, peer: Peer, error: Exception) -> None:
        """The machine raised."""


@dataclass(slots=True)
class Outbound:
    """What may be answered; shared by all datagram services of a worker."""

    guard: LoopGuard = field(default_factory=LoopGuard)
    amplified: TokenBuckets = field(default_factory=lambda: TokenBuckets(AMPLIFIED_RATE, AMPLIFIED_BURST))

    def forbids(self, received: int, answer: int, amplifies: bool, host: str) -> str:
        """Say why an answer of this length may not be sent; empty when it may.

        Sources on this host and Unix sockets can't be forged and are not limited.
        """
        if answer <= received:
            return ""
        if not amplifies:
            return "answer longer than the question"
        if not host or is_loopback(host) or self.amplified.take(_network(host), time.monotonic()):
            return ""
        return "too many answers to this source"


class DatagramSocket:
    """One socket of a built-in service; it stays the caller's to watch and to close."""

    __slots__ = ("_amplifies", "_machine", "_name", "_outbound", "_owner", "_socket", "_wall")

    def __init__(
        self,
        sock: socket.socket,
        machine: DatagramMachine,
        owner: DatagramOwner,
        *,
        outbound: Outbound,
        amplifies: bool,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._socket = sock
        self._machine = machine
        self._owner = owner
        self._outbound = outbound
        self._amplifies = amplifies
        self._wall = wall
        self._name = sock.getsockname()
        pktinfo.enable(sock)

    def drain(self) -> None:
        """Throw away what waits."""
        for _ in range(DRAIN_LIMIT):
            try:
                self._socket.recv(1, socket.MSG_DONTWAIT)
            except OSError:
                return

    def ready(self, _events: int) -> None:
        """Answer some of what waits (called by the poller)."""
        for _ in range(BATCH):
            try:
                data, ancillary, _, address = self._socket.recvmsg(
                    DATAGRAM_SIZE, pktinfo.ANCILLARY_SIZE, socket.MSG_DONTWAIT
                )
            except OSError:
                return  # nothing left, or an ICMP error about an earlier answer
            self._received(data, ancillary, address)
            if self._owner.held:
                return

    def _received(self, data: bytes, ancillary: pktinfo.Ancillary, address: object) -> None:
        peer = self._peer(ancillary, address)
        reason = self._outbound.guard.reason(peer.host, peer.port) if peer.host else ""
        if reason:
            self._owner.unanswered(peer, reason)
            return
        self._owner.judge_datagram(peer, partial(self._serve, data, peer, ancillary, address))

    def _serve(self, data: bytes, peer: Peer, ancillary: pktinfo.Ancillary, address: object) -> None:
        try:
            sends = tuple(self._machine.handle(Datagram(data, peer, self._wall())))
        except Exception as error:  # noqa: BLE001 - whatever a service raises must cost one answer and no more
            self._owner.datagram_failed(peer, error)
            return
        if sends:
            self._reply(peer, len(data), sends[0].data, pktinfo.source(ancillary), address)
        else:
            self._owner.answered(peer, len(data), 0)

    def _reply(
        self, peer: Peer, received: int, answer: bytes, source: pktinfo.Ancillary, address: object
    ) -> None:
        reason = self._outbound.forbids(received, len(answer), self._amplifies, peer.host)
        if not reason:
            try:
                self._socket.sendmsg([answer], source, socket.MSG_DONTWAIT, address)  # type: ignore[arg-type]  # as it came
            except OSError as error:
                reason = f"can't answer: {error.strerror}"
        if reason:
            self._owner.unanswered(peer, reason)
        else:
            self._owner.answered(peer, received, len(answer))

    def _peer(self, ancillary: pktinfo.Ancillary, address: object) -> Peer:
        if self._socket.family == socket.AF_UNIX:
            return Peer("", 0, str(self._name), 0)
        assert isinstance(address, tuple)  # noqa: S101 - so it is for every IP socket
        return Peer(address[0], address[1], pktinfo.destination(ancillary) or self._name[0], self._name[1])


def _network(host: str) -> str:
    """The part of an address whose owner is one party: an IPv4 address, an IPv6 network of 64 bits."""
    if ":" not in host:
        return host
    packed = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    return packed[:8].hex()
