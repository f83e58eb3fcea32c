"""Which clients count as one: those whose addresses begin alike (``SourcePrefix``).

Limits, rates and bans all count this way. An IPv4 address is one party; of IPv6 a party has a network of 64 bits at
least (RFC 6177, RFC 7421), so that whoever is counted by address takes the next one.
"""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Network
from typing import Final

from superd.access.addresses import numeric
from superd.config.model import SourcePrefix

Key = str | tuple[int, int]
"""What is equal for clients that count as one. Clients without an address (of Unix sockets) have the empty key."""

SOURCE: Final = SourcePrefix()

CROWD: Final = SourcePrefix(ipv4=24, ipv6=48)
"""The network that one owner is likely to have at least: whoever has it also runs the servers that are asked about its
clients. Places where clients wait for an answer are shared out by it."""

_LINK_LOCAL: Final = 0xFE80 >> 6
"""The first ten bits of a link-local address, whose first 64 say nothing about its owner (RFC 4291 section 2.5.6)."""


def counted_by(prefix: SourcePrefix) -> Callable[[str], Key]:
    """Return what gives each numeric address its key; mapped IPv4 is IPv4, link-local addresses count alone."""
    short, long = 32 - prefix.ipv4, 128 - prefix.ipv6

    def key(host: str) -> Key:
        if not host or (not short and ":" not in host):
            return host
        version, number = numeric(host)
        if version == 6:
            return host if number >> 118 == _LINK_LOCAL else (6, number >> long)
        return (4, number >> short) if short else str(IPv4Address(number))

    return key


def network(host: str) -> str:
    """Write the addresses that count as one with a client's, by the usual prefix: an address, or a network."""
    version, number = numeric(host)
    if version == 4:
        return str(IPv4Address(number))
    if number >> 118 == _LINK_LOCAL:
        return host
    return str(IPv6Network((number, SOURCE.ipv6), strict=False))
