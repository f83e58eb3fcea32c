"""Reads the table and what it refers to: ``TableFile``, which looks for changes; ``size`` and ``offset``.

Files of the administrator's on a local disk are read at once, without a thread: a request waits for nothing else.
"""

import os
import stat
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from superd.service import FileProblem
from superd_services.bootps import bootptab
from superd_services.bootps.bootptab import Mistake, Names, Table
from superd_services.bootps.options import BootpsOptions
from superd_services.system import LOOK, reopen

TABLE_LIMIT: Final = 8 << 20
"""Bytes of a table: some fifty thousand clients."""

NAMES_LIMIT: Final = 8 << 20
"""Bytes of the files of names."""

AGE: Final = 1.0
"""Seconds between two looks at the files: nobody notices, and a flood of requests costs one look a second."""

NEWS_LIMIT: Final = 20
"""Mistakes of a table that are told at a time."""

HOSTS: Final = "/etc/hosts"
ETHERS: Final = "/etc/ethers"

Signature = tuple[tuple[int, int, int, int] | None, ...]
"""Time of change, size, device and inode of each file: what differs after a change."""


class TableFile:
    """The table of one path. A new one with mistakes does not replace one that was read before.

    ``optional``: nothing is said if there is none.
    Nothing is asked for in the DNS: names in a table are those of hosts(5) and ethers(5), so that machines can start
    while name servers can't be reached.
    """

    def __init__(
        self,
        path: str,
        clock: Callable[[], float] = time.monotonic,
        hosts: str = HOSTS,
        ethers: str = ETHERS,
        *,
        optional: bool = False,
    ) -> None:
        self._path = path
        self._paths = (path, hosts, ethers)
        self._clock = clock
        self._until = float("-inf")
        self._seen: Signature | None = None
        self._read_before = False
        self._optional = optional
        self._table = Table()
        self._news: list[str] = []
        self.names = frozenset({os.uname().nodename.lower().encode("latin-1", "replace")})
        self.size = size
        self.offset = offset

    def table(self) -> Table:
        """Return the table, read anew if a file has changed. Raises nothing: what is wrong is ``news``."""
        now = self._clock()
        if now >= self._until:
            self._until = now + AGE
            signature = tuple(_signature(path) for path in self._paths)
            if signature != self._seen:
                self._seen = signature
                self._read()
        return self._table

    def news(self) -> tuple[str, ...]:
        """Return what there is to say since the last call."""
        news, self._news = tuple(self._news), []
        return news

    def _read(self) -> None:
        try:
            table = read(*self._paths)
        except OSError as error:
            if not (self._optional and isinstance(error, FileNotFoundError)):
                self._news.append(f"{self._path}: {error.strerror}; {self._kept()}")
            return
        self._news += [str(mistake) for mistake in table.mistakes[:NEWS_LIMIT]]
        more = len(table.mistakes) - NEWS_LIMIT
        if more > 0:
            self._news.append(f"{self._path}: {more} more mistakes")
        if self._read_before and any(mistake.drops for mistake in table.mistakes):
            self._news.append(f"{self._path}: {self._kept()}")
            return
        self._table = table
        self._read_before = True

    def _kept(self) -> str:
        return "the table read before stays" if self._read_before else "there is no table yet"


def read(path: str, hosts: str = HOSTS, ethers: str = ETHERS) -> Table:
    """Read a table now.

    Raises:
        OSError: it can't be read; the files of names may be missing.
    """
    text = _text(path, TABLE_LIMIT)
    return bootptab.parse(path, text, Names(_hosts(_words(hosts)), _ethers(_words(ethers))))


def problems(options: BootpsOptions) -> list[FileProblem]:
    """Tell what is wrong with the table that is configured, for ``superd check``."""
    try:
        table = read(options.bootptab)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError) and options.proxy
        return [] if missing else [FileProblem(options.bootptab, 0, error.strerror or str(error))]
    return [FileProblem(each.path, each.line, _consequence(each)) for each in table.mistakes]


def _consequence(mistake: Mistake) -> str:
    return f"{mistake.text}; the entry is left out" if mistake.drops else mistake.text


def size(path: str) -> int | None:
    """Return the bytes of a regular file; ``None`` if it is none, or nobody can see it."""
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def offset(now: float) -> int:
    """Return the seconds by which local time is ahead of UTC."""
    return time.localtime(now).tm_gmtoff


def _signature(path: str) -> tuple[int, int, int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_dev, found.st_ino


def _text(path: str, limit: int) -> str:
    seen = os.open(path, LOOK)
    try:
        if not stat.S_ISREG(os.fstat(seen).st_mode):
            raise OSError(0, "not a regular file")
        with os.fdopen(reopen(seen), "rb") as file:
            data = file.read(limit + 1)
    finally:
        os.close(seen)
    if len(data) > limit:
        raise OSError(0, f"more than {limit} bytes")
    return data.decode("latin-1")


def _words(path: str) -> list[list[str]]:
    """Return the words of each line of a file of names; none if it can't be read."""
    try:
        text = _text(path, NAMES_LIMIT)
    except OSError:
        return []
    return [line.partition("#")[0].lower().split() for line in text.splitlines()]


def _hosts(lines: list[list[str]]) -> dict[str, tuple[IPv4Address, ...]]:
    found: dict[str, tuple[IPv4Address, ...]] = {}
    for words in lines:
        try:
            address = IPv4Address(words[0]) if words else None
        except ValueError:
            continue
        for name in words[1:] if address else ():
            found[name] = (*found.get(name, ()), address) if address else ()
    return found


def _ethers(lines: list[list[str]]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for words in lines:
        try:
            hardware, name = bytes(int(part, 16) for part in words[0].split(":")), words[1]
        except (ValueError, IndexError):
            continue
        found.setdefault(name, hardware)
    return found
