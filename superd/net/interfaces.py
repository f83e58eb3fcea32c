"""Network interfaces and their addresses, by rtnetlink(7): ``InterfaceAddress``, ``Broadcasts``.

Asking needs no privilege and no file, so a worker can ask again after it has dropped everything.
"""

import errno
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

REFRESH: Final = 10.0
"""Seconds after which ``Broadcasts`` asks the kernel again: interfaces come and go, datagrams come faster."""

ADDRESSES_LIMIT: Final = 10_000
"""Addresses taken from one answer; a machine with more has no use for a broadcast check."""

ANSWER_TIMEOUT: Final = 2.0
"""Seconds to wait for the kernel, which answers at once; so that nothing can hang here."""

_RECEIVE_SIZE: Final = 65536
_NLMSG_ERROR: Final = 2
_NLMSG_DONE: Final = 3
_RTM_NEWADDR: Final = 20
_RTM_GETADDR: Final = 22
_DUMP_REQUEST: Final = 0x301
"""NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH."""
_IFA_ADDRESS: Final = 1
_IFA_LOCAL: Final = 2
_IFA_BROADCAST: Final = 4

_HEADER: Final = struct.Struct("=IHHII")
_ADDRESS_MESSAGE: Final = struct.Struct("=BBBBI")
_ATTRIBUTE: Final = struct.Struct("=HH")

_LIMITED_BROADCAST: Final = "255.255.255.255"


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """One address of one interface; ``broadcast`` is empty where there is none (IPv6, point-to-point)."""

    interface: str
    index: int
    address: str
    prefix: int
    broadcast: str = ""


def index(name: str) -> int:
    """The kernel's number of an interface. Raises OSError with ENODEV when there is none of that name."""
    try:
        return socket.if_nametoindex(name)
    except OSError as error:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), name) from error


def addresses() -> tuple[InterfaceAddress, ...]:
    """Every address of every interface. Raises OSError when the kernel can't be asked."""
    interfaces = dict(socket.if_nameindex())
    found: list[InterfaceAddress] = []
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
    ) as kernel:
        kernel.settimeout(ANSWER_TIMEOUT)
        kernel.sendto(_request(), (0, 0))
        for body in _answers(kernel):
            if len(found) < ADDRESSES_LIMIT and (address := _parse(body, interfaces)):
                found.append(address)
    return tuple(found)


def broadcast_addresses() -> frozenset[str]:
    """Every IPv4 broadcast address of this machine's networks, the limited one included (RFC 919)."""
    return frozenset({_LIMITED_BROADCAST, *(entry.broadcast for entry in addresses() if entry.broadcast)})


class Broadcasts:
    """The broadcast addresses of this machine, asked for again every ``REFRESH`` seconds of ``clock``."""

    def __init__(
        self,
        ask: Callable[[], frozenset[str]] = broadcast_addresses,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._known: frozenset[str] = frozenset({_LIMITED_BROADCAST})
        self._asked = -REFRESH

    def __contains__(self, address: object) -> bool:
        if self._clock() - self._asked >= REFRESH:
            self._refresh()
        return address in self._known

    def _refresh(self) -> None:
        """Keep what was known when the kernel does not answer: too old a list beats none."""
        self._asked = self._clock()
        try:
            self._known = self._ask()
        except OSError:
            return


def _request() -> bytes:
    length = _HEADER.size + _ADDRESS_MESSAGE.size
    return _HEADER.pack(length, _RTM_GETADDR, _DUMP_REQUEST, 1, 0) + _ADDRESS_MESSAGE.pack(
        socket.AF_UNSPEC, 0, 0, 0, 0
    )


def _answers(kernel: socket.socket) -> Iterator[bytes]:
    """Yield the body of each RTM_NEWADDR message until the kernel says it is done."""
    while True:
        data = kernel.recv(_RECEIVE_SIZE)
        while len(data) >= _HEADER.size:
            length, kind = _HEADER.unpack_from(data)[:2]
            if kind == _NLMSG_DONE:
                return
            if kind == _NLMSG_ERROR or length < _HEADER.size:
                raise OSError(errno.EPROTO, "the kernel refused to list the network addresses")
            if kind == _RTM_NEWADDR:
                yield data[_HEADER.size : length]
            data = data[_aligned(length) :]


def _parse(body: bytes, interfaces: dict[int, str]) -> InterfaceAddress | None:
    family, prefix, _flags, _scope, number = _ADDRESS_MESSAGE.unpack_from(body)
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return None
    attributes = dict(_attributes(body[_ADDRESS_MESSAGE.size :]))
    # On a point-to-point link IFA_ADDRESS is the other end; IFA_LOCAL, where there is one, is always ours.
    local = attributes.get(_IFA_LOCAL) or attributes.get(_IFA_ADDRESS)
    if local is None:
        return None
    broadcast = attributes.get(_IFA_BROADCAST)
    return InterfaceAddress(
        interfaces.get(number, str(number)),
        number,
        socket.inet_ntop(family, local),
        prefix,
        socket.inet_ntop(family, broadcast) if broadcast and family == socket.AF_INET else "",
    )


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if length < _ATTRIBUTE.size:
            return
        yield kind, data[_ATTRIBUTE.size : length]
        data = data[_aligned(length) :]


def _aligned(length: int) -> int:
    """Netlink pads messages and attributes to four bytes."""
    return (length + 3) & ~3
