"""Reading a file of rules, and telling whether it has changed: ``load``, ``Loaded``, ``stamp``."""

import os
import re
import stat
from dataclasses import dataclass
from typing import Final

from superd.access.hosts_access.facts import Outcome
from superd.access.hosts_access.lines import SPACE
from superd.access.hosts_access.table import Table

FILE_LIMIT: Final = 64 << 20
"""Bytes of one file: 2 million one-address rules, more than any real file holds."""

PATTERN_FILES_LIMIT: Final = 64
"""Pattern files (``/path`` in a rule) in use; each costs a stat(2) per decision."""

Stamp = tuple[int, int, int, int]
_WORD = re.compile(f"[^{SPACE}]+")
_ABSENT: Final = (0, 0, 0, 0)


def stamp(path: str) -> Stamp:
    """What changes when a file does; ``_ABSENT`` without one, another value when it can't be looked at."""
    try:
        status = os.stat(path)  # noqa: PTH116  a Path costs three times as much, per connection
    except FileNotFoundError:
        return _ABSENT
    except (OSError, ValueError):
        return (-1, 0, 0, 0)
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def read(path: str, limit: int = FILE_LIMIT) -> str:
    """Read a regular file as Latin-1. Raises OSError when it can't be read, is no file, or is too large."""
    with open(path, encoding="latin-1", newline="", opener=_open_regular) as file:
        text = file.read(limit + 1)
    if len(text) > limit:
        raise OSError(f"{path} is larger than {limit} bytes")
    return text


def _open_regular(path: str, flags: int) -> int:
    """Open without waiting for the other end of a FIFO, and refuse what is no file."""
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise (IsADirectoryError if stat.S_ISDIR(mode) else OSError)(f"{path} is not a regular file")
    return descriptor


class _PatternFiles:
    """Reads the pattern files that one table names, and remembers what they looked like."""

    def __init__(self) -> None:
        self.stamps: dict[str, Stamp] = {}
        self.errors: list[str] = []
        self._words: dict[str, list[str] | OSError | None] = {}

    def words(self, path: str) -> list[str] | None:
        """Give the words of a file, ``None`` when it is missing, or a directory; each file is read once.

        Raises:
            OSError: it can't be read.
        """
        if path not in self._words:
            self._words[path] = self._read(path)
        found = self._words[path]
        if isinstance(found, OSError):
            raise found
        return found

    def _read(self, path: str) -> list[str] | OSError | None:
        if len(self.stamps) >= PATTERN_FILES_LIMIT:
            self.errors.append(f"more than {PATTERN_FILES_LIMIT} pattern files are named; {path} is not read")
            return OSError(self.errors[-1])
        self.stamps[path] = stamp(path)
        try:
            return _WORD.findall(read(path))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self.errors.append(f"pattern file {path} can't be read: {reason(error)}")
            return None if isinstance(error, IsADirectoryError) else OSError(self.errors[-1])


def reason(error: Exception) -> str:
    """The system's words for an error, without the path."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file as read: its table (``None`` without one), what to watch, why (and where) it is broken."""

    table: Table | None
    watch: dict[str, Stamp]
    error: str = ""
    line: int = 0
    unread: tuple[str, ...] = ()


def load(path: str, default: Outcome) -> Loaded:
    """Read and compile one file; nothing is raised."""
    watch = {path: stamp(path)}
    files = _PatternFiles()
    try:
        table = Table(path, read(path), default, files.words)
    except FileNotFoundError:
        return Loaded(None, watch)
    except (OSError, ValueError) as error:
        return Loaded(None, watch, f"can't be read: {reason(error)}")
    fatal = table.broken
    watch |= files.stamps
    if fatal is None:
        return Loaded(table, watch, unread=tuple(files.errors))
    return Loaded(table, watch, fatal.text, fatal.line, tuple(files.errors))
