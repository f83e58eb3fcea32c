"""Clients and waiting for end-to-end tests: free ports, one exchange over TCP or UDP, ``wait_until``."""

import random
import socket
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE = 10.0
"""Seconds a test waits for something that should happen at once; long, because the machine may be busy."""

_POLL = 0.01
_PORTS = range(20000, 32000)
"""Below the ports that the kernel hands out by itself (ip_local_port_range starts at 32768)."""


def wait_until(condition: Callable[[], T], what: str, deadline: float = DEADLINE) -> T:
    """Return the condition's first true value; fail after ``deadline`` seconds."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        assert time.monotonic() < end, f"after {deadline:g} s still not: {what}"
        time.sleep(_POLL)
    return value


def stays(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Check that the condition is true during the next ``seconds``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition(), f"no longer: {what}"
        time.sleep(_POLL)


def free_port() -> int:
    """A port that nobody uses, over TCP or UDP, IPv4 or IPv6."""
    while True:
        port = random.choice(_PORTS)
        if all(_is_free(family, kind, port) for family in _families() for kind in _KINDS):
            return port


_KINDS = (socket.SOCK_STREAM, socket.SOCK_DGRAM)


def _families() -> tuple[socket.AddressFamily, ...]:
    return (socket.AF_INET, socket.AF_INET6) if socket.has_ipv6 else (socket.AF_INET,)


def _is_free(family: socket.AddressFamily, kind: socket.SocketKind, port: int) -> bool:
    with socket.socket(family, kind) as probe:
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True


def connect(port: int, host: str = "127.0.0.1", source: str | None = None) -> socket.socket:
    """A TCP connection with the usual deadline."""
    origin = (source, 0) if source else None
    return socket.create_connection((host, port), timeout=DEADLINE, source_address=origin)


def receive_all(connection: socket.socket) -> bytes:
    """Everything until the other side closes; a reset counts as closing."""
    pieces = []
    try:
        while piece := connection.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def receive_exactly(connection: socket.socket, size: int) -> bytes:
    """The next ``size`` bytes."""
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        assert piece, f"closed after {len(data)} of {size} bytes"
        data += piece
    return data


def tcp(port: int, data: bytes = b"", host: str = "127.0.0.1", source: str | None = None) -> bytes:
    """Send, close the sending half, and return everything that comes back."""
    with connect(port, host, source) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError, OSError):
            pass
        return receive_all(connection)


def is_open(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether something listens on this TCP port."""
    try:
        connect(port, host).close()
    except ConnectionRefusedError:
        return False
    return True


def udp_socket(host: str, source: str | None = None) -> socket.socket:
    """A UDP socket with the usual deadline, in the family of ``host``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    client = socket.socket(family, socket.SOCK_DGRAM)
    client.settimeout(DEADLINE)
    if source:
        client.bind((source, 0))
    return client


def udp(port: int, data: bytes = b"", host: str = "127.0.0.1", source: str | None = None) -> bytes:
    """Send one datagram and return the answer."""
    with udp_socket(host, source) as client:
        client.sendto(data, (host, port))
        return client.recv(65536)
