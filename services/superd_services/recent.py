"""``Recent``: what a question to the system was last answered, so that many clients cost one look.

It belongs to the system side of a service: it has a lock and a clock. Machines are given its methods.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread
from typing import Final, Generic, NoReturn, TypeVar

T = TypeVar("T")

AGE: Final = 1.0
"""Seconds an answer is used: nobody notices that it is so old, and a flood costs one look a second."""


class Recent(Generic[T]):
    """Asks at most once in ``age`` seconds, whoever calls; several threads may.

    An error is remembered no longer than a value and raised as it came. ``clock`` counts seconds.
    """

    __slots__ = ("_age", "_answer", "_ask", "_asking", "_clock", "_lock", "_until")

    def __init__(
        self, ask: Callable[[], T], age: float = AGE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._age = age
        self._clock = clock
        self._lock = Lock()
        self._asking = False
        self._until = float("-inf")
        self._answer: Callable[[], T] = ask

    def get(self) -> T:
        """Return the answer, asked for anew if the last one is too old. May block. Raises what the question raised."""
        with self._lock:
            if self._clock() >= self._until:
                self._answer = _outcome(self._ask)
                self._until = self._clock() + self._age
            answer = self._answer
        return answer()

    def prepare(self) -> None:
        """Ask, so that ``at_hand`` has an answer; an error is kept for it. May block."""
        with suppress(Exception):
            self.get()

    def at_hand(self) -> T:
        """Return the last answer at once, for datagram machines, which can't wait; ``prepare`` came before.

        If it is too old, a thread asks anew for the benefit of later callers. Only one event loop may call this.
        """
        if self._clock() >= self._until and not self._asking:
            self._asking = True
            try:
                Thread(target=self._ask_aside, daemon=True).start()
            except RuntimeError:
                self._asking = False  # no thread can be had: the old answer has to do
        return self._answer()

    def _ask_aside(self) -> None:
        self.prepare()
        self._asking = False


def _outcome(ask: Callable[[], T]) -> Callable[[], T]:
    """Ask now; return what gives the answer or raises the error as often as it is called."""
    try:
        value = ask()
    except Exception as error:  # noqa: BLE001 - raised to everybody who asks
        failure = error
        return lambda: _raise(failure)
    return lambda: value


def _raise(error: Exception) -> NoReturn:
    raise error
