"""What a launcher runs: ``Child``, ``Table``, and the workers that know of it (``Attached``).

A program concerns the worker that asked for it, and every worker that was told about it when it was attached.
When a worker is gone, its programs concern the one attached last; when there is none, how they ended is kept for
the next.
"""

import resource
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from superd.launcher.outbox import Outbox
from superd.privsep.channel import Channel
from superd.privsep.messages import Exited, Launch, RuledLaunch, Running

PROGRAM_LIMIT: Final = 30000
"""Programs running at once: just under the default pid_max, which no service gets near with sensible instances."""

UNCLAIMED_LIMIT: Final = 4096
"""Programs that ended while no worker was attached (the moment between two workers); the oldest are forgotten."""


@dataclass(slots=True, eq=False)
class Attached:
    """A worker's channel, and the messages that wait to be sent on it."""

    worker: int
    """Its pid, by which the supervisor knows it."""
    channel: Channel
    outbox: Outbox
    late: bool = False
    """Attached to a launcher that drains already."""
    blocked: bool = False
    """Waited on for room to send, not for requests."""


@dataclass(slots=True, eq=False)
class Child:
    """A running program; ``since`` is CLOCK_MONOTONIC, ``concerns`` the attached workers that know of it."""

    launch: Launch | RuledLaunch
    pid: int
    since: float
    concerns: list[Attached] = field(default_factory=list)

    def running(self) -> Running:
        """Describe it to a worker that did not start it."""
        launch = self.launch
        peer, local = (launch.peer_host, launch.peer_port), (launch.local_host, launch.local_port)
        return Running(launch.service, launch.conn, self.pid, *peer, *local, self.since)


class Table:
    """Every running program by pid, and those that ended unseen."""

    def __init__(self) -> None:
        self._children: dict[int, Child] = {}
        self._unclaimed: deque[tuple[Running, Exited]] = deque(maxlen=UNCLAIMED_LIMIT)

    def __len__(self) -> int:
        return len(self._children)

    def __iter__(self) -> Iterator[Child]:
        return iter(self._children.values())

    def add(self, launch: Launch | RuledLaunch, pid: int, worker: Attached) -> None:
        """Enter a program that a worker asked for."""
        self._children[pid] = Child(launch, pid, time.monotonic(), [worker])

    def introduce(self, worker: Attached) -> list[Running | Exited]:
        """Let a newly attached worker know of everything; return what to tell it."""
        told: list[Running | Exited] = [message for pair in self._unclaimed for message in pair]
        self._unclaimed.clear()
        return told + self._concern(self, worker)

    def bequeath(self, gone: Attached, heir: Attached | None) -> list[Running | Exited]:
        """Pass the programs of a worker that is gone on to the heir; return what to tell that one."""
        orphans = [child for child in self if gone in child.concerns]
        for child in orphans:
            child.concerns.remove(gone)
        return self._concern(orphans, heir) if heir else []

    def _concern(self, children: Iterable[Child], worker: Attached) -> list[Running | Exited]:
        unknown = [child for child in children if worker not in child.concerns]
        for child in unknown:
            child.concerns.append(worker)
        return [child.running() for child in unknown]

    def ended(self, pid: int, status: int, usage: resource.struct_rusage) -> tuple[Exited, list[Attached]]:
        """Take note of a program that was reaped; return whom that concerns. Without any, it is kept for the next."""
        child = self._children.pop(pid)
        exited = Exited(child.launch.conn, pid, status, usage.ru_utime, usage.ru_stime, usage.ru_maxrss)
        if not child.concerns:
            self._unclaimed.append((child.running(), exited))
        return exited, child.concerns
