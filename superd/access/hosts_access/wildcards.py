"""Words with ``*`` and ``?``: ``Wild`` compares a subject with one, ``Piece`` is where an index finds it."""

import re
from typing import Literal, NamedTuple

_WILDCARDS = re.compile(r"[*?]+")


class Piece(NamedTuple):
    """A run of plain characters that the subject must hold, and where; ``dot``: anywhere, and it begins with a dot."""

    place: Literal["start", "end", "dot", "anywhere"]
    text: str


def is_wild(word: str) -> bool:
    """Tell whether a word has wildcards."""
    return "*" in word or "?" in word


def piece(pattern: str) -> Piece | None:
    """Return the longest piece of a pattern, ``None`` when it is all wildcards."""
    pieces = _WILDCARDS.split(pattern)
    longest = max(pieces, key=len)
    if not longest:
        return None
    if longest == pieces[0]:
        return Piece("start", longest)
    if longest == pieces[-1]:
        return Piece("end", longest)
    return Piece("dot" if longest[0] == "." else "anywhere", longest)


class Wild:
    """A pattern in lower case. Compiled when it is first tried: of a large file's patterns, an index has few tried."""

    __slots__ = ("_pattern", "_regex")

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._regex: re.Pattern[str] | None = None

    def __call__(self, subject: str) -> bool:
        """Tell whether the whole subject matches."""
        if self._regex is None:
            self._regex = _compiled(self._pattern)
        return self._regex.fullmatch(subject) is not None


def _compiled(pattern: str) -> re.Pattern[str]:
    """Match each piece between ``*`` at its first place only, so that no pattern is slow."""
    pieces = re.sub(r"\*+", "*", pattern).split("*")
    first, *others = [re.escape(part).replace(r"\?", ".") for part in pieces]
    middle = "".join(f"(?>.*?{part})" for part in others[:-1])
    last = f".*{others[-1]}" if others else ""
    return re.compile(first + middle + last, re.DOTALL)
