"""Map files of tftpd-hpa, which change the names that clients ask for (tftpd(8), "Filename remapping").

``parse`` makes a ``MapFile`` of ``Rule`` values; ``superd_services.tftp.remap`` applies them. The language is that of
tftp-hpa 5.2 with what 5.4 to 6.x added: ``gg``, ``E``, ``j`` and labels. What those take silently, and would never do
what it says (``g`` without ``r``, a jump to a label that is not there), is an error here.
"""

import re
from dataclasses import dataclass
from enum import Flag, auto
from typing import Final

from superd_services.tftp.posix_regex import compiled

RULES_LIMIT: Final = 1000
"""Rules of a file; each is tried for each request."""

PROBLEMS_LIMIT: Final = 5
"""Mistakes of a file that are told at a time; more in one message can't be read."""

_WORD: Final = re.compile(rb"[ \t\v\f]*((?:\\.|[^\\#\s]|\\$)*)", re.DOTALL)
"""A word ends at white space or ``#`` without a backslash before it; backslashes stay in it."""


class Operation(Flag):
    """What a rule does, and when."""

    REPLACE = auto()
    REPEAT = auto()
    EACH = auto()
    IGNORE_CASE = auto()
    END = auto()
    END_IF_FILE = auto()
    RESTART = auto()
    REFUSE = auto()
    JUMP = auto()
    READS = auto()
    WRITES = auto()
    IPV4 = auto()
    IPV6 = auto()
    INVERT = auto()
    LABEL = auto()


_LETTERS: Final = {
    "r": Operation.REPLACE,
    "g": Operation.REPEAT,
    "i": Operation.IGNORE_CASE,
    "e": Operation.END,
    "E": Operation.END_IF_FILE,
    "s": Operation.RESTART,
    "a": Operation.REFUSE,
    "j": Operation.JUMP,
    "G": Operation.READS,
    "P": Operation.WRITES,
    "4": Operation.IPV4,
    "6": Operation.IPV6,
    "~": Operation.INVERT,
}
_CONTRADICTIONS: Final = (
    "r~",
    "ra",
    "rj",
    "aj",
    "as",
    "ej",
    "ae",
    "es",
    "eE",
    "Ej",
    "aE",
    "Es",
    "sj",
    "GP",
    "46",
)
"""Letters that can't be together; the last three say twice where to go on, or never apply."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line. ``text`` is the replacement, the error, the label to jump to, or the label that this is."""

    line: int
    operation: Operation
    pattern: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class MapFile:
    """The rules of a file, in their order."""

    path: str
    rules: tuple[Rule, ...]

    def __str__(self) -> str:
        return self.path


def parse(path: str, text: bytes) -> MapFile:
    """Read the text of a map file and compile its expressions.

    Raises:
        ValueError: there are mistakes; each is told with file and line.
    """
    rules = []
    problems = []
    for number, line in enumerate(text.replace(b"\r", b"").split(b"\n"), 1):
        try:
            rule = _rule(number, line)
        except ValueError as error:
            problems.append(f"{path}:{number}: {error}")
        else:
            rules += [rule] if rule else []
    problems += [f"{path}:{rule.line}: there is no label {_shown(rule.text)}" for rule in _astray(rules)]
    if len(rules) > RULES_LIMIT:
        problems.append(f"{path}: more than {RULES_LIMIT} rules")
    if problems:
        raise ValueError("; ".join(problems[:PROBLEMS_LIMIT]))
    return MapFile(path, tuple(rules))


def _rule(number: int, line: bytes) -> Rule | None:
    letters, place = _word(line, 0)
    if not letters:
        return None
    if letters.startswith(b":") and len(letters) > 1:
        return Rule(number, Operation.LABEL, b"", letters[1:])
    operation = _operation(letters.decode("latin-1"))
    pattern, place = _word(line, place)
    if not pattern:
        raise ValueError("a regular expression is missing")
    try:
        compiled(pattern, Operation.IGNORE_CASE in operation)
    except ValueError as error:
        raise ValueError(f"{_shown(pattern)} is no regular expression: {error}") from None
    text, place = _word(line, place)
    _check_end(line, place)
    if Operation.JUMP in operation and not text:
        raise ValueError("j needs a label to jump to")
    return Rule(number, operation, pattern, text)


def _word(line: bytes, place: int) -> tuple[bytes, int]:
    found = _WORD.match(line, place)
    assert found is not None  # noqa: S101 - it matches the empty text, too
    if b"\0" in found[1]:
        raise ValueError("a NUL character")
    return found[1], found.end()


def _check_end(line: bytes, place: int) -> None:
    """Find a fourth word, which tftpd-hpa ignores: most likely a blank that lacks its backslash."""
    if further := _word(line, place)[0]:
        raise ValueError(
            f"{_shown(further)} is one word too many; a blank is written with a backslash before it"
        )


def _operation(letters: str) -> Operation:
    operation = Operation(0)
    for letter in letters:
        if letter not in _LETTERS:
            raise ValueError(
                f"{_shown(letter.encode('latin-1'))} is no operation (known: {' '.join(_LETTERS)})"
            )
        again = letter == "g" and Operation.REPEAT in operation
        operation |= Operation.EACH if again else _LETTERS[letter]
    for first, second in _CONTRADICTIONS:
        if first in letters and second in letters:
            raise ValueError(f"{first} and {second} contradict each other")
    if "g" in letters and "r" not in letters:
        raise ValueError("g means nothing without r")
    return operation


def _astray(rules: list[Rule]) -> list[Rule]:
    """Find jumps to labels that are not there; those with a backslash are known only when the rule matches."""
    labels = {rule.text for rule in rules if Operation.LABEL in rule.operation}
    jumps = (rule for rule in rules if Operation.JUMP in rule.operation)
    return [rule for rule in jumps if b"\\" not in rule.text and rule.text not in labels]


def _shown(text: bytes) -> str:
    return ascii(text.decode("utf-8", "backslashreplace")).strip("'")
