"""The kernel's table of sockets as values: ``Endpoint``, ``State`` and ``Entry``. No I/O here."""

import ipaddress
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

_MAPPED: Final = bytes(10) + b"\xff\xff"
"""What an IPv6 address that stands for an IPv4 one starts with (RFC 4291 section 2.5.5.2)."""


class State(IntEnum):
    """States of TCP as the kernel numbers them (include/net/tcp_states.h); UDP uses ESTABLISHED and CLOSE."""

    UNKNOWN = 0
    ESTABLISHED = 1
    SYN_SENT = 2
    SYN_RECV = 3
    FIN_WAIT1 = 4
    FIN_WAIT2 = 5
    TIME_WAIT = 6
    CLOSE = 7
    CLOSE_WAIT = 8
    LAST_ACK = 9
    LISTEN = 10
    CLOSING = 11
    NEW_SYN_RECV = 12

    @classmethod
    def _missing_(cls, _value: object) -> "State":
        return cls.UNKNOWN  # a later kernel's


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a socket: a packed address of 4 or 16 bytes, and a port. Mapped IPv4 is kept as IPv4."""

    address: bytes
    port: int

    def __str__(self) -> str:
        host = str(ipaddress.ip_address(self.address))
        return f"[{host}]:{self.port or '*'}" if ":" in host else f"{host}:{self.port or '*'}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One socket. ``uid`` means something only where ``inode`` is not 0: see ``owned``."""

    protocol: str
    """``tcp`` or ``udp``."""
    local: Endpoint
    remote: Endpoint
    state: State
    uid: int
    inode: int
    unread: int = 0
    """Bytes that the program has not read; for a listener, connections that wait."""
    unsent: int = 0
    """Bytes that the peer has not confirmed; for a listener, connections that may wait."""

    @property
    def owned(self) -> bool:
        """Whether a process has it open.

        For all others the kernel says uid 0, which is not true of them: connections that nobody has accepted yet,
        those already closed, and what is left of them.
        """
        return self.inode != 0


def unmapped(address: bytes) -> bytes:
    """Return the IPv4 address that an IPv6 one stands for, or the address itself."""
    return address[12:] if address.startswith(_MAPPED) and len(address) == 16 else address


def packed(host: str) -> bytes:
    """Pack a numeric address, without its scope (``%eth0``). Raises ValueError."""
    return unmapped(ipaddress.ip_address(host.partition("%")[0]).packed)
