"""The words of only_from and no_access: text -> ``AddressPattern``, and ``AddressSet``, which finds a match.

The forms are those of xinetd.conf(5). What differs from the real program on purpose (a dotted netmask is a
mask, ``/128`` matches, a name in networks(5) is that network, an octet over 255 is refused) is listed in
docs/differences-addresses.md. Nothing here asks the network: host names and ``.domain`` become patterns that
need the client's name.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_pton
from typing import Final

from superd.config.model import AddressPattern
from superd.config.origin import Origin

NETWORKS: Final = Path("/etc/networks")
"""networks(5): names of IPv4 networks."""

NETWORKS_LIMIT: Final = 1 << 20
"""Bytes read of networks(5); real files have a few lines."""

_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*)", re.ASCII)
_NUMERIC = re.compile(r"(0[xX])?[0-9a-fA-F]+(\.[0-9a-fA-FxX]*)*", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_FACTORISED = re.compile(r"((?:[0-9]{1,9}\.){0,3})\{([^{}]*)\}", re.ASCII)
_WRAPPER_WORDS = frozenset({"ALL", "KNOWN", "LOCAL", "PARANOID", "UNKNOWN"})
_MAPPED = IPv6Network("::ffff:0:0/96")
_MAPPED_TOP = 0xFFFF
_EVERY_IPV4 = IPv4Network("0.0.0.0/0")

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


def parse(
    text: str, origin: Origin, networks: Mapping[str, IPv4Address] | None = None
) -> tuple[AddressPattern, ...]:
    """Read one word of only_from or no_access; a factorised word gives several patterns.

    ``networks`` is the table of networks(5), by default the system's. Raises ValueError with a plain sentence
    for a word that means nothing; what to do then (never ignore it in no_access) is the caller's decision.
    """
    if "{" in text or "}" in text:
        return _patterns(text, origin, _factorised(text))
    if "," in text:
        raise ValueError(f"{text!r} has a comma: separate addresses with blanks")
    address, slash, mask = text.partition("/")
    if slash:
        return _patterns(text, origin, _masked(text, address, mask))
    if ":" in text:
        return _patterns(text, origin, _without_mapped(IPv6Network((_ipv6(text), 128))))
    number = _aton(text)
    if number is not None:
        return _patterns(text, origin, (IPv4Network((number, _octets_prefix(number))),))
    return (_named(text, origin, _system_networks() if networks is None else networks),)


def remark(text: str) -> str:
    """Say what is surprising about a word that ``parse`` accepts (for warnings); empty when nothing is."""
    if text == "::":
        return "'::' is only the unspecified address; for everyone write ::/0"
    address, slash, mask = text.partition("/")
    if ":" in text or "{" in text or _aton(address) is None:
        return ""
    if address.count(".") != 3:
        return f"{address!r} is {IPv4Address(_aton(address) or 0)} by the rules of inet_aton(3)"
    if any(len(part) > 1 and part.startswith("0") for part in address.split(".")):
        return f"a leading zero means octal or hexadecimal: {address!r} is {IPv4Address(_aton(address) or 0)}"
    if mask.isdigit() and int(mask) > 32:
        return f"/{mask} is longer than an IPv4 address; it is read as /32"
    if slash and "." in mask:
        return f"the netmask {mask} is honoured here; xinetd takes it for /32"
    return ""


def _patterns(text: str, origin: Origin, networks: Iterable[Network]) -> tuple[AddressPattern, ...]:
    return tuple(AddressPattern(text=text, origin=origin, network=network) for network in networks)


def _aton(text: str) -> int | None:
    """Read one to four decimal, octal or hexadecimal parts as inet_aton(3) does; ``None``: impossible."""
    parts = [_number(part) for part in text.split(".")]
    numbers = [part for part in parts if part is not None]
    if len(numbers) != len(parts) or len(parts) > 4 or any(number > 255 for number in numbers[:-1]):
        return None
    rest = 8 * (5 - len(parts))
    if numbers[-1] >= 1 << rest:
        return None
    head = int.from_bytes(bytes(numbers[:-1]), "big")
    return head << rest | numbers[-1]


def _number(text: str) -> int | None:
    if len(text) > 12 or not _NUMBER.fullmatch(text):
        return None
    if text[:2] in {"0x", "0X"}:
        return int(text, 16)
    return int(text, 8 if text.startswith("0") else 10)


def _octets_prefix(number: int) -> int:
    """Trailing zero octets are wildcards: 10.1.0.0 is 10.1.0.0/16, 0.0.0.0 is everyone."""
    prefix = 32
    while prefix and not number & 0xFF:
        number >>= 8
        prefix -= 8
    return prefix


def _ipv6(text: str) -> int:
    if "[" in text or "]" in text:
        raise ValueError(f"{text!r}: IPv6 addresses are written without brackets here")
    if "%" in text:
        raise ValueError(f"{text!r}: an address pattern can't have a scope")
    try:
        return int(IPv6Address(text))
    except ValueError:
        raise ValueError(f"{text!r} is not an IPv6 address") from None


def _without_mapped(network: IPv6Network) -> tuple[Network, ...]:
    """Give the mapped part of a network as IPv4, because clients are never written as mapped."""
    if network.subnet_of(_MAPPED):
        return (IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96)),)
    if network.supernet_of(_MAPPED):
        return (network, _EVERY_IPV4)
    return (network,)


def _masked(text: str, address: str, mask: str) -> tuple[Network, ...]:
    if ":" in address:
        number, prefix = _ipv6(address), _length(text, mask, 128)
        return _without_mapped(IPv6Network((number, prefix), strict=False))
    quad = _aton(address)
    if quad is None:
        raise ValueError(f"{text!r}: {address!r} is not an IPv4 or IPv6 address")
    prefix = _netmask(text, mask) if "." in mask else min(_length(text, mask, 255), 32)
    return (IPv4Network((quad, prefix), strict=False),)


def _length(text: str, mask: str, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", mask, re.ASCII) or int(mask) > most:
        raise ValueError(f"{text!r}: {mask!r} is not a prefix length")
    return int(mask)


def _netmask(text: str, mask: str) -> int:
    number = _aton(mask) if mask.count(".") == 3 else None
    hosts = None if number is None else number ^ 0xFFFFFFFF
    if hosts is None or hosts & (hosts + 1):
        raise ValueError(f"{text!r}: {mask!r} is not a netmask (ones, then zeros)")
    return 32 - hosts.bit_length()


def _factorised(text: str) -> tuple[Network, ...]:
    found = _FACTORISED.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r}: braces may only stand at the end of an IPv4 address, as in 10.1.{{2,3}}")
    head = [_octet(text, part) for part in found[1].split(".")[:-1]]
    items = [_octet(text, item) for item in found[2].split(",")]
    tail = bytes(3 - len(head))
    prefix = 8 * (len(head) + 1)
    return tuple(IPv4Network((int.from_bytes(bytes([*head, item]) + tail, "big"), prefix)) for item in items)


def _octet(text: str, item: str) -> int:
    if not re.fullmatch(r"0|[1-9][0-9]{0,2}", item, re.ASCII) or int(item) > 255:
        raise ValueError(f"{text!r}: {item!r} is not a number from 0 to 255")
    return int(item)


def _named(text: str, origin: Origin, networks: Mapping[str, IPv4Address]) -> AddressPattern:
    if text in _WRAPPER_WORDS:
        raise ValueError(f"{text} is a word of hosts.allow; for everyone write 0.0.0.0/0 ::/0")
    network = networks.get(text)
    if network is not None and not int(network):
        raise ValueError(
            f"{text!r} is the network 0.0.0.0, which is everyone; if you mean that, write 0.0.0.0/0"
        )
    if network is not None:
        return _patterns(text, origin, (IPv4Network((int(network), _octets_prefix(int(network)))),))[0]
    _check_name(text)
    return AddressPattern(text=text, origin=origin, name=text.lower())


def _check_name(text: str) -> None:
    labels = text.removeprefix(".").split(".")
    if text.endswith("."):
        raise ValueError(
            f"{text!r} ends in a dot: write a network with zeros (10.1.0.0) or a length (10.1.0.0/16)"
        )
    if _NUMERIC.fullmatch(text) and labels[-1].isdigit():
        raise ValueError(f"{text!r} is not an IPv4 address")
    valid = all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
    if not valid or len(text) > 253:
        raise ValueError(f"{text!r} is neither an address nor a host name")


@lru_cache(maxsize=1)
def _system_networks() -> Mapping[str, IPv4Address]:
    try:
        with NETWORKS.open(encoding="utf-8", errors="replace") as file:
            return parse_networks(file.read(NETWORKS_LIMIT))
    except OSError:
        return {}


def parse_networks(text: str) -> dict[str, IPv4Address]:
    """Read networks(5): name and aliases -> network; short addresses are filled with zeros on the right."""
    found: dict[str, IPv4Address] = {}
    for line in text.splitlines():
        name, number, *aliases = [*line.partition("#")[0].split(), "", ""]
        parts = number.split(".")
        address = _aton(".".join(parts + ["0"] * (4 - len(parts)))) if number else None
        if address is not None:
            found |= {word: IPv4Address(address) for word in (name, *aliases) if word and word not in found}
    return found


class AddressSet:
    """An immutable set of patterns; a match costs one look-up per prefix length, not a scan."""

    __slots__ = ("_names", "_v4", "_v6", "needs_names", "patterns")

    def __init__(self, patterns: Iterable[AddressPattern]) -> None:
        self.patterns = tuple(patterns)
        self._v4 = _index(self.patterns, IPv4Network)
        self._v6 = _index(self.patterns, IPv6Network)
        self._names = {pattern.name: pattern for pattern in reversed(self.patterns) if pattern.name}
        self.needs_names = next(iter(reversed(self._names.values())), None)
        """The first pattern that only a client's name can match; ``None`` when there is none."""

    def match(self, address: Address) -> AddressPattern | None:
        """Return the longest pattern that holds the address; of equals the first. Mapped IPv4 is IPv4."""
        if isinstance(address, IPv4Address):
            return self.find(int(address), 4)
        mapped = address.ipv4_mapped
        return self.find(int(address), 6) if mapped is None else self.find(int(mapped), 4)

    def find(self, number: int, version: int) -> AddressPattern | None:
        """Like ``match`` for an address as a number, which must not be a mapped one."""
        for mask, table in self._v4 if version == 4 else self._v6:
            found = table.get(number & mask)
            if found is not None:
                return found
        return None

    def match_name(self, name: str) -> AddressPattern | None:
        """Return the pattern for a client's verified name: the name itself, else the longest ``.domain``."""
        name = name.lower()
        found = self._names.get(name)
        dot = name.find(".", 1)
        while found is None and dot >= 0:
            found = self._names.get(name[dot:])
            dot = name.find(".", dot + 1)
        return found


