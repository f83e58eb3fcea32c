"""A datagram socket that others read: ``peek`` identifies the first datagram waiting, without reading it."""

import ctypes
import socket
from dataclasses import dataclass
from typing import Final

from superd.net.datagram import DATAGRAM_SIZE

SO_TIMESTAMPNS: Final = 35
"""asm-generic/socket.h; the socket module has no name for it."""

_UNSPECIFIED: Final = bytes(16)
"""A ``sockaddr`` of family AF_UNSPEC, which the socket module can't express."""

_libc = ctypes.CDLL(None, use_errno=True)

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


def disconnect(sock: socket.socket) -> None:
    """Undo connect(2), which a program has done to answer: the kernel drops what others than its client send."""
    try:
        sock.getpeername()
    except OSError:
        return  # nobody did
    _libc.connect(sock.fileno(), _UNSPECIFIED, len(_UNSPECIFIED))


def drop(sock: socket.socket) -> None:
    """Read the first datagram away."""
    try:
        sock.recv(1, socket.MSG_DONTWAIT)
    except OSError:
        return  # somebody was faster
