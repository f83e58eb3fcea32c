"""``Links``: by which interface a datagram came in, and who we are there.

The kernel is asked again now and then: addresses come and go while the daemon runs, and at a machine's start later than
the daemon.
"""

import fcntl
import socket
import struct
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from superd.net import interfaces
from superd.net.interfaces import InterfaceAddress
from superd.service import Link

REFRESH: Final = 10.0
"""Seconds after which the kernel is asked again, as for ``Broadcasts``."""

RETRY: Final = 1.0
"""Seconds after which it is asked again already if it has named no address on a link where one is needed."""

_SIOCGIFHWADDR: Final = 0x8927
_INTERFACE_REQUEST: Final = struct.Struct("=16sH22s")
"""The part of struct ifreq that SIOCGIFHWADDR uses (netdevice(7))."""
_ETHERNET: Final = 1
"""ARPHRD_ETHER of linux/if_arp.h."""
_ETHERNET_SIZE: Final = 6

Facts = Mapping[int, Sequence[InterfaceAddress]]
"""IPv4 addresses by the number of their interface."""


def ask() -> Facts:
    """Return the addresses of this machine's interfaces. Raises OSError."""
    found = defaultdict(list)
    for entry in interfaces.addresses():
        if ":" not in entry.address:
            found[entry.index].append(entry)
    return dict(found)


def hardware_address(interface: str) -> bytes:
    """Return an interface's Ethernet address; empty if it has none, or is gone."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = _INTERFACE_REQUEST.pack(interface.encode(), 0, b"")
        _, kind, address = _INTERFACE_REQUEST.unpack(fcntl.ioctl(any_socket, _SIOCGIFHWADDR, request))
        return bytes(address[:_ETHERNET_SIZE]) if kind == _ETHERNET else b""
    return b""


class Links:
    """Knows the interfaces; ``clock`` counts seconds."""

    def __init__(
        self,
        ask: Callable[[], Facts] = ask,
        hardware: Callable[[str], bytes] = hardware_address,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._hardware = hardware
        self._clock = clock
        self._facts: Facts = {}
        self._known_hardware: dict[str, bytes] = {}
        self._asked = float("-inf")

    def find(self, index: int, destination: str, ours: str) -> Link:
        """Describe the interface with this number.

        ``destination``: where the datagram was sent to; ``ours``: which of our addresses the kernel would answer it
        from, which may be one of another interface when this one has none.
        """
        self._refresh(REFRESH)
        link = self._find(index, destination, ours)
        if not link.address and self._refresh(RETRY):
            link = self._find(index, destination, ours)
        return link

    def _find(self, index: int, destination: str, ours: str) -> Link:
        there = self._facts.get(index, ())
        name = there[0].interface if there else _name(index)
        chosen = next((entry for entry in there if entry.address == ours), there[0] if there else None)
        address, prefix = (chosen.address, chosen.prefix) if chosen else ("", 0)
        if destination == ours:  # it came to an address of ours, of whatever interface: that one answers
            address, prefix = ours, self._prefix(ours, prefix)
        if name not in self._known_hardware:
            self._known_hardware[name] = self._hardware(name)
        return Link(index, name, self._known_hardware[name], address, prefix)

    def _prefix(self, address: str, default: int) -> int:
        everywhere = (entry for entries in self._facts.values() for entry in entries)
        return next((entry.prefix for entry in everywhere if entry.address == address), default)

    def _refresh(self, age: float) -> bool:
        """Ask if the last answer is older than ``age`` seconds; what was known stays when nobody answers."""
        if self._clock() - self._asked < age:
            return False
        self._asked = self._clock()
        with suppress(OSError):
            self._facts = self._ask()
            self._known_hardware.clear()
        return True


def _name(index: int) -> str:
    try:
        return socket.if_indextoname(index)
    except OSError:
        return str(index)
