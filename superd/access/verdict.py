"""What access control answers: ``Verdict``, with the rule behind it."""

from dataclasses import dataclass, replace
from enum import StrEnum

from superd.access.facts import Question
from superd.access.hosts_access.facts import Effect
from superd.config.origin import Origin


class Step(StrEnum):
    """The steps of admission in their order. The values are xinetd's words in a FAIL line (xinetd.log(5))."""

    RATE = "connections per second"
    LOAD = "load"
    TIME = "time"
    INSTANCES = "service_limit"
    PROCESSES = "process_limit"
    PER_SOURCE = "per_source_limit"
    ADDRESS = "address"
    LIBWRAP = "libwrap"
    IDENT = "ident"
    """No word of xinetd's, which writes a NOID line instead (flags = IDONLY)."""
    FORK = "fork"
    """Not an admission step: the program could not be started."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one peer.

    ``step`` is the step that refused, or ``None`` when all allowed; ``rule`` is the text of the rule that decided and
    ``origin`` its place; both are empty when no rule was needed. While ``question`` is set, the verdict is the safe
    one for the case that nobody answers it: answer it, and have ``Gate.resume`` decide again. ``effects`` are
    the options of hosts.allow and hosts.deny that were reached before that question, in their order; the last
    one may be ``twist``, which is served instead of the service.
    """

    allowed: bool
    step: Step | None = None
    rule: str = ""
    origin: Origin | None = None
    question: Question | None = None
    effects: tuple[Effect, ...] = ()

    @property
    def twist(self) -> Effect | None:
        """The command that serves an allowed client instead of the service, if there is one."""
        last = self.effects[-1] if self.effects and self.allowed else None
        return last if last and last.option.name == "twist" else None

    def without_twist(self) -> "Verdict":
        """The same, or a refusal where a command would have to serve a client whom nobody can give to it."""
        if self.twist is None:
            return self
        return replace(self, allowed=False, step=Step.LIBWRAP)


ALLOWED = Verdict(allowed=True)


def touched(origin: Origin) -> Verdict:
    """The refusal of somebody whom the rules of a sensor admit; ``origin`` is where the sensor is written."""
    return Verdict(False, Step.ADDRESS, "flags = SENSOR", origin)
