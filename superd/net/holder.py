"""Who has an address that could not be bound: ``Holders``, from /proc/net/* and /proc/*/fd (proc(5)).

Without root only the caller's own processes can be searched; the answer then names the owner of the socket,
which /proc/net tells anyone.
"""

import ipaddress
import os
import pwd
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from superd.config.model import Endpoint, Family

NAMED_LIMIT: Final = 3
"""Processes named in one answer; a forking server may have hundreds."""

_LISTEN: Final = "0A"
"""TCP_LISTEN in /proc/net/tcp."""

_TABLES: Final = {"tcp": ("tcp", "tcp6"), "udp": ("udp", "udp6")}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class _Entry:
    """One bound socket of the kernel's tables; what lingers after a connection has inode 0."""

    address: Address
    listening: bool
    uid: int
    inode: int


class Holders:
    """Who holds which socket; each table is read once, so that many questions cost one look."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._by_port: dict[str, dict[str, list[str]]] = {}

    def of(self, endpoint: Endpoint) -> str:
        """Name the holder of this address, ``pid 123 (xinetd)``; empty when none was found. Never raises."""
        try:
            return self._unix(endpoint) if endpoint.family is Family.UNIX else self._inet(endpoint)
        except (OSError, ValueError, LookupError):
            return ""

    def _inet(self, endpoint: Endpoint) -> str:
        wanted = ipaddress.ip_address(endpoint.address.partition("%")[0])
        entries = [
            entry
            for table in _TABLES.get(endpoint.protocol, ())
            for entry in self._entries(table, endpoint.port)
            if entry.inode and _conflict(entry.address, wanted)
        ]
        # A connection only stands in the way when its owner never set SO_REUSEADDR; a listener always does.
        listening = [entry for entry in entries if entry.listening]
        return self._name(listening or entries)

    def _unix(self, endpoint: Endpoint) -> str:
        inodes = []
        for line in self._lines("unix"):
            fields = line.split(maxsplit=7)
            if len(fields) == 8 and fields[7] == endpoint.address:
                inodes.append(int(fields[6]))
        return self._processes(inodes) or ("another user's process" if inodes and os.geteuid() else "")

    def _name(self, entries: list[_Entry]) -> str:
        if not entries:
            return ""
        if found := self._processes([entry.inode for entry in entries]):
            return found
        if os.geteuid() == 0:
            return "the kernel, or a process outside this container"
        return f"another user's process (of {_user(entries[0].uid)})"

    def _processes(self, inodes: Iterable[int]) -> str:
        pids = sorted({pid for inode in inodes for pid in self._owners.get(inode, ())})
        named = [f"pid {pid} ({self._command(pid)})" for pid in pids[:NAMED_LIMIT]]
        more = [f"{len(pids) - NAMED_LIMIT} more"] if len(pids) > NAMED_LIMIT else []
        return ", ".join(named + more)

    def _command(self, pid: int) -> str:
        """The name of a process, made safe for a log: anyone may choose their own."""
        try:
            text = (self._proc / str(pid) / "comm").read_text("utf-8", "backslashreplace").strip()
        except OSError:
            return "?"
        return "".join(char if char.isprintable() else "?" for char in text)

    def _entries(self, table: str, port: int) -> list[_Entry]:
        """The sockets of one table on one port. Few are parsed: a busy machine has a hundred thousand."""
        if table not in self._by_port:
            ports = self._by_port[table] = {}
            for line in self._lines(table):
                ports.setdefault(line.split(None, 2)[1][-4:], []).append(line)
        return [_entry(line, udp="udp" in table) for line in self._by_port[table].get(f"{port:04X}", ())]

    def _lines(self, name: str) -> list[str]:
        try:
            text = (self._proc / "net" / name).read_text("utf-8", "surrogateescape")
        except FileNotFoundError:  # no IPv6 in this kernel
            return []
        return text.splitlines()[1:]

    @cached_property
    def _owners(self) -> dict[int, list[int]]:
        """Pids by socket inode, for every process we may look into."""
        owners: dict[int, list[int]] = {}
        for pid in (int(entry.name) for entry in os.scandir(self._proc) if entry.name.isdigit()):
            for inode in _socket_inodes(self._proc / str(pid) / "fd"):
                owners.setdefault(inode, []).append(pid)
        return owners


def _socket_inodes(directory: Path) -> Iterator[int]:
    try:
        names = os.listdir(directory)  # noqa: PTH208  hundreds of thousands of names: no Path for each
    except OSError:  # not ours to see, or gone
        return
    for name in names:
        try:
            target = os.readlink(f"{directory}/{name}")  # noqa: PTH115
        except OSError:
            continue
        if target.startswith("socket:["):
            yield int(target[8:-1])


def _entry(line: str, *, udp: bool) -> _Entry:
    """Parse one line: ``sl local remote st queues timer retransmits uid timeout inode ...``."""
    fields = line.split()
    listening = udp or fields[3] == _LISTEN
    return _Entry(_address(fields[1].partition(":")[0]), listening, int(fields[7]), int(fields[9]))


def _address(text: str) -> Address:
    """Turn the kernel's hexadecimal address, 32-bit words in the machine's byte order, into an address."""
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    return ipaddress.ip_address(struct.pack(f"={len(words)}I", *words))


def _conflict(held: Address, wanted: Address) -> bool:
    """Tell whether two addresses on one port can't both be bound: equal, or one of them stands for all."""
    if isinstance(held, ipaddress.IPv6Address):
        if held.ipv4_mapped:
            held = held.ipv4_mapped
        elif held.is_unspecified and wanted.version == 4:
            return True  # a dual-stack socket; whether it is one can't be seen here
    if held.version != wanted.version:
        return False
    return held == wanted or held.is_unspecified or wanted.is_unspecified


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
