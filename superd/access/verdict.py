"""What access control answers: ``Verdict``, with the rule behind it."""

from dataclasses import dataclass
from enum import StrEnum

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
    FORK = "fork"
    """Not an admission step: the program could not be started."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one peer.

    ``step`` is the step that refused, or ``None`` when all allowed; ``rule`` is the text of the rule that decided and
    ``origin`` its place; both are empty when no rule was needed.
    """

    allowed: bool
    step: Step | None = None
    rule: str = ""
    origin: Origin | None = None


ALLOWED = Verdict(allowed=True)
