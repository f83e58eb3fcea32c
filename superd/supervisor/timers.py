"""Things the supervisor does later, in order of time."""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Final

_IDLE_WAIT: Final = 3600.0
"""Seconds to sleep when nothing is planned; the loop wakes up for signals and messages anyway."""


class Timers:
    """A heap of callbacks; times are CLOCK_MONOTONIC in seconds."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Call ``action`` once ``when`` has come."""
        heapq.heappush(self._heap, (when, next(self._order), action))

    def wait(self, now: float) -> float:
        """Seconds until the next action is due."""
        return max(0.0, self._heap[0][0] - now) if self._heap else _IDLE_WAIT

    def run(self, now: float) -> None:
        """Call everything that is due."""
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[2]()
