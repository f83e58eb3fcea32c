"""Text of a configuration file -> numbered ``Line``s of words, by the lexical rules of xinetd.conf(5).

A line ends at a newline, words at spaces and tabs. There are no quotes, escapes or continuations, and a comment is a
line whose first word starts with ``#``.
"""

import re
from dataclasses import dataclass
from typing import Final

from superd.config.origin import Origin, Report

XINETD_LINE_LIMIT: Final = 16384
"""Bytes of a line that xinetd reads; it takes the rest for another line."""

_BLANKS: Final = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is neither blank nor a comment; ``number`` counts from 1."""

    number: int
    words: tuple[str, ...]


def lines(file: str, text: str, report: Report) -> list[Line]:
    """Split a file into the lines that mean something; what xinetd would trip over is reported."""
    found = []
    returns = 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw
        if line.endswith("\r"):
            line, returns = line[:-1], returns or number
        if len(line) > XINETD_LINE_LIMIT:
            _report_long(report, Origin(file, number))
        stripped = line.strip(" \t")
        if stripped and not stripped.startswith("#"):
            found.append(Line(number, tuple(_BLANKS.split(stripped))))
    if returns:
        _report_returns(report, Origin(file, returns))
    return found


def _report_long(report: Report, origin: Origin) -> None:
    report.warning(
        "long-line",
        origin,
        f"a line of more than {XINETD_LINE_LIMIT} bytes",
        xinetd="takes the rest for another line, which is a syntax error",
    )


def _report_returns(report: Report, origin: Origin) -> None:
    report.warning(
        "carriage-return",
        origin,
        "lines end in CR LF; the CR is ignored",
        hint="save the file with Unix line ends",
        xinetd="takes the CR for a part of each last word, so that no service with such lines starts",
    )


def trailing_comment(words: tuple[str, ...]) -> int | None:
    """Return where a comment behind values starts: the first word that begins with ``#``."""
    return next((index for index, word in enumerate(words) if word.startswith("#")), None)
