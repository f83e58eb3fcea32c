"""``Calls``: blocking work in threads of a service's own."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from helpers.blocking import Gate
from helpers.working import eventually
from superd.service import Raised, Returned, StreamEvent
from superd.worker import calls as calls_module
from superd.worker.calls import THREADS, THREADS_LIMIT, Calls

FAULT = LookupError("of the work")


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    made = Calls(asyncio.get_running_loop(), "test")
    yield made
    made.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open()


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls are given up soon."""
    monkeypatch.setattr(calls_module, "CALL_DEADLINE", 0.05)


async def number_of(answers: list[StreamEvent], number: int) -> None:
    """Wait until there are so many answers."""
    await eventually(lambda: len(answers) == number)


async def test_what_the_work_returns_is_the_answer(calls: Calls) -> None:
    answers: list[StreamEvent] = []
    calls.call(lambda: 6 * 7, answers.append)
    assert answers == []
    await eventually(lambda: answers == [Returned(42)])


@pytest.mark.parametrize("error", [FAULT, OSError(5, "from a disk")])
async def test_what_the_work_raises_is_the_answer(calls: Calls, error: Exception) -> None:
    answers: list[StreamEvent] = []

    def work() -> None:
        raise error

    calls.call(work, answers.append)
    await eventually(lambda: answers == [Raised(error)])


async def test_a_library_that_exits_does_not_end_the_thread(calls: Calls) -> None:
    answers: list[StreamEvent] = []

    def work() -> None:
        raise SystemExit(1)

    for _ in range(2 * THREADS):
        calls.call(work, answers.append)
    await eventually(lambda: len(answers) == 2 * THREADS)
    assert {type(answer) for answer in answers} == {Raised}
    calls.call(lambda: "alive", answers.append)
    await eventually(lambda: answers[-1] == Returned("alive"))


async def test_work_is_never_done_in_the_loops_thread_and_by_few_threads(calls: Calls) -> None:
    names: list[StreamEvent] = []
    for _ in range(1000):
        calls.call(threading.get_ident, names.append)
    await eventually(lambda: len(names) == 1000)
    idents = {answer.value for answer in names if isinstance(answer, Returned)}
    assert threading.get_ident() not in idents
    assert len(idents) <= THREADS


async def test_a_cancelled_call_is_not_answered_and_not_begun(calls: Calls, gate: Gate) -> None:
    answers: list[StreamEvent] = []
    blockers = [calls.call(gate, answers.append) for _ in range(THREADS)]
    await eventually(lambda: gate.entered == THREADS)
    done: list[int] = []
    calls.call(lambda: done.append(1), answers.append).cancel()
    blockers[0].cancel()
    gate.open()
    calls.call(lambda: "last", answers.append)
    await eventually(lambda: Returned("last") in answers)
    await eventually(lambda: answers.count(Returned("through")) == THREADS - 1)
    assert done == []


async def test_more_than_may_wait_are_refused_at_once(
    calls: Calls, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_module, "QUEUE_LIMIT", THREADS + 2)
    answers: list[StreamEvent] = []
    for _ in range(THREADS + 5):
        calls.call(gate, answers.append)
    await eventually(lambda: len(answers) == 3)
    assert all(isinstance(answer, Raised) and type(answer.error) is BlockingIOError for answer in answers)
    gate.open()
    await eventually(lambda: len(answers) == THREADS + 5)
    calls.call(lambda: "again", answers.append)
    await eventually(lambda: answers[-1] == Returned("again"))


async def test_a_call_that_hangs_is_given_up_and_its_thread_replaced(
    calls: Calls, gate: Gate, hurry: None
) -> None:
    answers: list[StreamEvent] = []
    for _ in range(THREADS):
        calls.call(gate, answers.append)
    await eventually(lambda: len(answers) == THREADS)
    assert all(isinstance(answer, Raised) and type(answer.error) is TimeoutError for answer in answers)
    assert calls.hanging == THREADS
    answers.clear()
    calls.call(lambda: "others go on", answers.append)
    await eventually(lambda: answers == [Returned("others go on")])
    gate.open()
    await eventually(lambda: calls.hanging == 0)
    for number in range(20):
        calls.call(lambda: None, answers.append)
        await number_of(answers, number + 2)
    assert calls.threads == THREADS


async def test_nobody_waits_until_those_that_take_long_are_given_up(
    calls: Calls, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_module, "SLOW", 0.05)
    monkeypatch.setattr(calls_module, "CALL_DEADLINE", 3600)
    answers: list[StreamEvent] = []
    for _ in range(2 * THREADS):
        calls.call(gate, answers.append)
    calls.call(lambda: "others go on", answers.append)
    await eventually(lambda: answers == [Returned("others go on")])
    assert calls.hanging == 0
    gate.open()
    await number_of(answers, 2 * THREADS + 1)
    for number in range(20):
        calls.call(lambda: None, answers.append)
        await number_of(answers, 2 * THREADS + number + 2)
    assert calls.threads == THREADS


async def test_when_every_thread_hangs_calls_are_refused_until_one_comes_back(
    calls: Calls, gate: Gate, hurry: None
) -> None:
    answers: list[StreamEvent] = []
    for hanging in range(THREADS_LIMIT):
        calls.call(gate, answers.append)
        await number_of(answers, hanging + 1)
    assert calls.hanging == calls.threads == THREADS_LIMIT
    answers.clear()
    calls.call(lambda: "no", answers.append)
    await eventually(lambda: answers)
    assert isinstance(answers[0], Raised)
    assert type(answers[0].error) is BlockingIOError
    assert calls.threads == THREADS_LIMIT
    gate.open()
    await eventually(lambda: calls.hanging == 0)
    calls.call(lambda: "yes", answers.append)
    await eventually(lambda: answers[-1] == Returned("yes"))


async def test_what_waits_behind_those_that_hang_is_given_up_and_never_done(
    calls: Calls, gate: Gate, hurry: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_module, "THREADS_LIMIT", THREADS)
    answers: list[StreamEvent] = []
    done: list[int] = []
    for _ in range(THREADS):
        calls.call(gate, answers.append)
    calls.call(lambda: done.append(1), answers.append)
    await eventually(lambda: len(answers) == THREADS + 1)
    gate.open()
    await eventually(lambda: calls.hanging == 0)
    calls.call(lambda: "later", answers.append)
    await eventually(lambda: answers[-1] == Returned("later"))
    assert done == []
