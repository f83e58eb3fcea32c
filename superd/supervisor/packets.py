"""Sockets that only root can open, and a worker then uses: ``packet_sockets``."""

import errno
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from superd import builtins
from superd.config.model import Builtin, Service
from superd.net.link_packet import open_packet_socket

_NOT_HERE: Final = frozenset({errno.EPERM, errno.EACCES, errno.EAFNOSUPPORT})
"""Without root, without CAP_NET_RAW (a container's root), or on a kernel without packet(7)."""


@contextmanager
def packet_sockets(services: Iterable[Service]) -> Iterator[dict[str, socket.socket]]:
    """Open the socket for frames of each service that sends some, by its key; closed after the block.

    Where that is not allowed there is none: the service does with broadcasts. Raises OSError for want of descriptors or
    memory.
    """
    with ExitStack() as opened:
        sockets = {}
        for service in services:
            if _sends_frames(service) and (sock := _open()):
                sockets[service.key] = opened.enter_context(sock)
        yield sockets


def _sends_frames(service: Service) -> bool:
    if not isinstance(service.action, Builtin):
        return False
    builtin = builtins.find(service.action.name, (service.action.name,))
    return bool(builtin and builtin.frames and builtin.frames(service.action.options))


def _open() -> socket.socket | None:
    try:
        return open_packet_socket()
    except OSError as error:
        if error.errno in _NOT_HERE:
            return None
        raise
