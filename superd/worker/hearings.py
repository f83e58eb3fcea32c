"""``Hearings``: clients about whom something must be found out before they can be served.

While its name is looked up, a client waits with its connection and holds up nobody else. It does not count as one of
the service's ``instances`` yet; those are looked at again when the answer is there.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

import structlog

from superd.access.admission import Gate
from superd.access.hearing import Sources, hear
from superd.access.prefixes import CROWD, Key, counted_by
from superd.access.verdict import Step
from superd.log import events
from superd.log.connections import facts
from superd.worker.client import Client

log = structlog.get_logger()

HEARINGS_LIMIT: Final = 1024
"""Undecided connections of one service. Each has a task and a descriptor; over it a client is refused, as the rule
would have it if nobody answered."""

DATAGRAMS_LIMIT: Final = 64
"""Undecided datagrams of one service, 4 MiB at most: their sources can be forged."""

CROWD_LIMIT: Final = 256
"""Of these, clients of one network: its owner also runs the name and ident servers that keep them undecided, and others
must not be refused for that. (Datagrams don't reach it: there are fewer, and their sources mean nothing.)"""

HEARING_DEADLINE: Final = 60.0
"""Seconds for one client in all: names, an ident answer and commands, each of which has a limit of its own."""

Then = Callable[[Client], None]

_network = counted_by(CROWD)


class Judging(Protocol):
    """What a service has to offer for its clients to be heard."""

    gate: Gate
    undecided: int
    """Its clients that are being heard."""
    undecided_limit: int
    """How many may be heard at a time."""

    def sources(self, client: Client) -> Sources:
        """Return where answers about a client come from."""


@dataclass(slots=True, eq=False)
class _Hearing:
    service: Judging
    client: Client
    then: Then
    crowd: tuple[Judging, Key]
    """Its service, and the network that its client comes from."""


class Hearings:
    """Everybody in one worker who is not decided about yet."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._open: dict[asyncio.Task[None], _Hearing] = {}
        self._crowds: dict[tuple[Judging, Key], int] = {}

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, service: Judging, client: Client, then: Then) -> None:
        """Find out what the client's verdict asks for; ``then`` is called once, with the final verdict."""
        if service.undecided >= service.undecided_limit:
            self._give_up(client, then, f"more than {service.undecided_limit} clients are undecided")
            return
        crowd = (service, _network(client.peer.host))
        if client.peer.host and self._crowds.get(crowd, 0) >= CROWD_LIMIT:
            self._give_up(client, then, "too many clients of its network are undecided")
            return
        service.undecided += 1
        self._crowds[crowd] = self._crowds.get(crowd, 0) + 1
        hearing = _Hearing(service, client, then, crowd)
        task = self._loop.create_task(self._hear(hearing))
        self._open[task] = hearing
        task.add_done_callback(self._over)

    def conclude(self) -> None:
        """Decide about everybody now, by what is known: a reload does not wait longer."""
        for task, hearing in tuple(self._open.items()):
            if self._forget(task):
                self._give_up(hearing.client, hearing.then, "the daemon could not wait longer")
                task.cancel()

    def close(self) -> None:
        """Forget everybody: the worker ends."""
        for task in tuple(self._open):
            self._forget(task)
            task.cancel()

    async def _hear(self, hearing: _Hearing) -> None:
        client, service = hearing.client, hearing.service
        async with asyncio.timeout(HEARING_DEADLINE):
            heard = await hear(service.gate, client.peer, client.verdict, service.sources(client), _clocks)
        client.verdict, client.facts = heard.verdict, heard.facts

    def _over(self, task: asyncio.Task[None]) -> None:
        hearing = self._forget(task)
        if hearing is None:
            return
        error = None if task.cancelled() else task.exception()
        if error is None and not hearing.client.verdict.question:
            self._settle(hearing)
        elif error is None or isinstance(error, TimeoutError):
            self._give_up(hearing.client, hearing.then, "it could not be found out in time")
        else:
            _report(hearing.client, error)
            self._give_up(hearing.client, hearing.then, "asking failed")

    def _settle(self, hearing: _Hearing) -> None:
        """Look at the limits once more: many may have waited for one answer, and this is when the first is served."""
        client = hearing.client
        if client.verdict.allowed and client.facts is not None:
            client.verdict = hearing.service.gate.resume(client.peer, client.facts, *_clocks())
        if client.verdict.question:
            self._give_up(client, hearing.then, "the rules have changed meanwhile")
        else:
            hearing.then(client)

    def _forget(self, task: asyncio.Task[None]) -> _Hearing | None:
        hearing = self._open.pop(task, None)
        if hearing is not None:
            hearing.service.undecided -= 1
            self._leave(hearing.crowd)
        return hearing

    def _leave(self, crowd: tuple[Judging, Key]) -> None:
        self._crowds[crowd] -= 1
        if not self._crowds[crowd]:
            del self._crowds[crowd]

    def _give_up(self, client: Client, then: Then, why: str) -> None:
        """Let the safe verdict stand, and say which answer it lacks."""
        verdict = client.verdict
        rule = f"{verdict.rule} (needs {verdict.question}: {why})" if verdict.question else verdict.rule
        step = None if verdict.allowed else verdict.step or Step.ADDRESS
        client.verdict = replace(verdict, question=None, step=step, rule=rule)
        then(client)


def _clocks() -> tuple[float, float]:
    return time.time(), time.monotonic()


def _report(client: Client, error: BaseException) -> None:
    text = f"{type(error).__name__}: {error}"
    log.error(events.PROCESS_FAILED, name="hearing", error=text, **facts(client.peer))
    log.debug(events.PROCESS_FAILED, name="hearing", exc_info=error)
