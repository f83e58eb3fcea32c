"""``Recent``: one look at the system serves everybody for a while."""

import threading

import pytest

from helpers.net import wait_until
from superd_services.recent import Recent


class Counter:
    """Counts how often it is asked; raises what it is told to."""

    def __init__(self) -> None:
        self.count = 0
        self.error: Exception | None = None

    def __call__(self) -> int:
        self.count += 1
        if self.error:
            raise self.error
        return self.count


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_it_asks_again_only_when_the_answer_is_too_old(counter: Counter, clock: Clock) -> None:
    recent = Recent(counter, 1.0, clock)
    assert [recent.get(), recent.get()] == [1, 1]
    clock.now += 0.9
    assert recent.get() == 1
    clock.now += 0.1
    assert recent.get() == 2


def test_an_error_is_raised_to_everybody_and_forgotten_like_an_answer(counter: Counter, clock: Clock) -> None:
    recent = Recent(counter, 1.0, clock)
    counter.error = OSError("gone")
    for _ in range(2):
        with pytest.raises(OSError, match="gone"):
            recent.get()
    assert counter.count == 1
    counter.error = None
    clock.now += 1.0
    assert recent.get() == 2


def test_at_hand_never_waits_and_a_thread_asks_for_those_who_come_later(clock: Clock) -> None:
    allowed = threading.Event()
    answers = iter([1, 2])

    def slow() -> int:
        answer = next(answers)
        assert answer == 1 or allowed.wait(10)
        return answer

    recent = Recent(slow, 1.0, clock)
    recent.prepare()
    clock.now += 5.0
    assert [recent.at_hand(), recent.at_hand()] == [1, 1]
    allowed.set()
    assert wait_until(lambda: recent.at_hand() == 2, "the new answer")


def test_at_hand_raises_what_went_wrong_before(counter: Counter, clock: Clock) -> None:
    counter.error = OSError("gone")
    recent = Recent(counter, 1.0, clock)
    recent.prepare()
    with pytest.raises(OSError, match="gone"):
        recent.at_hand()
