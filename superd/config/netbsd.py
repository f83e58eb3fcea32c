"""NetBSD's key-value notation, ``service on|off key = value ..., key = value;`` (its inetd.conf(5)).

``read`` takes one definition, over as many lines as it has, and gives a ``Definition`` with the values by
key; nothing is inferred here.
"""

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from superd.config.inetd_lines import Entry, Physical, Source
from superd.config.inetd_words import BLANKS
from superd.config.origin import Origin, Report
from superd.config.written import Word, Words

SINGLE: Final = frozenset(
    {"bind", "socktype", "accept_max", "acceptfilter", "protocol", "sndbuf", "recvbuf", "wait"}
    | {"service_max", "ip_max", "user", "group", "exec"}
)
"""Keys that take one value; ``args`` and ``ipsec`` take any number."""
KEYS: Final = SINGLE | {"args", "ipsec"}

_ESCAPES: Final = {"\\": "\\", "n": "\n", "t": "\t", "r": "\r", "'": "'", '"': '"'}
_HEX_ESCAPE: Final = re.compile(r"x([0-9A-Fa-f]{2})")
_END: Final = ";"


@dataclass(slots=True)
class Definition:
    """One definition: the values of each key. ``usable`` is false once an error was reported."""

    service: Word
    on: bool
    end: int
    values: dict[str, Words] = field(default_factory=dict)
    usable: bool = True


class _BrokenError(ValueError):
    """The definition can't be read on."""


class _Scanner:
    """Takes tokens off the lines of a definition; what follows its ``;`` goes back to the source."""

    def __init__(self, source: Source, line: Physical) -> None:
        self._source = source
        self._line = line
        self._position = 0

    @property
    def number(self) -> int:
        """The line being read."""
        return self._line.number

    def origin(self) -> Origin:
        """The place being read."""
        return self._source.origin(self._line)

    def peek(self) -> str:
        """The next character outside blanks and comments; raises _BrokenError at the end of the file."""
        while True:
            text = self._line.text
            while self._position < len(text) and text[self._position] in BLANKS:
                self._position += 1
            if self._position < len(text) and text[self._position] != "#":
                return text[self._position]
            following = self._source.take()
            if following is None:
                raise _BrokenError("the file ends before the ; of this definition")
            self._line, self._position = following, 0

    def skip(self) -> None:
        """Take the character that ``peek`` showed."""
        self._position += 1

    def bare(self, stops: str) -> str:
        """Take a word without quotes, up to a blank or one of ``stops``."""
        start = self._position
        text = self._line.text
        while self._position < len(text) and text[self._position] not in stops + BLANKS:
            self._position += 1
        return text[start : self._position]

    def quoted(self) -> str:
        """Take a word in quotes, with its escapes; raises _BrokenError when it is not closed."""
        quote = self.peek()
        self.skip()
        start, word = self._position, ""
        while self._position < len(self._line.text):
            letter = self._line.text[self._position]
            self.skip()
            if letter == quote:
                return word
            word += self._escape() if letter == "\\" else letter
        self._position = start
        raise _BrokenError(f"the quote {quote} is not closed on its line")

    def _escape(self) -> str:
        rest = self._line.text[self._position :]
        code = _HEX_ESCAPE.match(rest)
        if code is not None:
            self._position += len(code[0])
            return chr(int(code[1], 16))
        if rest[:1] not in _ESCAPES or not rest:
            raise _BrokenError(f"unknown escape \\{rest[:1]}")
        self.skip()
        return _ESCAPES[rest[0]]

    def finish(self) -> None:
        """Give the rest of the line back."""
        rest = self._line.text[self._position :].strip(BLANKS)
        if rest:
            self._source.give_back(Physical(self._line.number, rest))

    def abandon(self) -> None:
        """Skip to the end of a definition that can't be read; its ``;`` ends it wherever it stands."""
        line: Physical | None = self._line
        while line is not None and _END not in line.text[self._position :]:
            line, self._position = self._source.take(), 0
        if line is not None:
            self._line = line
            self._position = line.text.index(_END, self._position) + 1
            self.finish()


def read(source: Source, entry: Entry, report: Report) -> Definition:
    """Read the definition that ``entry`` (its first line) begins; problems are reported, never raised."""
    service, state = entry.words[0], entry.words[1]
    definition = Definition(service, state.value == "on", entry.end)
    head = re.match(r"[ \t]*\S+[ \t]+(on|off)", entry.text)
    scanner = _Scanner(source, Physical(entry.end, entry.text[head.end() if head else 0 :]))
    try:
        _pairs(scanner, definition, report)
        scanner.finish()
    except _BrokenError as error:
        report.error(
            "bad-definition", scanner.origin(), f"{service.value}: {error}; the definition is not used"
        )
        definition.usable = False
        scanner.abandon()
    definition.end = max(entry.end, scanner.number)
    return definition


def _pairs(scanner: _Scanner, definition: Definition, report: Report) -> None:
    while scanner.peek() != _END:
        origin = scanner.origin()
        key = scanner.bare("=,;")
        if not key or scanner.peek() != "=":
            raise _BrokenError(f"= is missing after {key!r}" if key else "a key is missing")
        scanner.skip()
        _store(definition, key, origin, _values(scanner), report)
        if scanner.peek() == ",":
            scanner.skip()
    scanner.skip()


def _values(scanner: _Scanner) -> Words:
    words: list[Word] = []
    while (letter := scanner.peek()) not in (",", _END):
        origin = scanner.origin()
        value = scanner.quoted() if letter in "'\"" else scanner.bare(",;#'\"")
        if "\0" in value:
            raise _BrokenError("a NUL in a value")
        words.append(Word(value=value, origin=origin))
    return tuple(words)


def _store(definition: Definition, key: str, origin: Origin, words: Words, report: Report) -> None:
    problem, hint = "", ""
    if key not in KEYS:
        close = get_close_matches(key, sorted(KEYS), n=1)
        problem, hint = f"unknown key {key!r}", f"did you mean {close[0]}?" if close else ""
    elif key in definition.values:
        problem = f"the key {key} is given twice"
    elif key in SINGLE and len(words) > 1:
        problem = f"the key {key} takes one value"
    if problem:
        text = f"{definition.service.value}: {problem}; the definition is not used"
        report.error("bad-definition", origin, text, hint=hint)
        definition.usable = False
        return
    definition.values[key] = words
