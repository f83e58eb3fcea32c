"""The port of a transfer: ``connected`` binds and connects one, ``payload`` says how much it carries at a time.

Path MTU discovery is off: boot loaders that can't be reached by a large datagram would never get it, and get its
fragments at least. The constants are those of linux/in.h and linux/in6.h, which Python lacks.
"""

import random
import socket
from collections.abc import Iterable
from typing import Final

IP_MTU_DISCOVER: Final = 10
IP_PMTUDISC_DONT: Final = 0
IP_MTU: Final = 14
IPV6_MTU_DISCOVER: Final = 23
IPV6_MTU: Final = 24

RECEIVE_BUFFER: Final = 1 << 20
"""Bytes of a transfer's receive buffer, as far as the system allows (net.core.rmem_max): room for a writer's window."""

TRIES_LIMIT: Final = 1000
"""Ports of a range tried before giving up: a bind(2) costs about a microsecond."""

_HEADERS: Final = {socket.AF_INET: 28, socket.AF_INET6: 48}
"""Bytes of the IP and UDP headers."""

Address = tuple[str, int] | tuple[str, int, int, int]
"""An IP address as the socket module writes it."""


def connected(local: str, peer: Address, ports: tuple[int, int] | None) -> socket.socket:
    """Make a socket that sends from this address of ours to a peer, and hears nobody else.

    ``ports``: the first and last it may have; ``None``: whichever the system chooses. Raises OSError.
    """
    family = socket.AF_INET6 if len(peer) == 4 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        _tune(sock)
        _bind(sock, (local, *peer[1:]), ports)
        sock.connect(peer)
    except BaseException:
        sock.close()
        raise
    return sock


def payload(sock: socket.socket) -> int:
    """Return the bytes of the largest datagram that a connected socket sends in one piece. Raises OSError."""
    if sock.family == socket.AF_INET6:
        mtu = sock.getsockopt(socket.IPPROTO_IPV6, IPV6_MTU)
    else:
        mtu = sock.getsockopt(socket.IPPROTO_IP, IP_MTU)
    return mtu - _HEADERS[sock.family]


def _tune(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, IP_PMTUDISC_DONT)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)


def _bind(sock: socket.socket, like: tuple[object, ...], ports: tuple[int, int] | None) -> None:
    """Bind to the host (and scope) of an address, and a port that is free."""
    host, _, *scope = like
    failure: OSError | None = None
    for port in _order(ports):
        try:
            sock.bind((host, port, *scope))
        except OSError as error:
            failure = error
        else:
            return
    assert failure is not None  # noqa: S101 - no range is empty
    raise failure


def _order(ports: tuple[int, int] | None) -> Iterable[int]:
    """The ports to try: from a random one on, because its neighbours are as likely to be free."""
    if ports is None:
        return (0,)
    first, last = ports
    count = last - first + 1
    begin = random.randrange(count)  # noqa: S311 - no secret
    return (first + (begin + number) % count for number in range(min(count, TRIES_LIMIT)))
