"""Tables of expectations for ``superd explain --batch``: ``read`` them; ``difference`` of an answer.

A line is ``service client expected [name=N] [user=U] [at=TIME] [to=ADDRESS] [aclexec=yes|no]``, separated by blanks,
words quoted as in a shell; ``#`` begins a comment. Expected is allow, deny or twist.
"""

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from superd.cli.explain_case import Explanation, Outcome
from superd.cli.explain_request import Request, UsageError, when
from superd.config.origin import Origin
from superd.log import events

TABLE_LIMIT: Final = 4 << 20
"""Bytes of a table: some 60,000 expectations."""

_YES_OR_NO: Final = {"yes": True, "no": False}
_TEXTS: Final = frozenset({"name", "user", "to"})


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line of a table."""

    origin: Origin
    request: Request
    outcome: Outcome


def read(path: Path) -> list[Expectation]:
    """Read a table. Raises UsageError, with file and line, for one that is malformed."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(TABLE_LIMIT + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{path}: {reason}") from error
    if len(text) > TABLE_LIMIT:
        raise UsageError(f"{path}: larger than {TABLE_LIMIT} bytes")
    return list(_expectations(str(path), text))


def _expectations(file: str, text: str) -> Iterator[Expectation]:
    for number, line in enumerate(text.splitlines(), 1):
        origin = Origin(file, number)
        try:
            words = shlex.split(line, comments=True)
            if words:
                yield _expectation(origin, words)
        except (ValueError, UsageError) as error:
            raise UsageError(f"{origin}: {error}") from error


def _expectation(origin: Origin, words: list[str]) -> Expectation:
    if len(words) < 3:
        raise UsageError(
            "a line is: service client expected [name=N] [user=U] [at=TIME] [to=ADDRESS] [aclexec=yes|no]"
        )
    service, client, expected, *facts = words
    if expected not in set(Outcome):
        raise UsageError(f"{expected!r} can't be expected: write allow, deny or twist")
    texts: dict[str, str] = {}
    at, aclexec = None, None
    for fact in facts:
        key, equals, value = fact.partition("=")
        if not equals or not value:
            raise UsageError(f"{fact!r} is not like name=value")
        if key in _TEXTS:
            texts[key] = value
        elif key == "at":
            at = when(value)
        elif key == "aclexec" and value in _YES_OR_NO:
            aclexec = _YES_OR_NO[value]
        else:
            raise UsageError(f"{fact!r}: name, user, at, to and aclexec (yes or no) can be given")
    return Expectation(origin, Request(service, client, at=at, aclexec=aclexec, **texts), Outcome(expected))


def difference(expectation: Expectation, answers: Iterable[Explanation]) -> str:
    """Say how the answers differ from what is expected, or nothing."""
    for answer in answers:
        if answer.outcome is not expectation.outcome:
            rule = events.rule(answer.verdict)
            by = f" by {rule}" if rule else ": no rule refuses"
            assumed = ""
            if answer.aclexec is not None and expectation.request.aclexec is None:
                assumed = (
                    f" if aclexec says {'yes' if answer.aclexec else 'no'} (write aclexec=yes or aclexec=no)"
                )
            who = f"{expectation.request.service} {expectation.request.client}"
            return f"{expectation.origin}: {who}: expected {expectation.outcome}, got {answer.outcome}{by}{assumed}"
    return ""
