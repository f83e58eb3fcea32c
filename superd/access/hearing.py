"""Deciding about a client of whom more has to be found out: ``hear``.

The daemon and ``superd explain`` both hear clients this way; they differ in their ``Sources``, which know how to
ask name servers, ident servers and commands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from superd.access.admission import Gate
from superd.access.facts import ClientFacts, Question
from superd.access.hosts_access import Effect
from superd.access.lists import facts_of
from superd.access.verdict import Verdict
from superd.service import Peer

QUESTIONS_LIMIT: Final = 64
"""Questions about one client. There are three names and users, and then one for each netgroup and command."""

Clocks = Callable[[], tuple[float, float]]
"""Wall clock and monotonic clock, in seconds."""


class Sources(Protocol):
    """Where answers come from, and who carries out what rules want done while they are evaluated."""

    async def answer(self, question: Question, peer: Peer, facts: ClientFacts) -> str | bool | None:
        """Answer a question in bounded time; a name or user that can't be found out is ``UNKNOWN``.

        ``None`` when nobody can say: then the safe verdict stands.
        """

    async def carry_out(self, effect: Effect, peer: Peer, facts: ClientFacts) -> None:
        """Carry out an option of a rule (``spawn``, say), in bounded time."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The final verdict, and what was found out on the way."""

    verdict: Verdict
    facts: ClientFacts


async def hear(gate: Gate, peer: Peer, verdict: Verdict, sources: Sources, clocks: Clocks) -> Heard:
    """Answer the questions of a gate's verdict until it has none, and carry out its effects in their order.

    A question that nobody can answer, or that comes after ``QUESTIONS_LIMIT`` others, stays in the verdict.
    """
    facts = facts_of(peer)
    done: set[tuple[object, int]] = set()
    for _ in range(QUESTIONS_LIMIT):
        for effect in verdict.effects:
            key = (effect.rule.origin, effect.number)
            if key not in done:
                done.add(key)
                await sources.carry_out(effect, peer, facts)
        if verdict.question is None:
            break
        answer = await sources.answer(verdict.question, peer, facts)
        if answer is None:
            break
        facts = facts.with_answer(verdict.question, answer)
        verdict = gate.resume(peer, facts, *clocks())
    return Heard(verdict, facts)
