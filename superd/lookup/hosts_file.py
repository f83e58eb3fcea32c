"""hosts(5), as the C library reads it: ``Hosts``.

What matters here is how it finds an entry (nss_files in glibc): a line that can't be read is left out; an
address is called what the first line with it says; a name means the first line that has it as name or alias,
and the addresses of all such lines (``multi on`` in host.conf(5), Debian's setting).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from superd.lookup.verify import Forward, Pointer

FILE_LIMIT: Final = 4 << 20
"""Bytes of hosts(5): a list of 140,000 blocked names, which takes the worker a second and 60 MB to read."""

ENTRY_TTL: Final = 86400.0
"""Seconds an entry may be remembered; a change of the file ends that at once."""

Address = IPv4Address | IPv6Address

_LOOPBACK: Final = IPv6Address("::1")


@dataclass(slots=True)
class Hosts:
    """The file's entries."""

    _names: dict[Address, str] = field(default_factory=dict)
    _addresses: dict[tuple[int, str], tuple[str, list[Address]]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Hosts":
        """Read the file's text, decoded as Latin-1."""
        hosts = cls()
        known: dict[str, tuple[Address, ...]] = {}
        for line in text.split("\n"):
            words = line.partition("#")[0].split()
            names = [name for name in words[1:] if name.isascii() and name.isprintable()]
            if names and words[0] not in known:
                known[words[0]] = tuple(_addresses(words[0]))
            for address in known[words[0]] if names else ():
                hosts._add(address, names)
        return hosts

    def pointer(self, address: Address) -> Pointer | None:
        """What the first line with this address calls it."""
        name = self._names.get(address)
        return None if name is None else Pointer(name, ENTRY_TTL)

    def forward(self, name: str, version: int) -> Forward | None:
        """The addresses of one family of all lines with this name, and the first line's own name."""
        found = self._addresses.get((version, name.lower()))
        return None if found is None else Forward(found[0], tuple(map(str, found[1])), ENTRY_TTL)

    def _add(self, address: Address, names: list[str]) -> None:
        self._names.setdefault(address, names[0])
        for name in dict.fromkeys(name.lower() for name in names):
            _, found = self._addresses.setdefault((address.version, name), (names[0], []))
            found.append(address)


def _addresses(text: str) -> Iterator[Address]:
    """The addresses that a line is about: who asks for IPv4 gets the line of a mapped address or of ::1 too."""
    try:
        address = ip_address(text)
    except ValueError:
        return
    if address == _LOOPBACK:
        yield IPv4Address("127.0.0.1")
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if mapped is not None:
        yield mapped
    if not isinstance(address, IPv6Address) or address.scope_id is None:
        yield address
