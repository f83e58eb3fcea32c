"""One request with all that is known about it: ``Request``, and ``host_of``, which finds the client's entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network

from superd.service import Link, LinkDatagram, Peer
from superd_services.bootps import packet, vendor
from superd_services.bootps.bootptab import Host, Table
from superd_services.bootps.packet import Malformed, Packet
from superd_services.bootps.vendor import Code


class Message(IntEnum):
    """What a DHCP message is (RFC 2132 section 9.6)."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7
    INFORM = 8


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``server`` is our address on the link it came by; ``now`` the wall clock in seconds."""

    packet: Packet
    options: Mapping[int, bytes]
    length: int
    peer: Peer
    link: Link
    server: IPv4Address
    now: float

    @property
    def is_dhcp(self) -> bool:
        """Tell whether it is of DHCP, and not of BOOTP (RFC 1534)."""
        return Code.MESSAGE_TYPE in self.options

    @property
    def message(self) -> Message | None:
        """What kind of DHCP message it is; ``None`` for BOOTP, and for what a client doesn't send."""
        value = self.options.get(Code.MESSAGE_TYPE, b"")
        known = len(value) == 1 and value[0] in Message.__members__.values()
        return Message(value[0]) if known else None

    @property
    def network(self) -> IPv4Network:
        """Our network on the link."""
        return IPv4Network((self.server, self.link.prefix), strict=False)

    @property
    def file(self) -> bytes:
        """The boot file the client asks for by name; empty for most."""
        return b"" if vendor.overloaded(self.options) & 1 else packet.text(self.packet.file)

    @property
    def server_name(self) -> bytes:
        """The server the client asks for by name; empty for most."""
        return b"" if vendor.overloaded(self.options) & 2 else packet.text(self.packet.server_name)

    def address(self, code: Code) -> IPv4Address | None:
        """Return an option that is an address; ``None`` if it isn't there, or is of another length."""
        value = self.options.get(code, b"")
        return IPv4Address(value) if len(value) == 4 else None

    def number(self, code: Code) -> int:
        """Return an option that is a number of 16 bits, or the first of several; 0 without it."""
        return int.from_bytes(self.options.get(code, b"")[:2], "big")


def read(event: LinkDatagram) -> Request:
    """Read a datagram.

    Raises:
        Malformed: it is no request, or can't be answered on its link.
    """
    found = packet.parse(event.data)
    link = event.link
    if not link.address:
        raise Malformed(f"there is no address of ours on {link.name}")
    relay = found.giaddr
    if int(relay) and (relay.is_multicast or relay.is_loopback or relay.is_reserved):
        raise Malformed(f"{relay} can't be the address of a relay agent")
    server = IPv4Address(link.address)
    return Request(found, vendor.read(found), len(event.data), event.peer, link, server, event.now)


def host_of(request: Request, table: Table) -> Host | None:
    """Return the entry of the client: by client identifier or hardware address; for BOOTP, also by its own address.

    Of several, the one counts that is in the network the request came from. A single one counts wherever it is.
    """
    found = request.packet
    identifier = request.options.get(Code.CLIENT, b"")
    entries = table.of_identifier(identifier) if identifier else []
    if not entries and found.hardware:
        entries = table.of_hardware(found.htype, found.hardware)
    elif not entries and len(identifier) > 1:
        entries = table.of_hardware(identifier[0], identifier[1:])
    if not entries and int(found.ciaddr) and not request.is_dhcp:
        return table.of_address(found.ciaddr)
    near = [host for host in entries if _near(host, request)]
    return near[0] if near else entries[0] if len(entries) == 1 else None


def _near(host: Host, request: Request) -> bool:
    relay = request.packet.giaddr
    return relay in host.network if int(relay) else host.address in request.network
