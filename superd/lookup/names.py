"""``Names``: the verified host names of clients, for the event loop of a worker.

A question is about an address; whoever asks while it is under way waits for the same answer. A question goes on
when the one who asked has gone, until its deadline at most; what it found is remembered.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import structlog

from superd.access.facts import UNKNOWN
from superd.log import events
from superd.lookup.cache import Cache
from superd.lookup.dns import NoAnswer
from superd.lookup.system import Resolver, System
from superd.lookup.verify import Client, Finding, objection, paranoid, unknown, verify

log = structlog.get_logger()

DEADLINE: Final = 5.0
"""Seconds for a whole question, reverse and forward; the C library gives each server so many for each half."""

QUESTIONS_LIMIT: Final = 4096
"""Addresses asked about at a time, waiting ones included; further ones are unknown at once. About 10 MB."""

TTL_LEAST: Final = 5.0
"""Seconds a verified name is remembered even if its owner says 0: one visit makes several connections."""

TTL_MOST: Final = 3600.0
"""Seconds a verified name is remembered at most, whatever its owner says: addresses change hands."""

NEGATIVE_TTL: Final = 10.0
"""Seconds ``UNKNOWN`` and ``PARANOID`` are remembered: short, because somebody is about to mend it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A verified host name as reverse DNS spells it, or ``UNKNOWN`` or ``PARANOID`` and why, in one sentence.

    ``cached``: nobody had to be asked for it.
    """

    name: str
    why: str = ""
    cached: bool = False


class _Question:
    """A question under way: the task that finds out, and the name that reverse DNS has given already."""

    __slots__ = ("pointer", "task")

    def __init__(self) -> None:
        self.pointer: str | None = None
        self.task: asyncio.Task[Answer]


class Names:
    """Answers questions about addresses.

    Made in a running event loop, after privileges were dropped. ``deadline`` is in seconds, for a question as a
    whole; ``resolver`` is where names come from, ``clock`` is CLOCK_MONOTONIC in seconds.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        deadline: float = DEADLINE,
        resolver: Resolver | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loop = loop
        self._deadline = deadline
        self._resolver: Resolver = System(loop) if resolver is None else resolver
        self._clock = clock
        self._cache: Cache[Answer] = Cache()
        self._questions: dict[str, _Question] = {}
        self._generation = 0
        self._closed = False

    async def name(self, address: str, seconds: float | None = None) -> Answer:
        """Return the name of a numeric address, with or without a scope; mapped IPv4 is IPv4. Never raises.

        ``seconds`` is how long to wait, if that is less than the deadline; others may go on waiting for the answer.
        """
        known = self.peek(address)
        if known is not None:
            return known
        client = Client.parse(address)
        key = str(client)
        question = self._questions.get(key)
        if question is None:
            if self._closed or len(self._questions) >= QUESTIONS_LIMIT:
                return Answer(UNKNOWN, "too many names are being looked up")
            question = self._questions[key] = _Question()
            question.task = self._loop.create_task(self._ask(key, client, question), name=f"name of {key}")
        try:
            # Who goes away must not take the question from the others.
            return await asyncio.wait_for(asyncio.shield(question.task), seconds)
        except TimeoutError:
            finding = _unfinished(question, f"no answer within {seconds:g} seconds")
            return Answer(finding.name, finding.why)

    def peek(self, address: str) -> Answer | None:
        """Return what is known about an address without asking anybody; ``None``: nothing."""
        now = self._clock()
        if self._resolver.changed(now):
            self._cache.clear()
            self._generation += 1
        try:
            key = str(Client.parse(address))
        except ValueError:
            return Answer(UNKNOWN, "it has no numeric address", cached=True)
        return self._cache.get(key, now)

    async def close(self) -> None:
        """Answer what is being asked with ``UNKNOWN`` or ``PARANOID``, and ask nobody any more."""
        self._closed = True
        self._resolver.close()
        await asyncio.gather(*(question.task for question in self._questions.values()))

    async def _ask(self, key: str, client: Client, question: _Question) -> Answer:
        """Find out about an address and remember it; never raises, because many may be waiting."""
        before = self._generation
        try:
            finding, ttl = await self._find_out(client, question)
        except Exception as error:  # a bug of ours or of a library must not leave a client unanswered
            finding, ttl = unknown(f"the look-up failed: {error}"), NEGATIVE_TTL
            log.error(events.PROCESS_FAILED, name="look-ups", error=f"{type(error).__name__}: {error}")
            log.debug(events.PROCESS_FAILED, name="look-ups", exc_info=error)
        finally:
            del self._questions[key]
        answer = Answer(finding.name, finding.why)
        if before == self._generation:
            self._cache.put(key, replace(answer, cached=True), ttl, self._clock())
        return answer

    async def _find_out(self, client: Client, question: _Question) -> tuple[Finding, float]:
        """Reverse, then forward; also how many seconds it may be remembered."""
        try:
            async with asyncio.timeout(self._deadline):
                pointer = await self._resolver.pointer(client.address)
                if pointer is None:
                    return unknown("it has no name"), NEGATIVE_TTL
                question.pointer = pointer.name
                wrong = objection(pointer.name)
                if wrong is not None:
                    return wrong, NEGATIVE_TTL
                forward = await self._resolver.forward(pointer.name, client.address)
        except TimeoutError:
            why = f"no answer within {self._deadline:g} seconds"
        except NoAnswer as error:
            why = str(error)
        else:
            finding = verify(client, pointer.name, forward)
            if finding.why or forward is None:
                return finding, NEGATIVE_TTL
            return finding, min(max(min(pointer.ttl, forward.ttl), TTL_LEAST), TTL_MOST)
        return _unfinished(question, why), NEGATIVE_TTL


def _unfinished(question: _Question, why: str) -> Finding:
    """A name that could not be verified is not trusted; without any, the client has none (hosts_access(5))."""
    if question.pointer is None:
        return unknown(why)
    return paranoid(f"can't verify the host name {question.pointer}: {why}")
