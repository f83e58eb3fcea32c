"""What a bootptab says: ``Table``, its ``Host`` values, and each ``Mistake`` in it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from superd_services.bootps.bootptab.values import Value

IEEE802: Final = 6
"""The hardware type whose addresses some clients send with the bits of each byte in the other order."""

_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, slots=True)
class Names:
    """Addresses of host names and hardware addresses by name: what hosts(5) and ethers(5) say. Names are lower-case."""

    hosts: Mapping[str, tuple[IPv4Address, ...]] = field(default_factory=dict)
    ethers: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in a table, and where. ``drops``: the entry is left out because of it."""

    path: str
    line: int
    text: str
    drops: bool = True

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Host:
    """One client. ``tags`` holds what was said beside the other fields, ``generic`` options by code."""

    name: str
    origin: str
    htype: int
    hardware: bytes
    address: IPv4Address
    tags: Mapping[str, Value]
    generic: Mapping[int, bytes]

    @property
    def network(self) -> IPv4Network:
        """The network it is in: by its mask, or else by the class of its address (RFC 791)."""
        mask = self.tags.get("sm")
        prefix = mask if isinstance(mask, int) else classful(self.address)
        return IPv4Network((self.address, prefix), strict=False)

    def text(self, tag: str) -> str:
        """Return the value of a tag that is a text; empty if it was not set."""
        value = self.tags.get(tag)
        return value if isinstance(value, str) else ""

    def number(self, tag: str) -> int | None:
        """Return the value of a tag that is a number."""
        value = self.tags.get(tag)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def address_of(self, tag: str) -> IPv4Address | None:
        """Return the value of a tag that is one address."""
        value = self.tags.get(tag)
        return value[0] if isinstance(value, tuple) and value else None


class Table:
    """All clients, found by hardware address, client identifier or address."""

    def __init__(
        self,
        hosts: Iterable[Host] = (),
        mistakes: Iterable[Mistake] = (),
        default_file: str = "",
        files: Mapping[str, str] | None = None,
    ) -> None:
        self.hosts = tuple(hosts)
        self.mistakes = tuple(mistakes)
        self.default_file = default_file
        """What clients without a boot file of their own are given (the older form)."""
        self.files = files or {}
        """Whole names by the generic names that clients may ask for (RFC 951 section 8)."""
        self._by_hardware: dict[tuple[int, bytes], list[Host]] = {}
        self._by_identifier: dict[bytes, list[Host]] = {}
        self._by_address: dict[IPv4Address, Host] = {}
        for host in self.hosts:
            self._add(host)

    def _add(self, host: Host) -> None:
        if host.hardware:
            self._by_hardware.setdefault((host.htype, host.hardware), []).append(host)
        if identifier := host.generic.get(61):
            self._by_identifier.setdefault(identifier, []).append(host)
        self._by_address.setdefault(host.address, host)

    def of_hardware(self, htype: int, hardware: bytes) -> list[Host]:
        """Return the entries of a hardware address, in the order of the file."""
        found = self._by_hardware.get((htype, hardware), [])
        if not found and htype == IEEE802:
            found = self._by_hardware.get((htype, hardware.translate(_REVERSED)), [])
        return found

    def of_identifier(self, identifier: bytes) -> list[Host]:
        """Return the entries with this client identifier (``T61``)."""
        return self._by_identifier.get(identifier, [])

    def of_address(self, address: IPv4Address) -> Host | None:
        """Return the first entry with this address."""
        return self._by_address.get(address)


def classful(address: IPv4Address) -> int:
    """Return the bits of the network's number by the class of an address."""
    first = address.packed[0]
    return 8 if first < 128 else 16 if first < 192 else 24
