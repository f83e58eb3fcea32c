"""/proc/net/tcp, tcp6, udp and udp6 (proc(5)) as ``Entry`` values: the way without netlink. ``parse`` reads a line."""

import struct
from typing import Final

from superd_services.netstat.table import Endpoint, Entry, State, unmapped

FILES: Final = (("tcp", "tcp"), ("tcp6", "tcp"), ("udp", "udp"), ("udp6", "udp"))
"""Names below /proc/net, and the protocol of each."""

_WIDTHS: Final = (8, 32)
_COLUMNS: Final = 10
_HEXADECIMAL: Final = frozenset("0123456789abcdefABCDEF")


def parse(line: str, protocol: str) -> Entry | None:
    """Read a line; ``None`` for the heading and for anything that is no entry."""
    words = line.split()
    if len(words) < _COLUMNS or not words[0].endswith(":"):
        return None
    _, local, remote, state, queues, _, _, uid, _, inode, *_ = words
    unsent, _, unread = queues.partition(":")
    try:
        return Entry(
            protocol,
            local=_endpoint(local),
            remote=_endpoint(remote),
            state=State(_number(state)),
            uid=int(uid),
            inode=int(inode),
            unread=_number(unread),
            unsent=_number(unsent),
        )
    except ValueError:
        return None


def _endpoint(text: str) -> Endpoint:
    address, _, port = text.partition(":")
    if len(address) not in _WIDTHS or len(port) != 4:
        raise ValueError(text)
    # Each 32 bits are printed as a number of this machine; in memory they are in the network's order.
    words = [_number(address[start : start + 8]) for start in range(0, len(address), 8)]
    return Endpoint(unmapped(struct.pack(f"={len(words)}I", *words)), _number(port))


def _number(text: str) -> int:
    if not text or not _HEXADECIMAL.issuperset(text):
        raise ValueError(text)
    return int(text, 16)
