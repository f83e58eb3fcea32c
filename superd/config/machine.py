"""What has to be known about the machine to derive a service: ``Machine`` answers from its databases, and remembers.

Tests make one with other facts; everything else uses ``Machine()``.
"""

import grp
import os
import pwd
import socket
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from superd.config.model import Family

Resolver = Callable[[str, Family], tuple[str, ...]]
"""Gives the numeric addresses of a host name in one family; empty when it has none."""

_HANDSHAKE: Final = frozenset(
    {"NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID", "WATCHDOG_USEC"}
)
"""Variables between a service manager and its daemon; a program that got them would speak in the daemon's name."""

RPC_FILE: Final = Path("/etc/rpc")
RPC_FILE_LIMIT: Final = 1 << 20
"""Characters read of rpc(5); real files have a hundred lines."""


def _unresolved(_name: str, _family: Family) -> tuple[str, ...]:
    return ()


@dataclass
class Machine:
    """Users, services, programs and addresses of this machine, asked at most once for each thing."""

    resolve: Resolver = _unresolved
    uid: int = field(default_factory=os.getuid)
    environment: Mapping[str, str] = field(
        default_factory=lambda: {name: value for name, value in os.environ.items() if name not in _HANDSHAKE}
    )
    _users: dict[str, pwd.struct_passwd | None] = field(default_factory=dict, repr=False)
    _groups: dict[tuple[str, int], tuple[int, ...]] = field(default_factory=dict, repr=False)
    _ports: dict[tuple[str, str], int | None] = field(default_factory=dict, repr=False)
    _obstacles: dict[str, str] = field(default_factory=dict, repr=False)
    _addresses: dict[tuple[str, Family], tuple[str, ...]] = field(default_factory=dict, repr=False)

    def user(self, name: str) -> pwd.struct_passwd | None:
        """Return a user's account by name, or by number when the name is all digits."""
        if name not in self._users:
            self._users[name] = _account(name)
        return self._users[name]

    def group(self, name: str) -> int | None:
        """Return a group's number; a name that is all digits is its own answer."""
        if name.isascii() and name.isdigit():
            return int(name)
        try:
            return grp.getgrnam(name).gr_gid
        except (KeyError, ValueError):
            return None

    def groups_of(self, name: str, gid: int) -> tuple[int, ...]:
        """Return the groups of a user's account, with its primary one."""
        key = (name, gid)
        if key not in self._groups:
            self._groups[key] = tuple(os.getgrouplist(name, gid))
        return self._groups[key]

    def port(self, service: str, protocol: str) -> int | None:
        """Return the port services(5) gives a name for a protocol."""
        key = (service, protocol)
        if key not in self._ports:
            self._ports[key] = _port(service, protocol)
        return self._ports[key]

    def protocol(self, name: str) -> bool:
        """Tell whether protocols(5) knows a protocol; tcp and udp need no such file."""
        if name in {"tcp", "udp"}:
            return True
        try:
            socket.getprotobyname(name)
        except (OSError, ValueError):
            return False
        return True

    def obstacle(self, path: str) -> str:
        """Say why a program can't be started; empty when it can. The check is made with the caller's rights."""
        if path not in self._obstacles:
            self._obstacles[path] = _obstacle(path)
        return self._obstacles[path]

    def addresses(self, host: str, family: Family) -> tuple[str, ...]:
        """Return the numeric addresses of a host name in one family."""
        key = (host, family)
        if key not in self._addresses:
            self._addresses[key] = self.resolve(host, family)
        return self._addresses[key]

    @cached_property
    def interfaces(self) -> frozenset[str]:
        """Names of the network interfaces there are now."""
        return frozenset(name for _, name in socket.if_nameindex())

    @cached_property
    def rpc_programs(self) -> Mapping[str, int]:
        """rpc(5): names and aliases of programs with their numbers."""
        return _rpc_programs()

    @cached_property
    def umask(self) -> int:
        """The umask superd was started with, or 022 on top of it as xinetd has it."""
        current = os.umask(0o077)
        os.umask(current)
        return current | 0o022


def _account(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(int(name)) if name.isascii() and name.isdigit() else pwd.getpwnam(name)
    except (KeyError, ValueError, OverflowError):
        return None


def _port(service: str, protocol: str) -> int | None:
    try:
        return socket.getservbyname(service, protocol)
    except (OSError, ValueError):
        return None


def _obstacle(path: str) -> str:
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            return "is a directory"
        return "" if os.access(path, os.X_OK) else "is not executable"
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        return (
            "does not exist"
            if missing
            else f"can't be looked at: {getattr(error, 'strerror', None) or error}"
        )


def _rpc_programs() -> dict[str, int]:
    try:
        text = RPC_FILE.read_text(encoding="utf-8", errors="replace")[:RPC_FILE_LIMIT]
    except OSError:
        return {}
    found: dict[str, int] = {}
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if len(words) > 1 and words[1].isdigit():
            found |= {name: int(words[1]) for name in (words[0], *words[2:]) if name not in found}
    return found
