"""When to try again what could not be bound: ``Retries``, a schedule without a clock of its own."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

DELAYS: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds before each further try; the last for ever after.

Short at first: the usual reason is another daemon that is still ending. A minute at most: an address may come
back with its interface any time, and a try costs microseconds.
"""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class _Wait:
    """How often a thing has failed, and when it is due again."""

    failures: int
    due: float


class Retries(Generic[Key]):
    """Which things are to be tried again, and when; times are seconds of any one clock."""

    def __init__(self) -> None:
        self._waits: dict[Key, _Wait] = {}

    def failed(self, key: Key, now: float) -> float:
        """Note a failure; return the seconds until the next try."""
        failures = self._waits[key].failures if key in self._waits else 0
        delay = DELAYS[min(failures, len(DELAYS) - 1)]
        self._waits[key] = _Wait(failures + 1, now + delay)
        return delay

    def forget(self, key: Key) -> None:
        """Note that it worked, or that nobody wants it any more."""
        self._waits.pop(key, None)

    def clear(self) -> None:
        """Forget everything: a new configuration starts afresh."""
        self._waits.clear()

    def due(self, now: float) -> tuple[Key, ...]:
        """What should be tried now."""
        return tuple(key for key, wait in self._waits.items() if wait.due <= now)

    def next_due(self) -> float | None:
        """When the next try is due, or ``None`` when nothing waits."""
        return min((wait.due for wait in self._waits.values()), default=None)
