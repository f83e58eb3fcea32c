"""TFTP machines without a network: files in memory (``MemorySource``, ``MemorySink``), and ``Link``, which joins two.

``Link`` is a simulation: it has a clock of its own, and loses, doubles and delays packets by a seeded choice.
"""

import heapq
import itertools
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from superd.service import (
    Call,
    Finish,
    Raised,
    Received,
    Returned,
    Send,
    SetTimer,
    TimedOut,
    TransferAction,
    TransferEvent,
)


@dataclass
class MemorySource:
    """A file to read; ``size`` is what it claims to have."""

    data: bytes
    size: int = -1
    closed: bool = False

    def __post_init__(self) -> None:
        if self.size < 0:
            self.size = len(self.data)

    def read(self, offset: int, size: int) -> bytes:
        return self.data[offset : offset + size]

    def close(self) -> None:
        self.closed = True


@dataclass
class MemorySink:
    """A file to write; ``fails`` is raised by every write."""

    fails: Exception | None = None
    data: bytes = b""
    committed: bool = False
    aborted: bool = False
    writes: int = 0

    def write(self, data: bytes) -> None:
        if self.fails is not None:
            raise self.fails
        self.writes += 1
        self.data += data

    def commit(self) -> None:
        self.committed = True

    def abort(self) -> None:
        self.aborted = True


def sent(actions: Iterable[TransferAction]) -> list[bytes]:
    """The packets among some actions."""
    return [action.data for action in actions if isinstance(action, Send)]


def finish(actions: Iterable[TransferAction]) -> Finish | None:
    """The end among some actions."""
    return next((action for action in actions if isinstance(action, Finish)), None)


class Machine(Protocol):
    """What both ends of a link are."""

    def begin(self) -> Iterable[TransferAction]: ...

    def handle(self, event: TransferEvent) -> Iterable[TransferAction]: ...


@dataclass
class Weather:
    """What the network does to packets: shares of them that are lost, doubled, and late by up to a second."""

    loss: float = 0.0
    double: float = 0.0
    late: float = 0.0
    seed: int = 0


@dataclass
class End:
    """One machine, its timer's number and its end."""

    machine: Machine
    timer: int = 0
    over: Finish | None = None
    packets: list[bytes] = field(default_factory=list)


class Link:
    """Two machines joined; ``run`` goes on until both have ended."""

    def __init__(self, first: Machine, second: Machine, weather: Weather) -> None:
        self.ends = (End(first), End(second))
        self.now = 0.0
        self._weather = weather
        self._random = random.Random(weather.seed)
        self._queue: list[tuple[float, int, int, TransferEvent | int]] = []
        self._numbers = itertools.count(1)

    def run(self, steps: int = 1_000_000) -> None:
        """Let time pass. Raises AssertionError when it takes more than this many events."""
        for index, end in enumerate(self.ends):
            self._do(index, end.machine.begin())
        for _ in range(steps):
            if not self._queue or all(end.over for end in self.ends):
                return
            self.now, _, index, event = heapq.heappop(self._queue)
            self._happen(index, event)
        raise AssertionError(f"still not over after {self.now:.0f} seconds")

    def _happen(self, index: int, event: TransferEvent | int) -> None:
        end = self.ends[index]
        if end.over or (isinstance(event, int) and event != end.timer):
            return
        self._do(index, end.machine.handle(TimedOut() if isinstance(event, int) else event))

    def _do(self, index: int, actions: Iterable[TransferAction]) -> None:
        end = self.ends[index]
        for action in actions:
            match action:
                case Send(data):
                    end.packets.append(data)
                    self._carry(1 - index, data)
                case SetTimer(seconds):
                    end.timer = next(self._numbers)
                    if seconds:
                        self._put(seconds, index, end.timer)
                case Call(work):
                    try:
                        self._put(0.001, index, Returned(work()))
                    except OSError as error:
                        self._put(0.001, index, Raised(error))
                case Finish() if not action.dally:
                    end.over = action
                    return

    def _carry(self, to: int, data: bytes) -> None:
        for _ in range(2 if self._random.random() < self._weather.double else 1):
            if self._random.random() >= self._weather.loss:
                late = self._random.random() < self._weather.late
                self._put(self._random.random() if late else 0.0005, to, Received(data))

    def _put(self, seconds: float, index: int, event: TransferEvent | int) -> None:
        heapq.heappush(self._queue, (self.now + seconds, next(self._numbers), index, event))
