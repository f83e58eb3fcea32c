"""One attribute line of a stanza: ``Assignment``, from ``name operator value...``.

xinetd wants a blank before the operator and none after it; everything else spoils the stanza.
"""

from dataclasses import dataclass
from typing import Final, Literal

from superd.config.attributes import ALL, canonical
from superd.config.origin import Origin, Report

Operator = Literal["=", "+=", "-="]
OPERATORS: Final[tuple[Operator, ...]] = ("+=", "-=", "=")
_XINETD: Final = "leaves the whole stanza out"


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one line assigns; ``name`` is canonical, ``spelling`` as written."""

    name: str
    operator: Operator
    words: tuple[str, ...]
    origin: Origin
    spelling: str


def parse_line(words: tuple[str, ...], origin: Origin, report: Report) -> Assignment | None:
    """Read a line; ``None`` after a syntax error, which is reported."""
    name = words[0]
    if "=" in name:
        _refuse_glued(" ".join(words), origin, report)
        return None
    if len(words) == 1:
        report.error(
            "missing-operator", origin, f"nothing follows {name}: expected =, += or -=", xinetd=_XINETD
        )
        return None
    operator = next((each for each in OPERATORS if words[1].startswith(each)), None)
    if operator is None:
        report.error(
            "bad-operator",
            origin,
            f"{words[1]!r} after {name} is no operator: expected =, += or -=",
            xinetd=_XINETD,
        )
        return None
    rest = words[1][len(operator) :]
    return Assignment(canonical(name), operator, (rest, *words[2:]) if rest else words[2:], origin, name)


def _refuse_glued(text: str, origin: Origin, report: Report) -> None:
    name, _, value = text.partition("=")
    sign = name[-1:] if name[-1:] in {"+", "-"} else ""
    report.error(
        "no-blank-before-operator",
        origin,
        f"{text}: a blank must stand before the operator",
        hint=f"write {name.removesuffix(sign)} {sign}= {value.strip()}".rstrip(),
        xinetd=_XINETD,
    )


def parse_run(words: tuple[str, ...], origin: Origin, report: Report) -> list[Assignment] | None:
    """Read several assignments from one line: a word directly followed by an operator word starts one."""
    starts = [at for at in range(len(words) - 1) if words[at + 1] in OPERATORS]
    if words and (not starts or starts[0]):
        text = f"{words[0]} is not followed by an operator word: expected =, += or -="
        report.error("missing-operator", origin, text, xinetd=_XINETD)
        return None
    for word in words:
        if _is_glued(word):
            _refuse_glued(word, origin, report)
            return None
    ends = [*starts[1:], len(words)]
    parsed = [parse_line(words[start:end], origin, report) for start, end in zip(starts, ends, strict=False)]
    found = [assignment for assignment in parsed if assignment is not None]
    return found if len(found) == len(parsed) else None


def _is_glued(word: str) -> bool:
    """Tell ``only_from=10.0.0.1``: among the words of one line it would be lost as somebody's value."""
    name, equals, _ = word.partition("=")
    return bool(equals) and canonical(name.rstrip("+-")) in ALL
