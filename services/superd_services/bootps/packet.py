"""BOOTP messages as bytes (RFC 951 section 3, RFC 1542): ``parse`` reads requests, ``build`` writes replies.

DHCP uses the same message (RFC 2131 section 2); its options are ``superd_services.bootps.vendor``'s.
"""

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

REQUEST: Final = 1
REPLY: Final = 2

BROADCAST: Final = 0x8000
"""The flag of clients that can't receive what is sent to an address they don't have yet (RFC 1542 section 3.1.1)."""

HEADER_SIZE: Final = 236
"""Bytes before the vendor area."""

LENGTH_MIN: Final = 300
"""Bytes of a BOOTP message, and of the shortest reply: some clients drop shorter ones."""

LENGTH_MAX: Final = 1472
"""Bytes of the longest reply: what fits an Ethernet frame in one piece."""

HARDWARE_MAX: Final = 16
SERVER_NAME_MAX: Final = 63
FILE_MAX: Final = 127
"""Bytes of the two texts, less the NUL behind them."""

NOWHERE: Final = IPv4Address(0)

_HEADER: Final = struct.Struct("!4BIHH4s4s4s4s16s64s128s")


class Malformed(ValueError):
    """No request that could be answered; the text says why."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One message. ``server_name`` and ``file`` are the whole fields; ``vendor`` is everything behind them."""

    htype: int
    hops: int
    xid: int
    secs: int
    flags: int
    ciaddr: IPv4Address
    yiaddr: IPv4Address
    siaddr: IPv4Address
    giaddr: IPv4Address
    hardware: bytes
    server_name: bytes
    file: bytes
    vendor: bytes


def parse(data: bytes) -> Packet:
    """Read a request.

    The vendor area may be shorter than RFC 951's 64 bytes, or longer.

    Raises:
        Malformed: too short, a reply, or with a hardware address that is longer than its field.
    """
    if len(data) < HEADER_SIZE:
        raise Malformed(f"{len(data)} bytes are no BOOTP message")
    op, htype, hlen, hops, xid, secs, flags, *addresses, hardware, name, file = _HEADER.unpack_from(data)
    if op != REQUEST:
        raise Malformed("not a request")
    if hlen > HARDWARE_MAX:
        raise Malformed(f"a hardware address of {hlen} bytes")
    ciaddr, yiaddr, siaddr, giaddr = map(IPv4Address, addresses)
    return Packet(
        htype, hops, xid, secs, flags, ciaddr, yiaddr, siaddr, giaddr,
        hardware[:hlen], name, file, data[HEADER_SIZE:],
    )  # fmt: skip


def build(packet: Packet, length: int) -> bytes:
    """Write a reply, padded to ``length`` bytes; texts that are too long for their fields must not come here."""
    addresses = (packet.ciaddr, packet.yiaddr, packet.siaddr, packet.giaddr)
    header = _HEADER.pack(
        REPLY, packet.htype, len(packet.hardware), packet.hops, packet.xid, packet.secs, packet.flags,
        *(address.packed for address in addresses), packet.hardware, packet.server_name, packet.file,
    )  # fmt: skip
    return (header + packet.vendor).ljust(length, b"\0")


def text(field: bytes) -> bytes:
    """Return what stands before the first NUL of a field."""
    return field.partition(b"\0")[0]
