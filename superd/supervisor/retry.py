"""When to try again what could not be bound: ``Retries``, a schedule without a clock of its own."""

from typing import Final

DELAYS: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds before each further try; the last for ever after.

Short at first: the usual reason is another daemon that is still ending. A minute at most: an address may come
back with its interface any time, and a try costs microseconds.
"""


class Retries:
    """Counts the tries of one configuration."""

    def __init__(self) -> None:
        self._failures = 0

    def failed(self) -> float:
        """Note a failure; return the seconds until the next try."""
        delay = DELAYS[min(self._failures, len(DELAYS) - 1)]
        self._failures += 1
        return delay

    def clear(self) -> None:
        """Forget everything: a new configuration starts afresh."""
        self._failures = 0
