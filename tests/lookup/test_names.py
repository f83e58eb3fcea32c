"""Questions, what is remembered of the answers, and who waits for whom; the network is a fake."""

import asyncio
from collections.abc import Awaitable, Sequence

import pytest
from structlog.testing import capture_logs

from helpers.working import eventually
from superd.access.facts import PARANOID, UNKNOWN
from superd.log import events
from superd.lookup import names as names_module
from superd.lookup.cache import Cache
from superd.lookup.dns import Address, NoAnswer
from superd.lookup.names import NEGATIVE_TTL, TTL_LEAST, TTL_MOST, Names
from superd.lookup.places import Places
from superd.lookup.verify import Forward, Pointer

HOST = "10.1.2.3"
SHORT = 0.05
"""Seconds of a deadline that is meant to pass."""


class FakeResolver:
    """Every client is called ``hN-N-N-N.test``, unless ``says`` has something else; ``gate`` shut: no answer."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.says: dict[str, Pointer | Forward | Exception | None] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.forward_gate = asyncio.Event()
        self.forward_gate.set()
        self.changes = False
        self.ttl = 60.0

    async def pointer(self, client: Address) -> Pointer | None:
        self.asked.append(str(client))
        await self.gate.wait()
        found = self._said(str(client), Pointer(f"h{client}.test".replace(":", "-"), self.ttl))
        assert not isinstance(found, Forward)
        return found

    async def forward(self, name: str, client: Address) -> Forward | None:
        self.asked.append(name)
        await self.forward_gate.wait()
        found = self._said(name, Forward(name, (str(client),), self.ttl))
        assert not isinstance(found, Pointer)
        return found

    def changed(self, now: float) -> bool:
        before, self.changes = self.changes, False
        return before

    def close(self) -> None:
        self.says = {HOST: NoAnswer("closed")}
        self.gate.set()

    def _said(self, key: str, usual: Pointer | Forward) -> Pointer | Forward | None:
        found = self.says.get(key, usual)
        if isinstance(found, Exception):
            raise found
        return found


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def resolver() -> FakeResolver:
    return FakeResolver()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def ask(resolver: FakeResolver, clock: Clock) -> Names:
    return Names(asyncio.get_running_loop(), deadline=30, resolver=resolver, clock=clock)


async def test_a_verified_name_is_remembered(ask: Names, resolver: FakeResolver) -> None:
    first = await ask.name(HOST)
    again = await ask.name("::ffff:" + HOST)
    assert (first.name, first.why, first.cached) == (f"h{HOST}.test", "", False)
    assert (again.name, again.cached) == (f"h{HOST}.test", True)
    assert len(resolver.asked) == 2


async def test_peek_asks_nobody(ask: Names, resolver: FakeResolver) -> None:
    assert ask.peek(HOST) is None
    await ask.name(HOST)
    known = ask.peek(HOST)
    assert known is not None
    assert known.cached
    assert len(resolver.asked) == 2


@pytest.mark.parametrize(
    ("said", "name", "why"),
    [
        ({HOST: None}, UNKNOWN, "it has no name"),
        ({HOST: NoAnswer("SERVFAIL")}, UNKNOWN, "SERVFAIL"),
        ({HOST: Pointer("10.1.2.3", 9)}, PARANOID, "which is no name"),
        ({HOST: Pointer("gw.test", 9), "gw.test": None}, PARANOID, "it has no IPv4 address"),
        ({HOST: Pointer("gw.test", 9), "gw.test": NoAnswer("SERVFAIL")}, PARANOID, "gw.test: SERVFAIL"),
        (
            {HOST: Pointer("gw.test", 9), "gw.test": Forward("gw.test", ("10.6.6.6",), 9)},
            PARANOID,
            "!= gw.test",
        ),
    ],
)
async def test_a_name_that_cant_be_had_or_believed_has_a_reason(
    ask: Names,
    resolver: FakeResolver,
    said: dict[str, Pointer | Forward | Exception | None],
    name: str,
    why: str,
) -> None:
    resolver.says = said
    answer = await ask.name(HOST)
    assert answer.name == name
    assert why in answer.why


async def test_a_number_as_name_is_not_looked_up(ask: Names, resolver: FakeResolver) -> None:
    resolver.says = {HOST: Pointer("10.1.2.3", 9)}
    await ask.name(HOST)
    assert resolver.asked == [HOST]


@pytest.mark.parametrize("address", ["", "/run/socket", "localhost", "unknown"])
async def test_without_an_address_there_is_nothing_to_ask(
    ask: Names, resolver: FakeResolver, address: str
) -> None:
    answer = await ask.name(address)
    assert (answer.name, answer.why) == (UNKNOWN, "it has no numeric address")
    assert resolver.asked == []


@pytest.mark.parametrize(
    ("ttl", "kept"), [(0, TTL_LEAST), (60, 60), (TTL_LEAST - 1, TTL_LEAST), (10 * TTL_MOST, TTL_MOST)]
)
async def test_a_name_is_remembered_for_its_ttl_within_bounds(
    ask: Names, resolver: FakeResolver, clock: Clock, ttl: float, kept: float
) -> None:
    resolver.ttl = ttl
    await ask.name(HOST)
    clock.now += kept - 1
    assert ask.peek(HOST) is not None
    clock.now += 1
    assert ask.peek(HOST) is None


@pytest.mark.parametrize("said", [None, Pointer("5", 99999), NoAnswer("SERVFAIL")])
async def test_a_missing_or_wrong_name_is_remembered_for_a_short_time(
    ask: Names, resolver: FakeResolver, clock: Clock, said: Pointer | Exception | None
) -> None:
    resolver.says = {HOST: said}
    await ask.name(HOST)
    clock.now += NEGATIVE_TTL - 1
    assert ask.peek(HOST) is not None
    clock.now += 1
    assert ask.peek(HOST) is None


async def test_equal_questions_are_asked_once(ask: Names, resolver: FakeResolver) -> None:
    resolver.gate.clear()
    waiting = [asyncio.ensure_future(ask.name(HOST)) for _ in range(500)]
    await eventually(lambda: bool(resolver.asked))
    resolver.gate.set()
    answers = await asyncio.gather(*waiting)
    assert {answer.name for answer in answers} == {f"h{HOST}.test"}
    assert len(resolver.asked) == 2


async def test_one_who_goes_away_does_not_take_the_answer_from_the_others(
    ask: Names, resolver: FakeResolver
) -> None:
    resolver.gate.clear()
    first, second = (asyncio.ensure_future(ask.name(HOST)) for _ in range(2))
    await eventually(lambda: bool(resolver.asked))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    resolver.gate.set()
    assert (await second).name == f"h{HOST}.test"


async def test_the_answer_is_remembered_even_when_nobody_waited_for_it(
    ask: Names, resolver: FakeResolver
) -> None:
    resolver.gate.clear()
    only = asyncio.ensure_future(ask.name(HOST))
    await eventually(lambda: bool(resolver.asked))
    only.cancel()
    resolver.gate.set()
    await eventually(lambda: ask.peek(HOST) is not None)


async def test_without_a_reverse_answer_in_time_the_name_is_unknown(resolver: FakeResolver) -> None:
    resolver.gate.clear()
    ask = Names(asyncio.get_running_loop(), deadline=SHORT, resolver=resolver)
    answer = await ask.name(HOST)
    assert (answer.name, answer.why) == (UNKNOWN, f"no answer within {SHORT:g} seconds")


async def test_without_a_forward_answer_in_time_the_name_is_paranoid(resolver: FakeResolver) -> None:
    resolver.forward_gate.clear()
    ask = Names(asyncio.get_running_loop(), deadline=SHORT, resolver=resolver)
    answer = await ask.name(HOST)
    assert answer.name == PARANOID
    assert answer.why == f"can't verify the host name h{HOST}.test: no answer within {SHORT:g} seconds"


async def test_who_is_less_patient_than_others_has_what_is_known_by_then(
    ask: Names, resolver: FakeResolver
) -> None:
    resolver.forward_gate.clear()
    patient = asyncio.ensure_future(ask.name(HOST))
    hasty = await ask.name(HOST, SHORT)
    assert hasty.name == PARANOID
    assert ask.peek(HOST) is None
    resolver.forward_gate.set()
    assert (await patient).name == f"h{HOST}.test"


async def test_who_is_less_patient_than_the_reverse_look_up_has_no_name(
    ask: Names, resolver: FakeResolver
) -> None:
    resolver.gate.clear()
    assert (await ask.name(HOST, SHORT)).name == UNKNOWN
    resolver.gate.set()
    await eventually(lambda: ask.peek(HOST) is not None)


async def test_more_questions_than_the_limit_are_unknown_at_once(
    ask: Names, resolver: FakeResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names_module, "QUESTIONS_LIMIT", 2)
    resolver.gate.clear()
    waiting = [asyncio.ensure_future(ask.name(f"10.0.0.{number}")) for number in range(2)]
    await eventually(lambda: len(resolver.asked) == 2)
    refused = await ask.name("10.0.0.9")
    assert (refused.name, refused.why) == (UNKNOWN, "too many names are being looked up")
    joined = asyncio.ensure_future(ask.name("10.0.0.1"))
    resolver.gate.set()
    assert (await joined).name == "h10.0.0.1.test"
    await asyncio.gather(*waiting)
    assert (await ask.name("10.0.0.9")).name == "h10.0.0.9.test"


async def test_a_change_of_the_systems_files_ends_what_was_remembered(
    ask: Names, resolver: FakeResolver
) -> None:
    await ask.name(HOST)
    resolver.changes = True
    assert ask.peek(HOST) is None


async def test_an_answer_from_before_a_change_is_given_but_not_remembered(
    ask: Names, resolver: FakeResolver
) -> None:
    resolver.gate.clear()
    waiting = asyncio.ensure_future(ask.name(HOST))
    await eventually(lambda: bool(resolver.asked))
    resolver.changes = True
    assert ask.peek(HOST) is None
    resolver.gate.set()
    assert (await waiting).name == f"h{HOST}.test"
    assert ask.peek(HOST) is None


async def test_a_bug_in_the_resolver_is_logged_and_leaves_the_name_unknown(
    ask: Names, resolver: FakeResolver
) -> None:
    resolver.says = {HOST: ZeroDivisionError("bug")}
    with capture_logs() as logged:
        answer = await ask.name(HOST)
    assert (answer.name, answer.why) == (UNKNOWN, "the look-up failed: bug")
    assert [(line["event"], line["log_level"]) for line in logged] == [
        (events.PROCESS_FAILED, "error"),
        (events.PROCESS_FAILED, "debug"),
    ]
    assert "exc_info" not in logged[0]


async def test_closing_answers_everybody(ask: Names, resolver: FakeResolver) -> None:
    resolver.gate.clear()
    waiting = asyncio.ensure_future(ask.name(HOST))
    await eventually(lambda: bool(resolver.asked))
    await ask.close()
    assert (await waiting).why == "closed"
    assert (await ask.name("10.0.0.9")).name == UNKNOWN


async def test_a_full_cache_forgets_the_oldest() -> None:
    cache: Cache[int] = Cache(limit=2)
    for number, key in enumerate("aba", 1):
        cache.put(key, number, 10, 0)
    cache.put("c", 4, 10, 0)
    assert [cache.get(key, 0) for key in "abc"] == [3, None, 4]
    assert len(cache) == 2


async def started(awaitables: list[Awaitable[None]]) -> Sequence[asyncio.Future[None]]:
    """Start them all, and let each get as far as it can."""
    futures = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    for _ in range(5):
        await asyncio.sleep(0)
    return futures


def done(futures: Sequence[asyncio.Future[None]]) -> int:
    return sum(future.done() for future in futures)


async def test_one_party_has_its_share_of_the_places_and_all_have_the_limit() -> None:
    places = Places(limit=3, share=2)
    first = await started([places.take("a") for _ in range(3)])
    second = await started([places.take("b") for _ in range(2)])
    assert (done(first), done(second)) == (2, 1)
    places.leave("a")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert done(first) + done(second) == 4
    for future in [*first, *second]:
        future.cancel()


async def test_one_who_gives_up_waiting_leaves_no_trace() -> None:
    places = Places(limit=1, share=1)
    (first,) = await started([places.take("a")])
    others = await started([places.take("a"), places.take("b")])
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    places.leave("a")
    async with asyncio.timeout(10):
        await places.take("b")
        places.leave("b")
        await places.take("a")
    assert first.done()


async def test_who_waits_is_counted_like_who_has_a_place() -> None:
    places = Places(limit=9, share=1)
    here = await started([places.take("a") for _ in range(3)])
    assert (places.members("a"), places.members("b")) == (3, 0)
    here[2].cancel()
    places.leave("a")
    await eventually(lambda: done(here) == 3)
    assert places.members("a") == 1
    places.leave("a")
    assert places.members("a") == 0
