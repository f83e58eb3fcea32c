"""From an ``Endpoint`` to a bound socket, with every option set and an error that says who is in the way."""

import errno
import ipaddress
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from superd.config.model import Endpoint, Family, SocketType
from superd.errors import BindError
from superd.net import interfaces, options, unixfile
from superd.net.explain import describe, explain
from superd.net.holder import Holders

BACKLOG: Final = 4096
"""Connections that may wait for accept(2); net.core.somaxconn, which is 4096 since Linux 5.4, caps it.

A worker takes many at once, but a restarted one needs a moment, and a client that finds the queue full loses
a second.
"""

ANY: Final = ("0.0.0.0", "::")
"""The addresses that stand for all of their family."""

_FAMILIES: Final = {
    Family.INET: socket.AF_INET,
    Family.INET6: socket.AF_INET6,
    Family.UNIX: socket.AF_UNIX,
}

_TYPES: Final = {
    SocketType.STREAM: socket.SOCK_STREAM,
    SocketType.DGRAM: socket.SOCK_DGRAM,
    SocketType.SEQPACKET: socket.SOCK_SEQPACKET,
    SocketType.RAW: socket.SOCK_RAW,
}

_LISTENING: Final = frozenset({SocketType.STREAM, SocketType.SEQPACKET})

_MISSING: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})
"""What a machine without IPv6 answers: the one without the module, the other with it switched off."""


class FamilyMissing(BindError):
    """The machine lacks this address family, and the endpoint is ``optional``: a remark, not an error."""


def bind(
    endpoint: Endpoint, wait: bool, *, beside: Sequence[socket.socket] = (), holders: Holders | None = None
) -> socket.socket:
    """Make a socket for this endpoint: bound, listening if it is of a kind that does, close-on-exec.

    It is non-blocking unless ``wait``. ``beside`` are our own sockets whose address overlaps (a wildcard and
    one of its addresses); the kernel hands traffic to the more specific one. ``holders`` saves time when many
    binds fail. Raises BindError, whose text names the port, the address, the reason and the holder;
    FamilyMissing for an ``optional`` endpoint of a family this machine lacks.
    """
    try:
        return _bind(endpoint, wait, beside)
    except OSError as error:
        if endpoint.optional and error.errno in _MISSING:
            raise FamilyMissing(f"{describe(endpoint)}: not served, this machine has no IPv6") from error
        raise BindError(explain(endpoint, error, holders or Holders())) from error


def overlap(one: Endpoint, other: Endpoint) -> bool:
    """Tell whether the kernel lets these two be bound at the same time only if both agree."""
    if Family.UNIX in {one.family, other.family}:
        return one.address == other.address and one.family is other.family
    same = (one.family, one.socket_type, one.protocol, one.port)
    if same != (other.family, other.socket_type, other.protocol, other.port) or one.port == 0:
        return False
    wildcard = one.address in ANY or other.address in ANY
    device = one.device == other.device or not (one.device and other.device)
    return device and (wildcard or one.address == other.address)


def _bind(endpoint: Endpoint, wait: bool, beside: Sequence[socket.socket]) -> socket.socket:
    address = _address(endpoint)
    sock = socket.socket(_FAMILIES[endpoint.family], _TYPES[endpoint.socket_type], _protocol(endpoint))
    try:
        options.set_before_bind(sock, endpoint)
        options.apply(sock, endpoint, wait)
        options.apply_buffers(sock, endpoint)
        with _sharing([*beside, sock] if beside else []):
            if endpoint.family is Family.UNIX:
                unixfile.bind(sock, endpoint)
            else:
                sock.bind(address)
            if endpoint.socket_type in _LISTENING:
                sock.listen(BACKLOG)
        _join_group(sock, endpoint)
    except BaseException:
        sock.close()
        raise
    return sock


def _address(endpoint: Endpoint) -> tuple[str, int] | tuple[str, int, int, int]:
    """The address for bind(2). A name is refused here, because the interpreter would ask the DNS for it."""
    if endpoint.family is Family.UNIX:
        return "", 0
    try:
        address = ipaddress.ip_address(endpoint.address)
    except ValueError as error:
        raise BindError(f"{describe(endpoint)}: not a numeric address") from error
    if (address.version == 6) is not (endpoint.family is Family.INET6):
        raise BindError(f"{describe(endpoint)}: the address is not of family {endpoint.family}")
    if address.is_multicast and endpoint.socket_type in _LISTENING:
        raise BindError(f"{describe(endpoint)}: a multicast group has datagrams only")
    if isinstance(address, ipaddress.IPv4Address):
        return str(address), endpoint.port
    return endpoint.address.partition("%")[0], endpoint.port, 0, _scope(address.scope_id)


def _scope(scope: str | None) -> int:
    if not scope:
        return 0
    return int(scope) if scope.isdigit() else interfaces.index(scope)


def _protocol(endpoint: Endpoint) -> int:
    if endpoint.family is Family.UNIX:
        return 0
    try:
        return socket.getprotobyname(endpoint.protocol)
    except OSError as error:
        raise BindError(f"{describe(endpoint)}: no protocol {endpoint.protocol} in /etc/protocols") from error


@contextmanager
def _sharing(sockets: Sequence[socket.socket]) -> Iterator[None]:
    """Let these sockets of ours be bound to overlapping addresses.

    SO_REUSEPORT, because it shares with the same user's sockets only (socket(7)); and just while binding.
    """
    for sock in sockets:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        yield
    finally:
        for sock in sockets:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)


def _join_group(sock: socket.socket, endpoint: Endpoint) -> None:
    """Join the multicast group of the address, on its interface or on the one that routing chooses."""
    if endpoint.family is Family.UNIX or not options.is_group(endpoint):
        return
    address, _, scope = endpoint.address.partition("%")
    group = socket.inet_pton(sock.family, address)
    device = endpoint.device or scope
    number = _scope(device)
    if endpoint.family is Family.INET:
        request = group + bytes(4) + struct.pack("=i", number)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + struct.pack("=I", number))
