"""``set_options``: the arguments of inetd's built-in ``auth`` as attributes of superd's ident.

The letters are those of FreeBSD's inetd(8). What the line promises is kept: without ``-r`` nobody is ever named.
"""

from collections.abc import Iterator
from typing import Final

from superd.config.inetd_fields import FieldError
from superd.config.origin import Report
from superd.config.written import Word, Words, WrittenService

NAMES: Final = frozenset({"auth", "ident"})
"""Names of the service in inetd.conf: services(5) has both."""

_WITH_VALUE: Final = frozenset("dot")
_WITHOUT: Final = frozenset("rgifFn")
_FAKEID: Final = frozenset("fF")


def set_options(service: WrittenService, server: Word, args: Words, report: Report) -> None:
    """Fill ``options``. Raises FieldError for a letter that inetd(8) does not have."""
    given = dict(_letters(args[1:]))
    for letter in sorted(_FAKEID & given.keys()):
        text = f"-{letter}: names that users choose in .fakeid are not told; their own is"
        report.warning("auth-fakeid", given[letter].origin, text)
    if "d" in given and "r" in given:
        text = "-d: where no user is found the answer is an error, not this name"
        report.warning("auth-fallback", given["d"].origin, text)
    values = {"reply": _reply(given), "noident": "yes" if "n" in given else "no"}
    service.options = {name: (Word(value=value, origin=server.origin),) for name, value in values.items()}
    if values["reply"] == "fake":
        service.options["fake_user"] = (given["d"],)
    if "o" in given:
        service.options["system"] = (given["o"],)
    if "t" in given:
        service.options["query_timeout"] = (given["t"],)


def _reply(given: dict[str, Word]) -> str:
    if "g" in given:
        return "random"
    if "r" in given:
        return "uid" if "i" in given else "user"
    return "fake" if "d" in given else "hidden"


def _letters(words: Words) -> Iterator[tuple[str, Word]]:
    """Read like getopt(3): letters may share a dash, and a value may follow its letter or stand alone."""
    rest = iter(words)
    for word in rest:
        letters = word.value.removeprefix("-")
        if letters == word.value:
            raise FieldError("bad-auth-argument", f"{word.value!r} is no argument of auth", "see inetd(8)")
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in _WITH_VALUE:
                value = Word(value=letters, origin=word.origin) if letters else next(rest, None)
                if value is None:
                    raise FieldError("bad-auth-argument", f"-{letter} needs a value", "see inetd(8)")
                yield letter, value
                break
            if letter not in _WITHOUT:
                raise FieldError("bad-auth-argument", f"auth has no argument -{letter}", "see inetd(8)")
            yield letter, word
