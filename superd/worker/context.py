"""``Context``: what all services of one worker share; ``facts``: a peer as the keys of a log event."""

import asyncio
import itertools
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from superd.net.datagram import Outbound
from superd.net.poller import Poller
from superd.net.stream import Stream, StreamDriver
from superd.net.wheel import TICK, IdleWheel

CONNECTION_BITS: Final = 40
"""Bits of a connection id that count within one worker generation: a million connections per second for twelve days."""

LOAD_TTL: Final = 1.0
"""Seconds a load average is used again; the kernel computes it every five."""


class LoadAverage:
    """The load average of the last minute, asked for at most once per ``LOAD_TTL``."""

    __slots__ = ("_asked", "_value")

    def __init__(self) -> None:
        self._asked = float("-inf")
        self._value = 0.0

    def __call__(self) -> float:
        """Return the load average."""
        now = time.monotonic()
        if now - self._asked >= LOAD_TTL:
            self._asked = now
            with suppress(OSError):  # no descriptor to read it with: the last value is better than none
                self._value = os.getloadavg()[0]
        return self._value


@dataclass(slots=True)
class Context:
    """Event loop, poller, time-outs and numbers of one worker."""

    loop: asyncio.AbstractEventLoop
    poller: Poller
    streams: StreamDriver
    wheel: IdleWheel
    ids: "itertools.count[int]"
    outbound: Outbound = field(default_factory=Outbound)
    load: LoadAverage = field(default_factory=LoadAverage)

    @classmethod
    def make(cls, loop: asyncio.AbstractEventLoop, generation: int, tick: float = TICK) -> "Context":
        """Make everything for a worker of this generation; ``tick`` is for tests that can't wait."""
        poller, wheel = Poller(loop), IdleWheel(loop, tick)
        ids = itertools.count((generation << CONNECTION_BITS) + 1)
        return cls(loop, poller, StreamDriver(poller, wheel), wheel, ids)

    def close(self) -> None:
        """Stop every watch and timer, and close what lingers."""
        for owner in self.poller.owners():
            if isinstance(owner, Stream):
                owner.stop()
        self.wheel.close()
        self.poller.close()
