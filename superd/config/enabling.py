"""Which services are switched on: ``disable`` in a stanza, ``enabled`` and ``disabled`` in defaults."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from superd.config.origin import Diagnostic, Report
from superd.config.written import Word, WrittenDefaults, WrittenService

CLOSE_ID: Final = 0.75
"""Similarity from which an unknown word in ``disabled`` is taken for a service's id."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service stanza after merging."""

    written: WrittenService
    problems: tuple[Diagnostic, ...]
    broken: bool
    """A syntax error may have lost some of it."""
    spoiled: bool
    """Something that was to restrict it can't be used."""

    @property
    def id(self) -> str:
        """What enabled and disabled refer to, without regard to case."""
        return (self.written.id.value if self.written.id else self.written.name).lower()


def choose(candidates: list[Candidate], defaults: WrittenDefaults, report: Report) -> list[Candidate]:
    """Leave out what is switched off; problems of those services are nobody's business, except with ``disable``.

    ``disable = yes`` wins over ``enabled``, and ``disabled`` over both, as in xinetd 2.3.15.3.
    """
    ids = {candidate.id for candidate in candidates}
    names = {candidate.written.name.lower() for candidate in candidates}
    off_ids, off_names = _disabled(defaults.disabled or (), ids, names, report)
    for each in candidates:
        word = each.written.disable
        if word is not None and _is_off(each):
            report.diagnostics += [problem for problem in each.problems if problem.origin == word.origin]
    chosen = [
        each
        for each in candidates
        if not (_is_off(each) or each.id in off_ids or each.written.name.lower() in off_names)
    ]
    if defaults.enabled is None:
        return chosen
    on = {word.value.lower() for word in defaults.enabled}
    for word in defaults.enabled:
        if word.value.lower() not in ids:
            report.warning("unknown-id", word.origin, f"enabled: there is no service {word.value}")
    return [each for each in chosen if each.id in on]


def _is_off(candidate: Candidate) -> bool:
    word = candidate.written.disable
    return word is not None and word.value.lower() == "yes"


def _disabled(
    words: tuple[Word, ...], ids: set[str], names: set[str], report: Report
) -> tuple[set[str], set[str]]:
    """The ids and the service names to leave out; a word that is only close to one is taken for it."""
    off_ids: set[str] = set()
    off_names: set[str] = set()
    for word in words:
        name = word.value.lower()
        if name in ids:
            off_ids.add(name)
            continue
        near = [name] if name in names else get_close_matches(name, ids | names, 1, CLOSE_ID)
        if not near:
            report.warning("unknown-id", word.origin, f"disabled: there is no service {word.value}")
            continue
        (off_ids if near[0] in ids else off_names).add(near[0])
        text = f"disabled: there is no id {word.value}; service {near[0]} is left out"
        report.error("disabled-unknown-id", word.origin, text, xinetd="starts it")
    return off_ids, off_names
