"""Sentences about addresses and why they could not be bound, for logs and ``BindError``."""

import errno
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from superd.config.model import Endpoint, Family
from superd.net.holder import Holders

_UNPRIVILEGED: Final = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")

_FIRST_UNPRIVILEGED: Final = 1024
"""Linux's default for the setting above (ip(7))."""


def describe(endpoint: Endpoint) -> str:
    """Name an endpoint with everything people look for: ``0.0.0.0:69/udp (tftp)``."""
    if endpoint.family is Family.UNIX:
        return f"Unix {endpoint.socket_type} socket {endpoint.address}"
    return f"{endpoint}/{endpoint.protocol}{_service_name(endpoint)}"


def explain(endpoint: Endpoint, error: OSError, holders: Holders) -> str:
    """Say in one sentence which address could not be bound, and why."""
    reason = _REASONS.get(error.errno or 0, _plain)
    return f"{describe(endpoint)}: {reason(endpoint, error, holders)}"


def first_unprivileged_port() -> int:
    """The lowest port that needs no root in this network namespace (ip(7))."""
    try:
        return int(_UNPRIVILEGED.read_bytes())
    except (OSError, ValueError):
        return _FIRST_UNPRIVILEGED


def _service_name(endpoint: Endpoint) -> str:
    try:
        return f" ({socket.getservbyport(endpoint.port, endpoint.protocol)})"
    except OSError:
        return ""


def _plain(_endpoint: Endpoint, error: OSError, _holders: Holders) -> str:
    return (error.strerror or str(error)).lower()


def _in_use(endpoint: Endpoint, _error: OSError, holders: Holders) -> str:
    holder = holders.of(endpoint)
    return f"already in use by {holder}" if holder else "already in use"


def _denied(endpoint: Endpoint, error: OSError, holders: Holders) -> str:
    if endpoint.family is Family.UNIX:
        return f"permission denied in {Path(endpoint.address).parent}"
    first = first_unprivileged_port()
    if 0 < endpoint.port < first:
        return f"permission denied: ports below {first} need root (net.ipv4.ip_unprivileged_port_start)"
    return _not_permitted(endpoint, error, holders)


def _not_permitted(endpoint: Endpoint, _error: OSError, _holders: Holders) -> str:
    if endpoint.family is Family.UNIX:
        return "only root may give the socket to another owner"
    if endpoint.socket_type == "raw":
        return "permission denied: raw sockets need root (CAP_NET_RAW)"
    return "permission denied by the system"


def _no_address(endpoint: Endpoint, _error: OSError, _holders: Holders) -> str:
    return f"no network interface has the address {endpoint.address}"


def _no_device(endpoint: Endpoint, _error: OSError, _holders: Holders) -> str:
    name = endpoint.device or endpoint.address.partition("%")[2]
    return f"there is no network interface {name}" if name else "the group needs a network interface"


def _no_family(endpoint: Endpoint, _error: OSError, _holders: Holders) -> str:
    return (
        "this machine has no IPv6" if endpoint.family is Family.INET6 else "this machine has no such sockets"
    )


def _no_protocol(endpoint: Endpoint, _error: OSError, _holders: Holders) -> str:
    return f"this machine has no {endpoint.socket_type} sockets of protocol {endpoint.protocol}"


def _no_directory(endpoint: Endpoint, _error: OSError, _holders: Holders) -> str:
    return f"there is no directory {Path(endpoint.address).parent}"


_REASONS: Final[dict[int, Callable[[Endpoint, OSError, Holders], str]]] = {
    errno.EADDRINUSE: _in_use,
    errno.EACCES: _denied,
    errno.EPERM: _not_permitted,
    errno.EADDRNOTAVAIL: _no_address,
    errno.ENODEV: _no_device,
    errno.EAFNOSUPPORT: _no_family,
    errno.EPROTONOSUPPORT: _no_protocol,
    errno.ESOCKTNOSUPPORT: _no_protocol,
    errno.ENOENT: _no_directory,
}
