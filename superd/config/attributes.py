"""Names of xinetd.conf's attributes: which there are, which a word is close to, which ones restrict.

The table itself is the annotations in ``written``; here is what can be asked about it.
"""

from collections.abc import Collection, Iterable
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache
from typing import Final

from superd.config.origin import Origin, Report
from superd.config.written import WrittenDefaults, WrittenService, attributes

SERVICE: Final = attributes(WrittenService)
"""What a service's stanza may hold."""

ALL: Final = attributes(WrittenDefaults)
"""What any stanza may hold."""

DEFAULTS: Final = {name: mark for name, mark in ALL.items() if mark.shared}
"""What the defaults section may hold."""

SYNONYMS: Final = {"interface": "bind"}
"""Second names of attributes; both share one value."""

IN_PLACE: Final = frozenset({"passenv", "only_from", "no_access", "banner", "banner_success", "banner_fail"})
"""Attributes that xinetd copies from defaults when it reads a service, so that a later defaults comes too late."""

CLOSE: Final = 0.6
"""Similarity (0 to 1) from which a word counts as a misspelling; low, because a missed restriction is worse."""

ADVANTAGE: Final = 0.1
"""By how much an attribute that restricts nothing must be closer than any that does, to be what was meant."""

_RESTRICTING_PREFIXES: Final = ("rlimit_", "max_")


def canonical(word: str) -> str:
    """Give the attribute's name for a word in any case, or for its synonym."""
    name = word.lower()
    return SYNONYMS.get(name, name)


def closest(word: str, names: Iterable[str]) -> str:
    """Return which of several names a word may have been meant as, or an empty string."""
    near = get_close_matches(word.lower(), list(names), 1, CLOSE)
    return near[0] if near else ""


@lru_cache(maxsize=256)
def suggestion(word: str) -> str:
    """Return the attribute that a word is closest to, or an empty string."""
    best = max(_names(), key=lambda name: likeness(word, name))
    return best if likeness(word, best) >= CLOSE else ""


@lru_cache(maxsize=256)
def restricts(word: str) -> bool:
    """Tell whether an unknown word may be a misspelling of an attribute that restricts."""
    if word.startswith(_RESTRICTING_PREFIXES):
        return True
    closest = {True: 0.0, False: 0.0}
    for name in _names():
        restricting = ALL[canonical(name)].restricts
        closest[restricting] = max(closest[restricting], likeness(word, name))
    return closest[True] >= max(CLOSE, closest[False] - ADVANTAGE)


def likeness(one: str, other: str) -> float:
    """Compare two names: 1 is equal, 0 nothing in common; case, dashes and underscores don't count."""
    return SequenceMatcher(None, _plain(one), _plain(other), autojunk=False).ratio()


def _names() -> list[str]:
    return [*ALL, *SYNONYMS]


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")[:64]


def report_unknown(word: str, origin: Origin, report: Report, *, others: Collection[str] = ()) -> bool:
    """Report a word that names no attribute; tell whether it may have been meant to restrict.

    ``others`` are names allowed here beside the attributes: a built-in service's own options.
    """
    near_option = closest(word, others)
    near = near_option or suggestion(word)
    hint = f"did you mean {near}?" if near else ""
    if near_option or restricts(word.lower()):
        report.error(
            "misspelt-restriction",
            origin,
            f"unknown attribute {word}, which may be meant to restrict: nothing that it concerns is started",
            hint=hint,
            xinetd="ignores the line and starts the service without it",
        )
        return True
    report.warning("unknown-attribute", origin, f"unknown attribute {word} is ignored", hint=hint)
    return False
