r"""Cuts a bootptab into ``Entry`` values of ``Field`` values, in CMU bootpd's way (bootptab(5), bootpd's readfile.c).

- an entry ends at the first newline that is neither quoted nor behind a backslash; its fields are parted by colons;
- white space after a colon means nothing; a backslash and newline there continue the entry, and blank lines and
  comments before the next field are passed over; elsewhere they join two lines;
- text between double quotes is literal, newlines and colons too; a backslash takes the next character literally;
- ``#`` starts a comment only where an entry or a continuation begins.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

ENTRY_LIMIT: Final = 16384
"""Characters of an entry; CMU bootpd takes 2,048. A quotation without its end ends here, and not with the file."""

_BLANK_LINE: Final = re.compile(r"[ \t\r\f\v]*(?:#[^\n]*)?(?:\n|\Z)")
_SPACE: Final = re.compile(r"[ \t\r\f\v]*")
_PLAIN: Final = re.compile(r'[^\\":\n]+|\\.?|["\n:]', re.DOTALL)
_SIMPLE: Final = re.compile(r'([^\\":\n]*)([:\n])')
"""A whole field without quotes and backslashes, which most are."""
_QUOTED: Final = re.compile(r'[^\\"]+|\\.?|"', re.DOTALL)


class EntryError(Exception):
    """An entry that has no end; ``line`` is where the reason stands."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


@dataclass(frozen=True, slots=True)
class Field:
    """What stands between two colons, with its quotes and backslashes, and on which line it begins."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """The fields of one entry; the first is its name."""

    line: int
    name: str
    fields: tuple[Field, ...]


class Lexer:
    """Gives the entries of a text one after the other; after an ``EntryError`` it can go on."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._newlines = [match.start() for match in re.finditer("\n", self._text)]
        self._place = 0
        self._limit = 0

    def entry(self) -> Entry | None:
        """Return the next entry, ``None`` at the end.

        Raises:
            EntryError: it is too long, most likely because a quotation has no end.
        """
        self._skip_blank_lines()
        if self._place >= len(self._text):
            return None
        line = self._line(self._place)
        self._limit = self._place + ENTRY_LIMIT
        name, *fields = self._fields()
        return Entry(line, plain(name.text), tuple(field for field in fields if field.text))

    def _fields(self) -> Iterator[Field]:
        more = True
        while more:
            self._skip_continuation()
            line = self._line(self._place)
            text, more = self._field()
            yield Field(line, text)

    def _field(self) -> tuple[str, bool]:
        """Read up to the end of a field; tell whether the entry goes on."""
        if found := _SIMPLE.match(self._text, self._place, self._limit):
            self._place = found.end()
            return found[1].rstrip(), found[2] == ":"
        pieces: list[str] = []
        opened = -1
        while piece := self._piece(quoted=opened >= 0, opened=opened):
            if opened < 0 and piece in {":", "\n"}:
                return _trimmed(pieces), piece == ":"
            if piece == '"':
                opened = self._place - 1 if opened < 0 else -1
            if piece != "\\\n":
                pieces.append(piece)
        if opened >= 0:
            raise self._without_end(opened)
        return _trimmed(pieces), False

    def _piece(self, *, quoted: bool, opened: int) -> str:
        if self._place > self._limit:
            raise self._without_end(opened)
        found = (_QUOTED if quoted else _PLAIN).match(self._text, self._place, self._limit + 2)
        if found is None:
            return ""
        self._place = found.end()
        return found[0]

    def _without_end(self, opened: int) -> EntryError:
        """Go on behind the line with the quote that was opened, or else behind the one that is too long."""
        at = opened if opened >= 0 else self._limit
        end = self._text.find("\n", at)
        self._place = len(self._text) if end < 0 else end + 1
        if opened >= 0:
            return EntryError(self._line(opened), "a quotation without its end")
        return EntryError(self._line(at), f"an entry of more than {ENTRY_LIMIT} characters")

    def _skip_blank_lines(self) -> None:
        while found := _BLANK_LINE.match(self._text, self._place):
            if found.end() == self._place:
                break
            self._place = found.end()
        self._skip_space()

    def _skip_continuation(self) -> None:
        """Pass over what means nothing before a field, and does not count for the length of the entry either."""
        start = self._place
        self._skip_space()
        while self._text.startswith("\\\n", self._place):
            self._place += 2
            self._skip_blank_lines()
        self._limit += self._place - start

    def _skip_space(self) -> None:
        found = _SPACE.match(self._text, self._place)
        self._place = found.end() if found else self._place

    def _line(self, place: int) -> int:
        return bisect_left(self._newlines, place) + 1


def _trimmed(pieces: list[str]) -> str:
    """Join the pieces of a field without blanks at its end; one behind a backslash stays."""
    text = "".join(pieces)
    bare = text.rstrip()
    return text[: len(bare) + 1] if bare.endswith("\\") else bare


def plain(text: str) -> str:
    """Return a field's text without its quotes, and each backslash with the character it protects as that alone."""
    return re.sub(r'\\(.)|["\\]', lambda found: found[1] or "", text, flags=re.DOTALL)
