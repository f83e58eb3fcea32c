"""hosts_access(5) text -> logical lines: ``LogicalLine``, ``Lines``. Settles continuations and comments.

A line that is too long, or not ended by a newline, makes the table an error from there on, as in libwrap: in
hosts.deny everybody is refused then. So does a NUL, which libwrap garbles.
"""

from dataclasses import dataclass
from typing import Final

LINE_LIMIT: Final = 2047
"""Bytes of one logical line with its newline, continuations removed; libwrap's buffer."""

BLANKS: Final = " \t\r\n"
"""What separates words, and what a blank line is made of."""

SPACE: Final = " \t\r\n\v\f"
"""What C's isspace(3) counts as blank, and libwrap around options and between the words of a pattern file."""

_LOWER: Final = {letter: letter + 32 for letter in range(ord("A"), ord("Z") + 1)}


LogicalLine = tuple[int, str]
"""A line that is neither blank nor a comment, after the number of its last physical line. A plain tuple, because the
garbage collector need not look at a hundred thousand of those again and again."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The logical lines up to the first fatal error; ``error`` is its text, at line ``error_line``."""

    lines: tuple[LogicalLine, ...]
    error: str = ""
    error_line: int = 0


def lower(text: str) -> str:
    """Lower the case of ASCII letters, and of no others: to libwrap those are bytes."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


def split(text: str) -> Lines:
    """Split a file's text (decoded as Latin-1, so that a character is a byte)."""
    found: list[LogicalLine] = []
    physicals = text.split("\n")
    rest = physicals.pop()
    joined = ""
    for number, physical in enumerate(physicals, 1):
        joined += physical
        if len(joined) >= LINE_LIMIT:
            return Lines(tuple(found), f"line longer than {LINE_LIMIT - 1} characters", number)
        if "\0" in physical:
            return Lines(tuple(found), "line holds a NUL character", number)
        if physical.endswith("\\"):
            joined = joined[:-1]
            continue
        if not joined.startswith("#") and joined.strip(BLANKS):
            found.append((number, joined))
        joined = ""
    if joined or rest:
        return Lines(tuple(found), "the last line has no newline at its end", len(physicals) + bool(rest))
    return Lines(tuple(found))
