"""Lines of an inetd.conf: ``Source`` hands out physical lines, ``Joiner`` joins them to entries.

An ``Entry`` is what one service is made of: its words, each with its line, after continuation lines were
joined. Comment lines are either entries that update-inetd switched off (``#<off>#``) or a plain ``Comment``.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from superd.config.dialect import Facts
from superd.config.inetd_words import BLANKS, ENTRY_FIELDS, at_blanks, looks_complete, split
from superd.config.origin import Origin, Report
from superd.config.written import Word

_DEFINITION: Final = re.compile(r"[ \t]*(\S+)[ \t]+(on|off)(?=[ \t]|$)")
"""The head of a key-value definition, which has a lexer of its own."""

_OFF: Final = re.compile(r"#\s*<off>\s*#\s*")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Physical:
    """One line of the file, without its end."""

    number: int
    text: str


@dataclass(slots=True)
class Entry:
    """The words of one entry; ``text`` is its first line, ``end`` the number of its last."""

    origin: Origin
    text: str
    end: int
    words: list[Word] = field(default_factory=list)
    off: bool = False
    """Switched off by update-inetd."""
    broken: bool = False
    """A line of it can't be read, which was reported: it is dropped, not run with some arguments missing."""

    def values(self) -> list[str]:
        """The words without their places."""
        return [word.value for word in self.words]


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment line, its ``#`` included."""

    origin: Origin
    text: str

    def is_entry(self) -> bool:
        """Tell whether this is an entry that was commented out."""
        return looks_complete(at_blanks(self.text.lstrip(f"{BLANKS}#")))


class Source:
    """The physical lines of one file, in order; a line's rest can be given back."""

    def __init__(self, file: str, text: str, report: Report) -> None:
        self.file = file
        lines = text.split("\n")
        if any(line.endswith("\r") for line in lines):
            where = next(number for number, line in enumerate(lines, 1) if line.endswith("\r"))
            report.warning("crlf", Origin(file=file, line=where), "lines end in CR LF; the CRs are ignored")
        self._lines = deque(Physical(number, line.removesuffix("\r")) for number, line in enumerate(lines, 1))

    def take(self) -> Physical | None:
        """Hand out the next line, ``None`` at the end."""
        return self._lines.popleft() if self._lines else None

    def give_back(self, line: Physical) -> None:
        """Make a line, or the rest of one, the next."""
        self._lines.appendleft(line)

    def origin(self, line: Physical) -> Origin:
        """Where a line is."""
        return Origin(self.file, line.number)


class Joiner:
    """Joins the physical lines of one file to entries, as one dialect does."""

    def __init__(self, source: Source, facts: Facts, report: Report) -> None:
        self._source = source
        self._facts = facts
        self._report = report
        self._open: Entry | None = None
        """The entry that an indented line would continue."""
        self._held: list[Comment] = []
        """Comments between the lines of the open entry."""
        self._above: Comment | None = None
        """The line above, when it is a comment."""

    def items(self) -> Iterator[Entry | Comment]:
        """Yield entries and comments in order; an entry comes once its last line was read."""
        while (line := self._source.take()) is not None:
            indented = line.text.startswith((" ", "\t"))
            text = line.text.strip(BLANKS)
            if text.startswith("#"):
                yield from self._comment(line, text, indented)
            elif not text:
                yield from self._close() if not indented else ()
            elif not self._continues(line, text, indented) and not self._strays(line, text, indented):
                yield from self._close()
                self._open = self._entry(line)
                if self._is_definition(line.text):
                    yield from self._close()
        yield from self._close()

    def _close(self) -> Iterator[Entry | Comment]:
        self._above = None
        if self._open is not None and not self._open.broken and self._open.words:
            yield self._open
        self._open = None
        yield from self._held
        self._held.clear()

    def _comment(self, line: Physical, text: str, indented: bool) -> Iterator[Entry | Comment]:
        comment = Comment(self._source.origin(line), text)
        if indented and self._facts.indent_continues and self._above is None:
            reads = "arguments of the entry above" if self._open else "an entry"
            read = f"an indented comment; inetd would read it as {reads}"
            self._report.warning("indented-comment", comment.origin, read)
        if indented and self._open is not None and not comment.is_entry():
            self._held.append(comment)
            self._above = comment
            return
        yield from self._close()
        self._above = comment
        off = _OFF.match(text)
        if off is None:
            yield comment
            return
        entry = self._entry(Physical(line.number, text[off.end() :].lstrip(f"{BLANKS}#")))
        entry.off = True
        yield from () if entry.broken or not entry.words else (entry,)

    def _continues(self, line: Physical, text: str, indented: bool) -> bool:
        """Take an indented line's words as arguments of the open entry, unless it is an entry itself."""
        if not indented or self._open is None or not self._facts.indent_continues:
            return False
        if looks_complete(at_blanks(text)) or ("=" in text and self._is_definition(text)):
            self._report.warning(
                "indented-entry",
                self._source.origin(line),
                "this line is indented but looks like an entry, and is read as one",
                hint="inetd would make it arguments of the entry above",
            )
            return False
        addition = self._entry(line)
        self._open.words.extend(addition.words)
        self._open.end = addition.end
        self._open.broken |= addition.broken
        self._above = None
        return True

    def _strays(self, line: Physical, text: str, indented: bool) -> bool:
        """Report arguments below a comment that ended the entry above it."""
        words = at_blanks(text)
        whole = len(words) >= len(ENTRY_FIELDS) or words[0].endswith(":") or self._is_definition(text)
        if self._above is None or whole or not indented or not self._facts.indent_continues:
            return False
        origin = self._source.origin(line)
        if self._above.is_entry():
            said = f"{text!r} is taken for the rest of the commented-out entry above"
            self._report.warning("stray-continuation", origin, said, hint="begin it with #")
        else:
            said = f"an indented line below a comment continues nothing; {text!r} is not used"
            self._report.error("stray-continuation", origin, said, hint="put it right below its entry")
        return True

    def _is_definition(self, text: str) -> bool:
        return self._facts.key_values and _DEFINITION.match(text) is not None

    def _entry(self, line: Physical) -> Entry:
        """Read one line, and those that backslashes join to it, into an entry."""
        entry = Entry(self._source.origin(line), line.text, line.number)
        head = _DEFINITION.match(line.text)
        if head is not None and self._is_definition(line.text):
            entry.words = [Word(value=word, origin=entry.origin) for word in head.groups()]
            return entry
        current: Physical | None = line
        while current is not None:
            text = current.text.rstrip(BLANKS)
            joined = self._facts.backslash_continues and text.endswith("\\")
            self._add_words(entry, current.number, text[:-1] if joined else text)
            current = self._source.take() if joined else None
        return entry

    def _add_words(self, entry: Entry, number: int, text: str) -> None:
        origin = Origin(self._source.file, number)
        entry.end = number
        try:
            words = self._split(text)
        except ValueError as error:
            self._report.error("bad-line", origin, f"{error}; the entry is not used")
            entry.broken = True
        else:
            entry.words.extend(Word(value=word, origin=origin) for word in words)

    def _split(self, text: str) -> list[str]:
        if _CONTROL.search(text):
            raise ValueError("there is a control character in the line")
        return split(text.partition("#")[0] if self._facts.trailing_comments else text, self._facts.quotes)
