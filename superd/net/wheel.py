"""``IdleWheel``: ends what has been idle too long, with one timer for all.

Time is counted in ticks of ``TICK`` seconds. Whatever is watched notes the tick of its last activity; it sits
in the bucket of the tick in which it can be due at the earliest, and moves on from there if it was active
meanwhile.
"""

import asyncio
import math
import time
from typing import Final, Protocol

TICK: Final = 1.0
"""Seconds: how exact an idle time-out is. It comes at most three ticks late and never early."""


class Idler(Protocol):
    """Something that can be idle."""

    active: int
    """Tick of the last activity; to be set to the wheel's ``tick``."""
    span: int
    """Ticks without activity after which it is idle; not changed while it is in the wheel."""
    due: int
    """The bucket it sits in; belongs to the wheel."""

    def idle(self) -> None:
        """End, the time is over; it is out of the wheel already."""


class IdleWheel:
    """All idle time-outs of one worker."""

    __slots__ = ("_buckets", "_loop", "_swept", "_tick_seconds", "_timer", "tick")

    def __init__(self, loop: asyncio.AbstractEventLoop, tick_seconds: float = TICK) -> None:
        self._loop = loop
        self._tick_seconds = tick_seconds
        self._buckets: dict[int, set[Idler]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.tick = self._swept = self._now()

    def span(self, seconds: float) -> int:
        """Turn seconds into ticks such that it never comes early: ``tick`` may be two behind the clock."""
        return math.ceil(seconds / self._tick_seconds) + 2

    def add(self, idler: Idler) -> None:
        """Watch it from now on."""
        if self._timer is None:
            self.tick = self._swept = self._now()
            self._timer = self._loop.call_later(self._tick_seconds, self._advance)
        idler.active = self.tick
        self._place(idler)

    def remove(self, idler: Idler) -> None:
        """Watch it no longer."""
        bucket = self._buckets.get(idler.due)
        if bucket is not None:
            bucket.discard(idler)
            if not bucket:
                del self._buckets[idler.due]

    def close(self) -> None:
        """Forget everything."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._buckets.clear()

    def _place(self, idler: Idler) -> None:
        idler.due = idler.active + idler.span
        bucket = self._buckets.get(idler.due)
        if bucket is None:
            bucket = self._buckets[idler.due] = set()
        bucket.add(idler)

    def _advance(self) -> None:
        self.tick = self._now()
        while self._swept < self.tick:
            self._swept += 1
            for idler in self._buckets.pop(self._swept, ()):
                if idler.active + idler.span > self.tick:
                    self._place(idler)
                else:
                    idler.idle()
        again = bool(self._buckets)
        self._timer = self._loop.call_later(self._tick_seconds, self._advance) if again else None

    def _now(self) -> int:
        return int(time.monotonic() / self._tick_seconds)
