"""``Aside``: what a connection waits for beside its socket: the answer to one call, and one timer.

Most connections have none; it is made when a machine first asks for either.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from superd.service import CALL_RECEIVE_LIMIT, Raised, Returned, TimedOut

Answer = Callable[[Returned | Raised | TimedOut], None]
"""Takes what comes from elsewhere than the socket."""

TIMED_OUT: Final = TimedOut()

_NEVER: Final = float("inf")


class Ticket(Protocol):
    """A call that was taken."""

    def cancel(self) -> None:
        """Nobody waits for the answer any more; it won't come."""


class Caller(Protocol):
    """Does the blocking work of one service."""

    def call(self, work: Callable[[], object], answer: Answer) -> Ticket:
        """Have it done; ``answer`` is called once, from the event loop, and never before this has returned."""


class Aside:
    """The call and the timer of one connection.

    A timer that is put off, as happens with each packet of a transfer, is left to fire and set again then: that costs
    less than setting it each time.
    """

    __slots__ = ("_answer", "_caller", "_due", "_fires", "_loop", "_receive_until", "_ticket", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, caller: Caller | None, answer: Answer) -> None:
        self._loop = loop
        self._caller = caller
        self._answer = answer
        self._ticket: Ticket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = self._fires = _NEVER
        self._receive_until = 0

    @property
    def calling(self) -> bool:
        """Whether a call is under way."""
        return self._ticket is not None

    def full(self, received: int) -> bool:
        """Tell whether enough has been received, by this count of bytes, to wait for the answer first."""
        return self._ticket is not None and received > self._receive_until

    def call(self, work: Callable[[], object], received: int) -> None:
        """Begin a call; ``received`` bytes have come so far.

        Raises:
            RuntimeError: one is under way already, or the connection's owner does no calls.
        """
        if self._ticket is not None or self._caller is None:
            raise RuntimeError("a second call while one is under way" if self._ticket else "no calls here")
        self._receive_until = received + CALL_RECEIVE_LIMIT
        self._ticket = self._caller.call(work, self._answered)

    def set_timer(self, seconds: float) -> None:
        """Fire in so many seconds, and not when it would have; 0: never."""
        if seconds <= 0:
            self._due = _NEVER
            return
        self._due = due = self._loop.time() + seconds
        if due < self._fires:
            self._arm(due)

    def end(self) -> None:
        """Forget both; no answer comes any more."""
        self._disarm()
        if self._ticket is not None:
            self._ticket.cancel()
            self._ticket = None

    def _arm(self, due: float) -> None:
        self._disarm()
        self._fires = due
        self._timer = self._loop.call_at(due, self._fire)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._fires = _NEVER

    def _answered(self, event: Returned | Raised | TimedOut) -> None:
        self._ticket = None
        self._answer(event)

    def _fire(self) -> None:
        due, fires = self._due, self._fires
        self._timer, self._fires = None, _NEVER
        if due == _NEVER:
            return
        if due > fires:
            self._arm(due)
            return
        self._due = _NEVER
        self._answer(TIMED_OUT)
