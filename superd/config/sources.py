"""Files of a configuration: reading one with its bounds, and what includedir reads of a directory."""

import os
import stat
from pathlib import Path
from typing import Final

from superd.config.origin import Origin, Report

FILE_LIMIT: Final = 4 << 20
"""Bytes of one configuration file; real ones have some thousand."""

ENTRIES_LIMIT: Final = 20_000
"""Files of one directory; more are a mistake in the path."""


class Unreadable(Exception):
    """A file can't be read as configuration; the text says why."""


def read_bytes(path: str, most: int) -> bytes:
    """Read at most so many bytes of a regular file. Raises Unreadable."""
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unreadable("not a regular file")
            return file.read(most)
    except (OSError, ValueError) as error:
        raise Unreadable(getattr(error, "strerror", None) or str(error)) from None


def read_text(path: str, report: Report) -> str:
    """Read a whole file. Bytes that are not UTF-8 are taken for Latin-1, with a warning. Raises Unreadable."""
    data = read_bytes(path, FILE_LIMIT + 1)
    if len(data) > FILE_LIMIT:
        raise Unreadable(f"larger than {FILE_LIMIT} bytes")
    if b"\0" in data:
        raise Unreadable("holds NUL bytes: not a text file")
    return _decode(path, data, report)


def _open_without_waiting(path: str, flags: int) -> int:
    """Open without waiting for a writer: the path may be a fifo."""
    return os.open(path, flags | os.O_NONBLOCK)


def _decode(path: str, data: bytes, report: Report) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        text = "bytes that are not UTF-8 are taken for Latin-1; paths with them are not found"
        report.warning("not-utf-8", Origin(path, line), text)
        return data.decode("latin-1")


def entries(directory: str, *, dotted_conf: bool = False) -> tuple[list[str], list[str]]:
    """Give the paths that includedir reads in a directory, in byte order, and the names ``*.conf`` it passes over.

    Names with a dot anywhere or a ``~`` at the end are passed over, as in xinetd; ``dotted_conf`` reads ``*.conf``,
    too. Raises OSError.
    """
    names = sorted(os.fsencode(path.name) for path in Path(directory).iterdir())[:ENTRIES_LIMIT]
    taken: list[str] = []
    passed: list[str] = []
    for name in map(os.fsdecode, names):
        is_conf = name.endswith(".conf") and "." not in name.removesuffix(".conf") and name != ".conf"
        if name.endswith("~") or ("." in name and not is_conf):
            continue
        (taken if "." not in name or dotted_conf else passed).append(str(Path(directory) / name))
    return taken, passed
