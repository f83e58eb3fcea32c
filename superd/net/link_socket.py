"""``LinkSocket``: drives the machine of a service whose clients may have no address yet (BOOTP).

As with ``DatagramSocket``, each datagram is read, judged and answered in one go, a bounded number per wake-up.
"""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Final, Protocol

from superd.net import link_packet, pktinfo
from superd.net.buckets import TokenBuckets
from superd.net.datagram import BATCH, DATAGRAM_SIZE, DRAIN_LIMIT
from superd.net.links import Links
from superd.net.loops import LoopGuard
from superd.service import (
    Link,
    LinkAction,
    LinkDatagram,
    LinkMachine,
    Note,
    Peer,
    SendBroadcast,
    SendFrame,
    SendTo,
)

EVERYBODY: Final = "255.255.255.255"
"""Every host on the link, whatever its network is (RFC 919 section 7)."""

LONGER_RATE: Final = 100.0
"""Answers per second to one address that are longer than the question: what a relay agent asks for a whole building
that is switched on; as an attack on somebody whose address was forged, 60 kB/s of at most twice what was spent."""

LONGER_BURST: Final = 1000
"""Such answers in a row before the rate counts: the machines of one building."""

_DONTWAIT: Final = socket.MSG_DONTWAIT


class Delivery(StrEnum):
    """How an answer was sent; the values are those of the log's ``delivery``."""

    UNICAST = "unicast"
    BROADCAST = "broadcast"
    FRAME = "frame"
    NONE = ""


class LinkOwner(Protocol):
    """Who judges datagrams and is told what happened to them."""

    @property
    def held(self) -> bool:
        """Tell whether the next datagram is to be left in the kernel: the service pauses."""

    def judge_datagram(self, peer: Peer, serve: Callable[[], None]) -> None:
        """Decide whether this peer is served, and call ``serve`` if so, now or later; a refusal is logged."""

    def noted(self, peer: Peer, link: Link, note: Note, delivery: Delivery) -> None:
        """The machine has something to say for the log, about an answer that was delivered like this."""

    def unanswered(self, peer: Peer, reason: str) -> None:
        """An answer could not be sent."""

    def datagram_failed(self, peer: Peer, error: Exception) -> None:
        """The machine raised."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the sockets of one service share. ``packets`` sends frames; ``None`` where root did not open it."""

    packets: socket.socket | None = None
    guard: LoopGuard = field(default_factory=LoopGuard)
    links: Links = field(default_factory=Links)
    longer: TokenBuckets = field(default_factory=lambda: TokenBuckets(LONGER_RATE, LONGER_BURST))


class LinkSocket:
    """One IPv4 socket of the service; it stays the caller's to watch and to close."""

    __slots__ = ("_machine", "_means", "_name", "_owner", "_socket")

    def __init__(self, sock: socket.socket, machine: LinkMachine, owner: LinkOwner, means: Means) -> None:
        self._socket = sock
        self._machine = machine
        self._owner = owner
        self._means = means
        self._name = sock.getsockname()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        pktinfo.enable(sock)

    def drain(self) -> None:
        """Throw away what waits."""
        for _ in range(DRAIN_LIMIT):
            try:
                self._socket.recv(1, _DONTWAIT)
            except OSError:
                return

    def ready(self, _events: int) -> None:
        """Answer some of what waits (called by the poller)."""
        for _ in range(BATCH):
            try:
                data, ancillary, _, address = self._socket.recvmsg(
                    DATAGRAM_SIZE, pktinfo.ANCILLARY_SIZE, _DONTWAIT
                )
            except OSError:
                return  # nothing left, or an ICMP error about an earlier answer
            sent_to = pktinfo.destination(ancillary)
            peer = Peer(address[0], address[1], sent_to or self._name[0], self._name[1])
            link = self._means.links.find(pktinfo.interface(ancillary), sent_to, pktinfo.local(ancillary))
            self._owner.judge_datagram(peer, partial(self._serve, data, peer, link))
            if self._owner.held:
                return

    def _serve(self, data: bytes, peer: Peer, link: Link) -> None:
        delivery = Delivery.NONE
        try:
            for action in self._machine.handle(LinkDatagram(data, peer, time.time(), link)):
                if isinstance(action, Note):
                    self._owner.noted(peer, link, action, delivery)
                elif reason := self._forbids(action, len(data), link):
                    self._owner.unanswered(peer, reason)
                    return
                elif (delivery := self._send(action, peer, link)) is Delivery.NONE:
                    return
        except Exception as error:  # noqa: BLE001 - whatever a service raises must cost one answer and no more
            self._owner.datagram_failed(peer, error)

    def _forbids(self, action: LinkAction, received: int, link: Link) -> str:
        """Say why this may not be sent; empty when it may."""
        if not link.address:
            return f"{link.name} has no IPv4 address to answer from"
        if not isinstance(action, SendTo):
            return ""
        if not self._means.guard.single_host(action.host):
            return f"{action.host} is no single host"
        if len(action.data) > received and not self._means.longer.take(action.host, time.monotonic()):
            return f"too many answers to {action.host}"
        return ""

    def _send(self, action: SendTo | SendBroadcast | SendFrame, peer: Peer, link: Link) -> Delivery:
        if isinstance(action, SendFrame) and self._send_frame(action, link):
            return Delivery.FRAME
        way, host, leaving = Delivery.BROADCAST, EVERYBODY, pktinfo.leaving(link.address, link.index)
        if isinstance(action, SendTo):
            way, host, leaving = Delivery.UNICAST, action.host, pktinfo.leaving(link.address)
        try:
            self._socket.sendmsg([action.data], leaving, _DONTWAIT, (host, action.port))
        except OSError as error:
            self._owner.unanswered(peer, f"can't send to {host}: {error.strerror}")
            return Delivery.NONE
        return way

    def _send_frame(self, action: SendFrame, link: Link) -> bool:
        """Tell whether it could be sent: some links have no hardware addresses, or others than the client says."""
        if self._means.packets is None:
            return False
        ports = (self._name[1], action.port)
        packet = link_packet.udp_packet(link.address, action.host, ports, action.data)
        try:
            link_packet.send_frame(self._means.packets, link.name, action.hardware, packet)
        except OSError:
            return False
        return True
