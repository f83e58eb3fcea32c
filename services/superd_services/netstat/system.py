"""Asks the kernel about sockets: ``find`` for one connection, ``sockets`` for all. Both block, though briefly.

Over netlink where there is sock_diag(7), which looks one connection up in a hash table; else through /proc/net, which
lists every socket to find one. Neither needs a privilege: the uid of a socket is told to everybody.
"""

import errno
import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import count, islice
from pathlib import Path
from typing import Final

from superd_services.netstat import inet_diag, proc_net
from superd_services.netstat.inet_diag import Answer
from superd_services.netstat.table import Endpoint, Entry, State

SOCKETS_LIMIT: Final = 20_000
"""Sockets looked at for one answer; a table that people read has fewer, and reading more would hold up others."""

PROC_LIMIT: Final = 1_000_000
"""Lines of /proc/net/tcp read to find one connection; a busy server has 100,000."""

ANSWER_TIMEOUT: Final = 5.0
"""Seconds for an answer of the kernel, which answers while it is asked: only against surprises."""

LISTENING: Final = 1 << State.LISTEN | 1 << State.CLOSE
"""The states of what waits for clients; CLOSE is that of UDP sockets without a peer."""

_LEFT_OVER: Final = 1 << State.TIME_WAIT

_ANSWER_SIZE: Final = 65536
"""Bytes of one datagram from the kernel at most; it uses 32768."""

_PROC_NET: Final = Path("/proc/net")
_sequences = count(1)


def find(local: Endpoint, remote: Endpoint, interface: int = 0) -> Entry | None:
    """Find the TCP connection with exactly these ends, or ``None``.

    ``interface`` is the index of the interface of a link-local connection, else 0.

    Raises:
        OSError: neither netlink nor /proc can be asked.
    """
    if not has_diag("tcp"):
        return find_in((line for name in ("tcp", "tcp6") for line in _lines(name)), local, remote)
    sequence = next(_sequences)
    request = inet_diag.find_request(local, remote, interface=interface, sequence=sequence)
    for answer in _ask(request, "tcp", sequence, single=True):
        if answer.error not in (0, errno.ENOENT):
            raise OSError(answer.error, os.strerror(answer.error))
        # For want of a connection the kernel answers with the listener that would have taken it.
        return next((one for one in answer.entries if (one.local, one.remote) == (local, remote)), None)
    return None


def find_in(lines: Iterable[str], local: Endpoint, remote: Endpoint) -> Entry | None:
    """Find a connection among the lines of /proc/net/tcp and tcp6."""
    for line in islice(lines, PROC_LIMIT):
        entry = proc_net.parse(line, "tcp")
        if entry is not None and (entry.local, entry.remote) == (local, remote):
            return entry
    return None


def sockets(protocols: Sequence[str], states: int = inet_diag.EVERY_STATE) -> list[Entry]:
    """List the sockets of these protocols in these states (bits, 1 << State), ``SOCKETS_LIMIT`` at most.

    What listens comes first, and what is only left of connections (TIME_WAIT) last.

    Raises:
        OSError: neither netlink nor /proc can be asked.
    """
    groups = (states & LISTENING, states & ~LISTENING & ~_LEFT_OVER, states & _LEFT_OVER)
    found = (
        entry
        for group in groups
        if group
        for protocol in protocols
        for entry in _table(protocol, group & inet_diag.EVERY_STATE)
    )
    return list(islice(found, SOCKETS_LIMIT))


def _table(protocol: str, states: int) -> Iterator[Entry]:
    if has_diag(protocol):
        for family in (inet_diag.INET, inet_diag.INET6):
            yield from _dump(family, protocol, states)
        return
    for name, spoken in proc_net.FILES:
        if spoken == protocol:
            entries = (proc_net.parse(line, protocol) for line in _lines(name))
            yield from (entry for entry in entries if entry is not None and states >> entry.state & 1)


@cache
def has_diag(protocol: str) -> bool:
    """Tell whether the kernel answers about this protocol over netlink, by asking for the sockets in no state.

    Without its module it says "no such socket" to every question, so the first of them has to be this one.
    """
    try:
        list(_dump(inet_diag.INET, protocol, 0))
    except OSError:
        return False
    return True


def _dump(family: int, protocol: str, states: int) -> Iterator[Entry]:
    sequence = next(_sequences)
    request = inet_diag.dump_request(family, protocol, states=states, sequence=sequence)
    for answer in _ask(request, protocol, sequence):
        if answer.error:
            raise OSError(answer.error, os.strerror(answer.error))
        yield from answer.entries


def _ask(request: bytes, protocol: str, sequence: int, *, single: bool = False) -> Iterator[Answer]:
    """Yield the answers until the kernel has no more, or after the first one."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, inet_diag.SOCK_DIAG) as channel:
        channel.settimeout(ANSWER_TIMEOUT)
        channel.sendto(request, (0, 0))
        while True:
            datagram, (sender, _groups) = channel.recvfrom(_ANSWER_SIZE)
            if sender != 0:
                continue  # not from the kernel
            answer = inet_diag.read(datagram, protocol, sequence)
            yield answer
            if answer.done or single:
                return


def _lines(name: str) -> list[str]:
    """The lines of a table, as many as are looked at; none when this kernel has no such protocol (no IPv6)."""
    try:
        with (_PROC_NET / name).open(encoding="ascii", errors="replace") as file:
            return list(islice(file, PROC_LIMIT))
    except FileNotFoundError:
        if not _PROC_NET.exists():
            raise
        return []
