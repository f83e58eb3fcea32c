"""Questions to the kernel about sockets, and its answers: sock_diag(7) over netlink(7), as bytes.

``find_request`` asks for one socket, ``dump_request`` for all of a family and protocol; ``read`` reads what comes
back. Layouts are those of struct nlmsghdr, inet_diag_req_v2, inet_diag_sockid and inet_diag_msg; numbers are in
the machine's byte order, ports and addresses in the network's.
"""

import struct
from dataclasses import dataclass
from typing import Final

from superd_services.netstat.table import Endpoint, Entry, State, unmapped

PROTOCOLS: Final = {"tcp": 6, "udp": 17}

INET: Final = 2
INET6: Final = 10
"""AF_INET and AF_INET6 of Linux."""

SOCK_DIAG: Final = 4
"""The netlink protocol (NETLINK_SOCK_DIAG)."""

EVERY_STATE: Final = 0xFFFF_FFFF

_BY_FAMILY: Final = 20
_LAST: Final = frozenset({2, 3})
"""NLMSG_ERROR and NLMSG_DONE."""
_REQUEST: Final = 0x1
_DUMP: Final = 0x300
_NO_COOKIE: Final = b"\xff" * 8

_HEADER: Final = struct.Struct("=IHHII")
"""Length, type, flags, sequence, port of the sender."""
_QUESTION: Final = struct.Struct("=BBBxI")
"""Family, protocol, extensions, states."""
_SOCKET_ID: Final = struct.Struct("!HH16s16s")
"""Ports and addresses; the interface and the cookie follow."""
_INTERFACE: Final = struct.Struct("=I")
_ANSWER: Final = struct.Struct("=BBxx48sIIIII")
"""Family, state, socket id, timer, unread, unsent, uid, inode."""
_ERRNO: Final = struct.Struct("=i")


class DiagError(ValueError):
    """What the kernel sent is not what these layouts say."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one datagram from the kernel held."""

    entries: tuple[Entry, ...] = ()
    done: bool = False
    """Nothing more follows."""
    error: int = 0
    """errno(3) of a refusal; ENOENT: no such socket, or the kernel has no such table."""


def find_request(local: Endpoint, remote: Endpoint, *, interface: int, sequence: int) -> bytes:
    """Ask for the TCP socket with these ends. ``interface`` is the index for link-local addresses, else 0."""
    family = INET if len(local.address) == 4 else INET6
    ends = _SOCKET_ID.pack(local.port, remote.port, _wide(local), _wide(remote))
    place = ends + _INTERFACE.pack(interface) + _NO_COOKIE
    return _framed(_QUESTION.pack(family, PROTOCOLS["tcp"], 0, EVERY_STATE) + place, _REQUEST, sequence)


def dump_request(family: int, protocol: str, *, states: int, sequence: int) -> bytes:
    """Ask for every socket; ``states`` is a set of bits, 1 << State."""
    anything = bytes(_SOCKET_ID.size + _INTERFACE.size + len(_NO_COOKIE))
    question = _QUESTION.pack(family, PROTOCOLS[protocol], 0, states)
    return _framed(question + anything, _REQUEST | _DUMP, sequence)


def read(datagram: bytes, protocol: str, sequence: int) -> Answer:
    """Read what the kernel answered to the question with this sequence number; other messages are skipped.

    Raises:
        DiagError: a message is cut short or its length is wrong.
    """
    entries: list[Entry] = []
    start = 0
    while start < len(datagram):
        kind, number, body, start = _next_message(datagram, start)
        if number != sequence:
            continue
        if kind == _BY_FAMILY:
            entries.append(_entry(body, protocol))
        elif kind in _LAST:
            return Answer(tuple(entries), done=True, error=_errno(body))
    return Answer(tuple(entries))


def _framed(body: bytes, flags: int, sequence: int) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), _BY_FAMILY, flags, sequence, 0) + body


def _wide(end: Endpoint) -> bytes:
    return end.address.ljust(16, b"\0")


def _next_message(datagram: bytes, start: int) -> tuple[int, int, bytes, int]:
    """Return type, sequence number and body of the message at ``start``, and where the next one is."""
    if len(datagram) - start < _HEADER.size:
        raise DiagError("a netlink header is cut short")
    length, kind, _flags, sequence, _port = _HEADER.unpack_from(datagram, start)
    if not _HEADER.size <= length <= len(datagram) - start:
        raise DiagError(f"a netlink message says it has {length} bytes")
    return kind, sequence, datagram[start + _HEADER.size : start + length], start + (length + 3) // 4 * 4


def _entry(body: bytes, protocol: str) -> Entry:
    if len(body) < _ANSWER.size:
        raise DiagError("an inet_diag_msg is cut short")
    family, state, place, _expires, unread, unsent, uid, inode = _ANSWER.unpack_from(body)
    width = {INET: 4, INET6: 16}.get(family)
    if width is None:
        raise DiagError(f"an inet_diag_msg has family {family}")
    local_port, remote_port, local, remote = _SOCKET_ID.unpack_from(place)
    ends = (Endpoint(unmapped(local[:width]), local_port), Endpoint(unmapped(remote[:width]), remote_port))
    return Entry(protocol, *ends, State(state), uid, inode, unread, unsent)


def _errno(body: bytes) -> int:
    if len(body) < _ERRNO.size:
        return 0  # NLMSG_DONE of old kernels has no body
    return -int(_ERRNO.unpack_from(body)[0])
