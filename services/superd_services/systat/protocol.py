"""The text of systat (RFC 866): one user, login or process per line, of printable ASCII characters and CR LF alone."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

DATAGRAM_LIMIT: Final = 512
"""Bytes of a datagram at most: what fits any network, and what RFC 865 sets for its like."""

_UNPRINTABLE: Final = "?"


@dataclass(frozen=True, slots=True, order=True)
class Login:
    """A user at a terminal, since so many seconds after the epoch. The host it came from is nobody's business."""

    name: str
    terminal: str
    since: float


@dataclass(frozen=True, slots=True, order=True)
class Process:
    """A running process. Its arguments are left out: they hold file names and passwords."""

    pid: int
    user: str
    started: float
    command: str


def users(logins: Iterable[Login]) -> list[str]:
    """Name each user who is logged in, once."""
    return sorted({login.name for login in logins})


def details(logins: Iterable[Login]) -> list[str]:
    """Describe each login: user, terminal, and since when, in local time."""
    shown = sorted(logins)
    names = max((len(login.name) for login in shown), default=0)
    terminals = max((len(login.terminal) for login in shown), default=0)
    return [f"{login.name:{names}} {login.terminal:{terminals}} {_minute(login.since)}" for login in shown]


def processes(found: Iterable[Process], limit: int) -> list[str]:
    """Describe ``limit`` processes at most, by number, and say how many more there are."""
    shown = sorted(found)
    users = max((len(process.user) for process in shown), default=0)
    lines = [
        f"{process.pid:7} {process.user:{users}} {_minute(process.started)} {process.command}"
        for process in shown[:limit]
    ]
    return [*lines, f"... and {len(shown) - limit} more"] if len(shown) > limit else lines


def text(lines: Iterable[str]) -> bytes:
    """Write the lines; whatever is not printable ASCII becomes a question mark."""
    return b"".join(_printable(line).encode("ascii") + b"\r\n" for line in lines)


def shortened(whole: bytes, limit: int = DATAGRAM_LIMIT) -> bytes:
    """Return as many whole lines as fit into ``limit`` bytes."""
    return whole if len(whole) <= limit else whole[: whole.rfind(b"\n", 0, limit) + 1]


def _printable(line: str) -> str:
    return "".join(char if " " <= char <= "~" else _UNPRINTABLE for char in line)


def _minute(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
