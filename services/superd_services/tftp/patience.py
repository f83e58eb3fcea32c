"""``Patience``: when to send again, and when to give up (RFC 1123 section 4.2.3.2: exponential back-off)."""

from typing import Final

from superd.service import SetTimer

DELAY_LIMIT: Final = 32.0
"""Seconds between two resends at most, unless the client's own time-out is longer."""


class Patience:
    """The time-out of one transfer: ``timeout`` seconds at first, twice as long each time; ``retries`` resends.

    ``resent`` counts the resends of the whole transfer, ``tries`` those since the peer's last answer.
    """

    __slots__ = ("_retries", "_timeout", "resent", "timer", "tries")

    def __init__(self, timeout: float, retries: int) -> None:
        self._timeout = timeout
        self._retries = retries
        self.tries = 0
        self.resent = 0
        self.timer = SetTimer(timeout)

    def renew(self) -> None:
        """The peer has answered."""
        if self.tries:
            self.tries = 0
            self.timer = SetTimer(self._timeout)

    def lose(self) -> bool:
        """The time is over; tell whether to give up."""
        self.tries += 1
        if self.tries > self._retries:
            return True
        self.resent += 1
        limit = max(self._timeout, DELAY_LIMIT)
        self.timer = SetTimer(min(self._timeout * 2**self.tries, limit))
        return False
