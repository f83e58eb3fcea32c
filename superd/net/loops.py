"""Which datagrams are never answered: those whose answer could start a loop, or hit many hosts at once.

Two servers that answer everything, made to talk to each other by one forged datagram, go on for ever
(CVE-1999-0103, CVE-2024-2169). So no answer goes to the port of a service that might answer it, nor to an
address that is no single host.
"""

from collections.abc import Container, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

ANSWERING_PORTS: Final = frozenset({0, 7, 9, 13, 17, 19, 37})
"""echo, discard, daytime, qotd, chargen and time; and 0, from which nothing honest comes."""

_CACHED: Final = 1024
"""Source addresses whose answer is remembered."""

_THIS_NETWORK: Final = 0
_LIMITED_BROADCAST: Final = IPv4Address("255.255.255.255")


class LoopGuard:
    """Knows the ports and addresses that get no answer.

    ``ports`` are those of the daemon's own datagram built-ins, ``broadcasts`` what its interfaces have.
    """

    __slots__ = ("_broadcasts", "_ports")

    def __init__(self, ports: Iterable[int] = (), broadcasts: Container[str] = ()) -> None:
        self._ports = ANSWERING_PORTS.union(ports)
        self._broadcasts = broadcasts

    def reason(self, host: str, port: int) -> str:
        """Say why this source gets no answer; empty when it does."""
        if port in self._ports:
            return "source port could loop"
        return "" if self.single_host(host) else "source address is no single host"

    def single_host(self, host: str) -> bool:
        """Tell whether an address is that of one host, and no broadcast or multicast address."""
        return host not in self._broadcasts and _single_host(host)


@lru_cache(_CACHED)
def _single_host(host: str) -> bool:
    address = ip_address(host.partition("%")[0])
    if isinstance(address, IPv6Address):
        return not (address.is_multicast or address.is_unspecified)
    return not (address.is_multicast or address == _LIMITED_BROADCAST or int(address) >> 24 == _THIS_NETWORK)


@lru_cache(_CACHED)
def is_loopback(host: str) -> bool:
    """Tell whether a source address is this host's own, which nobody else can forge."""
    return ip_address(host.partition("%")[0]).is_loopback
