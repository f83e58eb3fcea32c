"""``Context``: what all services of one worker share; ``facts``: a peer as the keys of a log event."""

import asyncio
import itertools
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from superd.access.bans import Bans
from superd.net.datagram import Outbound
from superd.net.poller import Poller
from superd.net.stream import Stream, StreamDriver
from superd.net.transfer import OwnPort
from superd.net.wheel import TICK, IdleWheel
from superd.privsep import messages
from superd.worker.calls import Calls
from superd.worker.hearings import Hearings
from superd.worker.sources import Lookups

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


def _nobody(_ban: messages.Ban) -> None:
    """Where nobody listens."""


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
    calls: list[Calls] = field(default_factory=list)
    bans: Bans = field(default_factory=Bans)
    report_ban: Callable[[messages.Ban], None] = field(default=_nobody)
    """Tells the supervisor of a client that touched a sensor."""
    hearings: Hearings = field(init=False)
    lookups: Lookups = field(init=False)

    def __post_init__(self) -> None:
        self.hearings = Hearings(self.loop)
        self.lookups = Lookups(self.loop)

    @classmethod
    def make(cls, loop: asyncio.AbstractEventLoop, generation: int, tick: float = TICK) -> "Context":
        """Make everything for a worker of this generation; ``tick`` is for tests that can't wait."""
        poller, wheel = Poller(loop), IdleWheel(loop, tick)
        ids = itertools.count((generation << CONNECTION_BITS) + 1)
        return cls(loop, poller, StreamDriver(loop, poller, wheel), wheel, ids)

    def new_calls(self, name: str) -> Calls:
        """Return what does the blocking work of one service; it ends with the worker."""
        self.calls.append(Calls(self.loop, name))
        return self.calls[-1]

    def close(self) -> None:
        """Stop every watch, thread and timer, and close what lingers."""
        for owner in self.poller.owners():
            if isinstance(owner, Stream | OwnPort):
                owner.stop()
        self.hearings.close()
        for calls in self.calls:
            calls.close()
        self.wheel.close()
        self.poller.close()
