"""Sending to a client that has no address yet: ``udp_packet`` builds what ``send_frame`` sends.

``open_packet_socket`` needs CAP_NET_RAW; sending by a socket that is open needs nothing (packet(7)). So root opens it
for a worker, which could turn it into an ear for all that passes by, had it not been made deaf for good before.
"""

import ctypes
import ipaddress
import socket
import struct
from typing import Final

ETHERTYPE_IP: Final = 0x0800

TTL: Final = 64
"""What IPDEFTTL is on Linux, and RFC 1700 recommends; a frame crosses no router anyhow."""

_IP_HEADER: Final = struct.Struct("!BBHHHBBH4s4s")
_UDP_HEADER: Final = struct.Struct("!HHHH")
_PSEUDO_HEADER: Final = struct.Struct("!4s4sBBH")
_VERSION_AND_LENGTH: Final = 0x45
_DONT_FRAGMENT: Final = 0x4000
_PAYLOAD_LIMIT: Final = 0xFFFF - _IP_HEADER.size - _UDP_HEADER.size

_FILTER: Final = struct.Struct("=HBBI")
_RETURN: Final = 0x06
"""BPF_RET | BPF_K of linux/filter.h: with 0 it takes nothing of any packet."""
_SO_ATTACH_FILTER: Final = 26
_SO_LOCK_FILTER: Final = 44
"""asm-generic/socket.h; Python has no names for them."""


def udp_packet(source: str, destination: str, ports: tuple[int, int], data: bytes) -> bytes:
    """Build an IPv4 packet with one UDP datagram from and to these ``ports``, checksums included (RFC 791, RFC 768).

    Raises:
        ValueError: an address is no IPv4 address, or the data is longer than a datagram can be.
    """
    if len(data) > _PAYLOAD_LIMIT:
        raise ValueError(f"{len(data)} bytes are more than a datagram can carry")
    both = ipaddress.IPv4Address(source).packed, ipaddress.IPv4Address(destination).packed
    length = _UDP_HEADER.size + len(data)
    pseudo = _PSEUDO_HEADER.pack(*both, 0, socket.IPPROTO_UDP, length)
    unsummed = _UDP_HEADER.pack(*ports, length, 0)
    # A sum of 0 is written as its other form, because 0 means that there is none.
    total = checksum(pseudo + unsummed + data) or 0xFFFF
    return _ip_header(both, length) + _UDP_HEADER.pack(*ports, length, total) + data


def checksum(data: bytes) -> int:
    """The Internet checksum: the ones' complement of the ones' complement sum of 16-bit words (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def _ip_header(addresses: tuple[bytes, bytes], length: int) -> bytes:
    """The header of a packet that is never cut, and so needs no identification (RFC 6864 section 4.1)."""
    total = _IP_HEADER.size + length
    fields = (_VERSION_AND_LENGTH, 0, total, 0, _DONT_FRAGMENT, TTL, socket.IPPROTO_UDP)
    summed = checksum(_IP_HEADER.pack(*fields, 0, *addresses))
    return _IP_HEADER.pack(*fields, summed, *addresses)


def open_packet_socket() -> socket.socket:
    """Open a socket that sends frames and never receives any.

    Its protocol 0 receives nothing until somebody binds it to another; the locked filter sees to it that it does not
    even then (socket(7), SO_LOCK_FILTER). The kernel writes the link's own header, so no other sender can be
    pretended. Raises OSError (EPERM without CAP_NET_RAW).
    """
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, 0)
    try:
        _deafen(sock)
    except BaseException:
        sock.close()
        raise
    return sock


def _deafen(sock: socket.socket) -> None:
    program = ctypes.create_string_buffer(_FILTER.pack(_RETURN, 0, 0, 0))
    attached = struct.pack("@HP", 1, ctypes.addressof(program))  # struct sock_fprog
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, attached)
    sock.setsockopt(socket.SOL_SOCKET, _SO_LOCK_FILTER, 1)


def send_frame(sock: socket.socket, interface: str, hardware: bytes, packet: bytes) -> None:
    """Send an IPv4 packet to a hardware address by an interface. Raises OSError."""
    sock.sendto(packet, socket.MSG_DONTWAIT, (interface, ETHERTYPE_IP, 0, 0, hardware))
