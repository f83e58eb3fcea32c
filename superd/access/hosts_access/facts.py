"""What hosts.allow and hosts.deny answer (``HostsVerdict``) and want done (``Applied``, ``Effect``)."""

from dataclasses import dataclass
from enum import StrEnum

from superd.access.facts import ClientFacts, Question
from superd.access.hosts_access.options import Option, Options
from superd.config.origin import Origin


class Outcome(StrEnum):
    """The words tcpdmatch(8) uses; ``delegated``: a ``twist`` command serves the client instead."""

    GRANTED = "granted"
    DENIED = "denied"
    DELEGATED = "delegated"


@dataclass(frozen=True, slots=True)
class Applied:
    """A rule whose options are carried out: enough to carry them out again, in another process, in the same way.

    ``facts`` are those known when its first option was reached; a later option may know more.
    """

    origin: Origin
    text: str
    """The line as written, continuations joined."""
    options: Options
    daemon: str
    facts: ClientFacts


@dataclass(frozen=True, slots=True)
class Effect:
    """One option that was reached; ``text`` is its value with every ``%`` expanded (a banner: what to send)."""

    rule: Applied
    number: int
    """Its place among the rule's options, from 0."""
    option: Option
    text: str

    def __str__(self) -> str:
        shown = self.option.value if self.option.name == "banners" else self.text
        return f"{self.option.name} {shown}".rstrip()


@dataclass(frozen=True, slots=True)
class HostsVerdict:
    """The answer of both files.

    ``rule`` and ``origin`` are the rule that decided (empty: none matched). ``effects`` are the options that were
    reached, in order, those of a rule that an ``aclexec`` made pass included; ``error`` is the complaint about
    the first wrong option, which refuses. ``question`` is the first one that an evaluation in file order asks
    and that has no answer yet; the caller may answer it and ask again. ``doubt`` is the first rule that may or
    may not match without it: then the verdict is the fail-safe one (such a rule never grants, and always denies).
    """

    outcome: Outcome
    rule: str = ""
    origin: Origin | None = None
    effects: tuple[Effect, ...] = ()
    error: str = ""
    question: Question | None = None
    doubt: Origin | None = None

    @property
    def allowed(self) -> bool:
        """Whether the configured service may serve this client."""
        return self.outcome is Outcome.GRANTED
