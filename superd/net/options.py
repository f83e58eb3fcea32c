"""Options of listening sockets, as an ``Endpoint`` asks for them; accepted connections inherit most."""

import socket
from contextlib import suppress
from typing import Final

from superd.config.model import Endpoint, Family, SocketType

_IP_PKTINFO: Final = 8
"""linux/in.h; Python 3.11 has no name for it."""

_SO_BUF_LOCK: Final = 72
"""asm-generic/socket.h, since Linux 5.14: whether a size was fixed by hand, which ends automatic tuning."""

_BUFFERS: Final = {"sndbuf": (socket.SO_SNDBUF, 1), "rcvbuf": (socket.SO_RCVBUF, 2)}
"""Field of ``Endpoint`` -> socket option, bit in SO_BUF_LOCK."""


def set_before_bind(sock: socket.socket, endpoint: Endpoint) -> None:
    """Set what decides which address is bound. Raises OSError.

    SO_REUSEADDR only for streams, where it lets a restarted daemon bind while old connections linger. For
    datagrams Linux would let any user's process that sets it too take the port, and with it the datagrams; so
    it is set for multicast groups only, which several receivers share by design.
    """
    if endpoint.family is Family.UNIX:
        return
    if endpoint.socket_type in {SocketType.STREAM, SocketType.SEQPACKET} or is_group(endpoint):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if endpoint.family is Family.INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if endpoint.device:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, endpoint.device.encode() + b"\0")


def apply(sock: socket.socket, endpoint: Endpoint, wait: bool) -> None:
    """Set what can be changed at any time, on or off. Raises OSError.

    Sockets of ``wait`` programs block, as under every inetd; the others never do.
    """
    sock.setblocking(wait)
    if endpoint.family is Family.UNIX:
        return
    if endpoint.protocol == "tcp":
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, endpoint.nodelay)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, endpoint.keepalive)
    if endpoint.socket_type is SocketType.DGRAM:
        _set_packet_info(sock, endpoint, not wait)


def apply_buffers(sock: socket.socket, endpoint: Endpoint) -> None:
    """Set the buffer sizes that were written; net.core.{r,w}mem_max cap them. Raises OSError."""
    for field, (option, _) in _BUFFERS.items():
        if (size := getattr(endpoint, field)) is not None:
            sock.setsockopt(socket.SOL_SOCKET, option, size)


def reset_buffers(sock: socket.socket, endpoint: Endpoint) -> None:
    """Give the buffers whose size is no longer written the system's defaults. Raises OSError."""
    with socket.socket(sock.family, sock.type, sock.proto) as fresh:
        for field, (option, bit) in _BUFFERS.items():
            if getattr(endpoint, field) is None:
                # The kernel doubles what is set (socket(7)), and reports the double.
                default = fresh.getsockopt(socket.SOL_SOCKET, option) // 2
                sock.setsockopt(socket.SOL_SOCKET, option, default)
                _unlock(sock, bit)


def is_group(endpoint: Endpoint) -> bool:
    """Tell whether the address is a multicast group."""
    from_4 = endpoint.family is Family.INET and 224 <= int(endpoint.address.partition(".")[0]) <= 239
    return from_4 or (endpoint.family is Family.INET6 and endpoint.address.lower().startswith("ff"))


def _set_packet_info(sock: socket.socket, endpoint: Endpoint, wanted: bool) -> None:
    """Ask for the address each datagram was sent to, so that the reply can leave from it (ip(7), ipv6(7))."""
    if endpoint.family is Family.INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, wanted)
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, wanted)


def _unlock(sock: socket.socket, bit: int) -> None:
    with suppress(OSError):  # a kernel before 5.14: the size is right, only the automatic tuning stays off
        locks = sock.getsockopt(socket.SOL_SOCKET, _SO_BUF_LOCK)
        sock.setsockopt(socket.SOL_SOCKET, _SO_BUF_LOCK, locks & ~bit)
