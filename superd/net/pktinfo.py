"""IP_PKTINFO and IPV6_PKTINFO: the local address a datagram was sent to, for the answer to come from.

See ip(7) and RFC 3542 section 6. On a host with several addresses a client throws away an answer from any
other.
"""

import socket
import struct
from typing import Final

IP_PKTINFO: Final = 8
"""From linux/in.h; the socket module gained it only in Python 3.12."""

ANCILLARY_SIZE: Final = socket.CMSG_SPACE(20)
"""Room for the larger of the two structures."""

Ancillary = list[tuple[int, int, bytes]]

_IN_PKTINFO: Final = struct.Struct("@i4s4s")
_IN6_PKTINFO: Final = struct.Struct("@16si")
_LINK_LOCAL: Final = b"\xfe\x80"
_MULTICAST: Final = 0xFF


def enable(sock: socket.socket) -> None:
    """Ask for the address with each datagram; sockets that are not IP have none."""
    if sock.family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    elif sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)


def destination(ancillary: Ancillary) -> str:
    """Return where the datagram was sent to (perhaps a broadcast or multicast address); empty if unknown."""
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO and len(data) == _IN_PKTINFO.size:
            return socket.inet_ntop(socket.AF_INET, _IN_PKTINFO.unpack(data)[2])
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO and len(data) == _IN6_PKTINFO.size:
            return socket.inet_ntop(socket.AF_INET6, _IN6_PKTINFO.unpack(data)[0])
    return ""


def local(ancillary: Ancillary) -> str:
    """Return our own address that an answer comes from; empty if unknown.

    It is not ``destination`` when that was a broadcast or multicast address.
    """
    for _, kind, data in source(ancillary):
        if kind == IP_PKTINFO and len(data) == _IN_PKTINFO.size:
            return socket.inet_ntop(socket.AF_INET, _IN_PKTINFO.unpack(data)[1])
        return socket.inet_ntop(socket.AF_INET6, _IN6_PKTINFO.unpack(data)[0])
    return ""


def interface(ancillary: Ancillary) -> int:
    """Return the kernel's number of the interface an IPv4 datagram came in by; 0 if unknown."""
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO and len(data) == _IN_PKTINFO.size:
            return int(_IN_PKTINFO.unpack(data)[0])
    return 0


def leaving(address: str, interface: int = 0) -> Ancillary:
    """Return what has to go with a datagram that is to leave from this IPv4 address of ours.

    ``interface``: by which one, 0: by that which routing chooses.
    """
    info = _IN_PKTINFO.pack(interface, socket.inet_aton(address), bytes(4))
    return [(socket.IPPROTO_IP, IP_PKTINFO, info)]


def source(ancillary: Ancillary) -> Ancillary:
    """Turn what came with a datagram into what has to go with its answer.

    The interface is left to the routing table, except for link-local addresses, which mean nothing without
    it.
    """
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO and len(data) == _IN_PKTINFO.size:
            return [(level, kind, _IN_PKTINFO.pack(0, _IN_PKTINFO.unpack(data)[1], bytes(4)))]
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO and len(data) == _IN6_PKTINFO.size:
            return _source6(*_IN6_PKTINFO.unpack(data))
    return []


def _source6(address: bytes, interface: int) -> Ancillary:
    if address[0] == _MULTICAST:
        return []
    if not address.startswith(_LINK_LOCAL):
        interface = 0
    return [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, _IN6_PKTINFO.pack(address, interface))]
