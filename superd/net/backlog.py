"""The connections waiting on a listening socket that a program accepts from: ``length``, ``accept``, ``refuse``."""

import os
import select
import socket
import struct
from typing import Final

BACKLOG: Final = 4096
"""Connections that may wait to be accepted; the kernel caps it at net.core.somaxconn, which has this value by
default."""

_TCP_INFO_SIZE: Final = 28
_UNACKED: Final = struct.Struct("@24xI")
"""``tcpi_unacked`` of struct tcp_info (linux/tcp.h): for a listening socket, how many connections wait."""


def length(sock: socket.socket) -> int:
    """Return how many connections wait; where only that can be known, 1 for any number."""
    if sock.family != socket.AF_UNIX:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
        return int(_UNACKED.unpack(info)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return len(poll.poll(0))


def accept(sock: socket.socket) -> socket.socket | None:
    """Accept one connection from a socket in blocking mode without ever blocking; ``None`` when there is none.

    Somebody else may accept the one that was waiting: a program that has ended but left a child behind. The accepted
    connection is in blocking mode.
    """
    os.set_blocking(sock.fileno(), False)
    try:
        return sock.accept()[0]
    except OSError:
        return None
    finally:
        os.set_blocking(sock.fileno(), True)


def refuse(sock: socket.socket, port: int) -> None:
    """Have the kernel refuse connections, those that wait included, until ``listen``; ``port`` as configured.

    The port stays ours: shutdown(2) undoes listen(2) for every holder of the socket, and listen(2) brings it
    back. Not so for Unix sockets, and a port that the kernel chose would be lost; there, clients wait.
    """
    if sock.family != socket.AF_UNIX and port:
        # With SO_REUSEADDR any user's process could take a port on which nobody listens.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        sock.shutdown(socket.SHUT_RD)


def listen(sock: socket.socket) -> None:
    """Have the kernel take connections; does no harm to a socket that listens already."""
    if sock.family != socket.AF_UNIX:
        # Without it, connections of ours that are still open would keep their own port from us.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.listen(BACKLOG)
