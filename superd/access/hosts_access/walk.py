"""Going through the options of a rule that matched, in order: ``walk``.

The engine walks them to find out what is still to be asked and what to do; a launcher walks them again, from its own
copy of the file, to do its part. Both get the same texts for the same facts.
"""

from dataclasses import dataclass
from typing import Final

from superd.access.facts import Need, Question
from superd.access.hosts_access import banners
from superd.access.hosts_access.expand import expand
from superd.access.hosts_access.facts import Applied, Effect
from superd.access.hosts_access.inquiry import Inquiry
from superd.access.hosts_access.lines import SPACE
from superd.access.hosts_access.options import Option, setenv_complaint

_EXPANDED: Final = frozenset({"aclexec", "setenv", "spawn", "twist"})
"""Options whose value has its ``%`` letters replaced (hosts_options(5))."""


@dataclass(frozen=True, slots=True)
class Walk:
    """How far an inquiry got through a rule's options.

    ``complete`` is false when an answer is missing (the inquiry has the question). ``error`` is what makes the
    rule refuse. ``passed`` is the answer of the last ``aclexec``, ``None`` without one.
    """

    complete: bool
    error: str = ""
    passed: bool | None = None


_INCOMPLETE: Final = Walk(complete=False)


def walk(rule: Applied, inquiry: Inquiry) -> Walk:
    """Reach one option after the other; each is added to the inquiry's effects."""
    passed: bool | None = None
    try:
        for number, option in enumerate(rule.options.options):
            text = _text(option, rule, inquiry)
            if text is None:
                return _INCOMPLETE
            effect = Effect(rule, number, option, text)
            if option.name == "aclexec":
                answer = inquiry.ask(_question(effect))
                if answer is None:
                    return _INCOMPLETE
                passed = bool(answer)
            if inquiry.question is None:  # what comes after an open question may yet not be reached
                inquiry.effects.append(effect)
    except ValueError as error:
        return Walk(complete=True, error=str(error))
    return Walk(True, rule.options.error, passed)


def _text(option: Option, rule: Applied, inquiry: Inquiry) -> str | None:
    """Find out what the option needs; ``None`` when that is not known yet. Raises ValueError."""
    if option.name == "rfc931":
        return None if inquiry.user(int(option.value or 0)) is None else option.value
    if option.name == "banners":
        return banners.render(banners.read(option.value, rule.daemon), inquiry)
    if option.name not in _EXPANDED:
        return option.value
    expanded = expand(option.value, inquiry)
    if expanded is None:
        return None
    text = expanded.strip(SPACE)
    complaint = setenv_complaint(text) if option.name == "setenv" else ""
    if complaint:
        raise ValueError(complaint)
    return text


def _question(effect: Effect) -> Question:
    return Question(Need.ACLEXEC, f"{effect.rule.origin} option {effect.number + 1}", command=effect)