def _index(
    patterns: tuple[AddressPattern, ...], kind: type[Network]
) -> tuple[tuple[int, dict[int, AddressPattern]], ...]:
    tables: dict[int, dict[int, AddressPattern]] = {}
    for pattern in patterns:
        if isinstance(pattern.network, kind):
            table = tables.setdefault(pattern.network.prefixlen, {})
            table.setdefault(int(pattern.network.network_address), pattern)
    width = 32 if kind is IPv4Network else 128
    return tuple(
        ((1 << width) - (1 << (width - prefix)), tables[prefix]) for prefix in sorted(tables, reverse=True)
    )


def numeric(host: str) -> tuple[int, int]:
    """Version (4 or 6) and number of a numeric address; mapped IPv4 is IPv4, a scope is left out.

    Raises ValueError when it isn't one. Several times faster than making an ``ipaddress`` object.
    """
    try:
        if ":" not in host:
            return 4, int.from_bytes(inet_pton(AF_INET, host), "big")
        number = int.from_bytes(inet_pton(AF_INET6, host.partition("%")[0]), "big")
    except (OSError, ValueError):
        raise ValueError(f"{host!r} is not a numeric address") from None
    return (4, number & 0xFFFFFFFF) if number >> 32 == _MAPPED_TOP else (6, number)
