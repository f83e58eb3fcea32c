"""Files a conversion gives: ``Generated`` (a name and a text), ``Names`` for safe unique names, ``write``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from superd.errors import SuperdError

NAME_LIMIT: Final = 100
"""Characters of a generated file's name, suffixes not counted; file systems allow 255 bytes."""

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_]+")


class OutputError(SuperdError):
    """A file can't be written; the text names it."""


@dataclass(frozen=True, slots=True)
class Generated:
    """One file of the result; ``name`` has no directory."""

    name: str
    text: str


class Names:
    """Gives each service a file name: letters, digits, ``_`` and ``-`` only, none twice.

    xinetd's includedir passes names with a dot over, and a slash would leave the directory.
    """

    def __init__(self) -> None:
        self._given: set[str] = set()

    def give(self, wanted: str) -> str:
        """Turn an id such as ``127.0.0.1:echo/tcp`` into ``127-0-0-1-echo-tcp``."""
        base = _UNSAFE.sub("-", wanted).strip("-")[:NAME_LIMIT] or "service"
        name, number = base, 1
        while name in self._given:
            number += 1
            name = f"{base}-{number}"
        self._given.add(name)
        return name


def comment(text: str) -> str:
    """Make comment lines of a text, whatever it holds."""
    return "".join(f"# {printable(line)}".rstrip() + "\n" for line in text.split("\n"))


def printable(text: str) -> str:
    """Replace what could end a line or hide in a terminal."""
    return "".join(letter if letter.isprintable() or letter == "\t" else "?" for letter in text)


def write(directory: Path, files: Sequence[Generated], *, force: bool) -> None:
    """Write every file, or none when one exists already and ``force`` is not set. Raises OutputError."""
    paths = [directory / file.name for file in files]
    existing = [str(path) for path in paths if path.exists() or path.is_symlink()]
    if existing and not force:
        raise OutputError(f"nothing was written: {', '.join(existing)} exists already (--force overwrites)")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path, file in zip(paths, files, strict=True):
            _replace(path, file.text)
    except OSError as error:
        raise OutputError(f"can't write {error.filename}: {error.strerror}") from error


def _replace(path: Path, text: str) -> None:
    """Write beside the target and rename: a link in its place is replaced, never followed."""
    partial = path.with_name(f".{path.name}.new")
    partial.unlink(missing_ok=True)
    with partial.open("x", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    partial.replace(path)
