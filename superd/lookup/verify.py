"""Whether a client's name is its own: ``verify``, the rule of tcp_wrappers, without input or output.

Reverse DNS belongs to whoever has the address, so a name counts only if it leads back to the address. The rule
is that of libwrap in Debian (sock_hostname in socket.c), with what the C library under it lets pass.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from superd.access.addresses import numeric
from superd.access.facts import PARANOID, UNKNOWN

NAME_LIMIT: Final = 127
"""Bytes of a host name: libwrap has room for no more, and a name that is cut off is not verified."""

_HOST_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*", re.ASCII)
_NUMBER_AT_END: Final = re.compile(r"(.*\.)?([0-9]+|0[xX][0-9a-fA-F]*)", re.ASCII)
_SHOWN: Final = 60
"""Characters of a wrong name that a reason shows."""


@dataclass(frozen=True, slots=True)
class Client:
    """An address to be named: IPv4 if it is a mapped one; ``scope`` is the interface of a link-local one."""

    address: IPv4Address | IPv6Address
    scope: str = ""

    @classmethod
    def parse(cls, text: str) -> "Client":
        """Read a numeric address with or without a scope. Raises ValueError when it is none."""
        version, number = numeric(text)
        if version == 4:
            return cls(IPv4Address(number))
        return cls(IPv6Address(number), text.partition("%")[2])

    def __str__(self) -> str:
        return f"{self.address}%{self.scope}" if self.scope else str(self.address)


@dataclass(frozen=True, slots=True)
class Pointer:
    """What an address is called; ``ttl``: seconds this may be remembered."""

    name: str
    ttl: float


@dataclass(frozen=True, slots=True)
class Forward:
    """What a name means: its canonical name (after aliases) and its addresses of one family."""

    canonical: str
    addresses: tuple[str, ...]
    ttl: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A client's verified name, or ``UNKNOWN`` or ``PARANOID`` and why."""

    name: str
    why: str = ""


def unknown(why: str) -> Finding:
    """The client has no name, or nobody could be asked."""
    return Finding(UNKNOWN, why)


def paranoid(why: str) -> Finding:
    """The client claims a name that is not shown to be its own."""
    return Finding(PARANOID, why)


def is_host_name(text: str) -> bool:
    """Whether the C library takes this for a host name in an answer (res_hnok, glibc): else it is no answer."""
    return _HOST_NAME.fullmatch(text) is not None


def objection(name: str) -> Finding | None:
    """What is wrong with the name of an address before anybody is asked what it means; ``None``: nothing."""
    if name.lower() in {UNKNOWN, PARANOID}:
        return Finding(name.lower(), f"its name is the word {name}")
    if len(name) > NAME_LIMIT:
        return paranoid(f"its name {_shown(name)} has more than {NAME_LIMIT} characters")
    if not name or _NUMBER_AT_END.fullmatch(name) or _is_address(name):
        return paranoid(
            f"host name/name mismatch: reverse look-up results in {_shown(name)}, which is no name"
        )
    return None


def verify(client: Client, name: str, forward: Forward | None) -> Finding:
    """Decide on the name of an address, given what the name means (``None``: nothing)."""
    wrong = objection(name)
    if wrong is not None:
        return wrong
    if forward is None or not forward.canonical:
        return paranoid(f"can't verify the host name {name}: it has no {_family(client)} address")
    if forward.canonical.lower() != name.lower() and name.lower() != "localhost":
        return paranoid(f"host name/name mismatch: {name} != {_shown(forward.canonical)}")
    if client.scope or not any(_is(client, address) for address in forward.addresses):
        return paranoid(f"host name/address mismatch: {client} != {name}")
    return Finding(name)


def _is(client: Client, address: str) -> bool:
    return ip_address(address) == client.address


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _family(client: Client) -> str:
    return f"IPv{client.address.version}"


def _shown(name: str) -> str:
    """A name of any length and content, fit for a log line."""
    return repr(name[:_SHOWN] + "..." if len(name) > _SHOWN else name)
