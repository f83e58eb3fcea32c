"""Reads quotes from files: ``Shelf`` holds those of a file or directory, and looks whether they have changed."""

import os
import stat
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from superd_services.qotd.protocol import QUOTE_LIMIT, Quotes, split
from superd_services.recent import Recent

FILES_LIMIT: Final = 1000
"""Files of a directory that are read; all of Debian's fortunes are about 200."""

BYTES_LIMIT: Final = 8 << 20
"""Bytes read from all files together; all of Debian's fortunes are about 5 MiB. What is over is left out."""

INDEX_SUFFIX: Final = ".dat"
"""The end of the names of strfile(1)'s index files, which hold no quotes."""

Signature = tuple[tuple[Path, int, int, int], ...]
"""Paths, times of change, sizes and inodes: what differs after a change."""


class QuotesError(OSError):
    """There is nothing to quote; the text names the path."""


class Shelf:
    """The quotes of one path. It may be a file, or a directory whose files are read, not those below it."""

    __slots__ = ("_path", "_quotes", "_seen")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: Signature | None = None
        self._quotes: tuple[bytes, ...] = ()

    def quotes(self) -> Quotes:
        """Return the quotes, read anew when a file has changed. Blocks; to be called by one thread at a time.

        Raises:
            OSError: the path can't be read, or holds no quote of at most ``QUOTE_LIMIT`` bytes (QuotesError).
        """
        signature = tuple(_files(self._path))
        if signature != self._seen:
            self._quotes = tuple(_read(signature))
            self._seen = signature
        if not self._quotes:
            raise QuotesError(f"{self._path} holds no quote of at most {QUOTE_LIMIT} bytes")
        return self._quotes


@lru_cache(maxsize=64)
def shelf(path: str) -> Recent[Quotes]:
    """The shelf of a path, one for all services and connections of a process."""
    return Recent(Shelf(Path(path)).quotes)


def obstacle(path: str) -> str:
    """Say why a path can't be what quotes are read from; empty when it can. Made with the caller's rights."""
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return "" if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "is neither a file nor a directory"


def _files(path: Path) -> Iterator[tuple[Path, int, int, int]]:
    """The files to read, each once whatever links lead to it."""
    names = sorted(_names(path)) if path.is_dir() else [path]
    known: set[tuple[int, int]] = set()
    for name in names[:FILES_LIMIT]:
        found = name.stat()
        if stat.S_ISREG(found.st_mode) and (found.st_dev, found.st_ino) not in known:
            known.add((found.st_dev, found.st_ino))
            yield name, found.st_mtime_ns, found.st_size, found.st_ino


def _names(directory: Path) -> Iterator[Path]:
    for path in directory.iterdir():
        if not path.name.startswith(".") and path.suffix != INDEX_SUFFIX and path.exists():
            yield path


def _read(files: Signature) -> Iterator[bytes]:
    left = BYTES_LIMIT
    for path, *_ in files:
        content = _content(path, left)
        left -= len(content)
        yield from split(content)


def _content(path: Path, limit: int) -> bytes:
    """Read a regular file; what has meanwhile become a fifo or a device is not waited for, and is empty."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY), "rb") as file:
        return file.read(limit) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
