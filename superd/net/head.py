"""The first datagram waiting on a socket that others read: ``peek`` identifies it without reading it."""

import socket
from dataclasses import dataclass
from typing import Final

from superd.net.datagram import DATAGRAM_SIZE

SO_TIMESTAMPNS: Final = 35
"""asm-generic/socket.h; the socket module has no name for it."""

_TIMESPEC: Final = 16
_ANCILLARY: Final = socket.CMSG_SPACE(_TIMESPEC) + socket.CMSG_SPACE(64)
"""Room for the time stamp beside whatever else the socket was asked to report."""


@dataclass(frozen=True, slots=True)
class Head:
    """What tells one datagram from another. The kernel stamps each once, however often it is looked at."""

    stamp: bytes
    address: object
    length: int


def peek(sock: socket.socket) -> Head | None:
    """Identify the first datagram; ``None`` when none waits. Never blocks.

    Time stamps are switched on only meanwhile: a program that has the socket does not expect them.
    """
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    try:
        data, ancillary, _, address = sock.recvmsg(
            DATAGRAM_SIZE, _ANCILLARY, socket.MSG_PEEK | socket.MSG_DONTWAIT
        )
    except OSError:
        return None  # none, or an ICMP error about an answer that a program sent
    finally:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 0)
    stamps = [data for level, kind, data in ancillary if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS)]
    return Head(stamps[0] if stamps else b"", address, len(data))


def drop(sock: socket.socket) -> None:
    """Read the first datagram away."""
    try:
        sock.recv(1, socket.MSG_DONTWAIT)
    except OSError:
        return  # somebody was faster
