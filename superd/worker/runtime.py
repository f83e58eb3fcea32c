"""``Runtime``: one configured service at work; what is the same for every kind of it.

Life: ``start`` -> (``hold``/``release`` of its watches, ``pause`` when it trips its rate) -> ``drain`` -> ``stop``
once nothing of it is under way any more, or when waiting took too long.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import structlog

from superd.access.admission import Gate
from superd.access.verdict import Step
from superd.config.model import Service
from superd.log import events
from superd.log.connections import ConnectionLog, Told
from superd.log.service import ServiceLogWriter
from superd.processes import Listener
from superd.service import Peer
from superd.worker.client import Client
from superd.worker.context import Context
from superd.worker.hearings import HEARINGS_LIMIT, Then
from superd.worker.idents import Idents
from superd.worker.sources import ClientSources, Commands
from superd.worker.watch import Hold, Watch

log = structlog.get_logger()

PAUSE_LIMIT: Final = 86400.0
"""Seconds a pause lasts at most, whatever was configured: nothing is suspended for ever."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What every runtime is made of."""

    context: Context
    service: Service
    gate: Gate
    writer: ServiceLogWriter
    listeners: tuple[Listener, ...]
    commands: Commands


class Runtime:
    """One service. Subclasses fill ``watches`` and do the serving.

    ``served`` and ``refused`` count since this worker started; ``undecided`` clients are being heard.
    """

    undecided_limit = HEARINGS_LIMIT

    def __init__(self, setup: Setup) -> None:
        self.context = setup.context
        self.service = setup.service
        self.gate = setup.gate
        self.writer = setup.writer
        self.connections_log = ConnectionLog(setup.service.key)
        self.watches: list[Watch] = []
        self.idents = Idents(setup.context.loop, lambda: setup.context.lookups, setup.writer)
        self._commands = setup.commands
        self.served = 0
        self.refused = 0
        self.undecided = 0

    def start(self) -> None:
        """Serve from now on."""
        for watch in self.watches:
            watch.release(Hold.STARTING)

    def hold(self, why: Hold) -> None:
        """Accept nothing, for one more reason."""
        for watch in self.watches:
            watch.hold(why)

    def release(self, why: Hold) -> None:
        """One reason less."""
        for watch in self.watches:
            watch.release(why)

    @property
    def live(self) -> int:
        """Connections and programs under way."""
        return 0

    @property
    def connections(self) -> int:
        """Those of ``live`` that end with this worker: not programs, which go on."""
        return 0

    def drain(self) -> None:
        """Take nothing new."""
        self.hold(Hold.DRAINED)

    def stop(self) -> None:
        """End what is still under way."""

    def judge(self, peer: Peer, conn: int, then: Then) -> None:
        """Decide on one attempt, now or when more is known; ``then`` is called once, for a refusal as well."""
        verdict = self.gate.decide(peer, time.time(), time.monotonic())
        client = Client(peer, conn, verdict)
        if verdict.question is None and not verdict.effects:
            then(client)
        else:
            self.context.hearings.begin(self, client, then)

    def sources(self, client: Client) -> ClientSources:
        """Return where answers about a client come from."""
        return ClientSources(self.context.lookups, self.service, client, self._commands)

    def refuse(self, client: Client) -> None:
        """Log and count a refusal, and pause the service if it tripped its rate."""
        self.refused += 1
        step = client.verdict.step or Step.ADDRESS
        if step is Step.IDENT and client.ident is not None and client.ident.failure is not None:
            self.writer.no_user(client.peer.host, client.ident.failure)
        else:
            self.writer.fail(step, client.peer.host)
        self.report_refusal(client)
        if self.gate.paused_until > time.monotonic():
            self._pause(client.rule)

    def report_refusal(self, client: Client) -> None:
        """Log the event of a refusal."""
        step = str(client.verdict.step or Step.ADDRESS)
        told = Told(client.rule, client.found, client.level)
        self.connections_log.refused(client.conn, client.peer, step, told)

    def _pause(self, rule: str) -> None:
        if any(Hold.PAUSED in watch.holds for watch in self.watches):
            return
        seconds = min(self.gate.paused_until - time.monotonic(), PAUSE_LIMIT)
        self.hold(Hold.PAUSED)
        self.close_door()
        log.warning(
            events.SERVICE_DEACTIVATED,
            service=self.service.key,
            reason="too many connections per second",
            rule=rule,
            pause=round(seconds, 3),
        )
        self.context.loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        if any(Hold.DRAINED in watch.holds for watch in self.watches):
            return  # the sockets are the next worker's
        self.gate.paused_until = 0.0  # timers may be a millisecond early
        self.open_door()
        self.release(Hold.PAUSED)
        log.info(events.SERVICE_ACTIVATED, service=self.service.key)

    def close_door(self) -> None:
        """Let clients see that the service pauses, where that is possible."""

    def open_door(self) -> None:
        """Undo ``close_door``; what came during the pause is thrown away where clients can't see it."""

    def state(self) -> Iterator[tuple[str, str]]:
        """Describe the service for a state dump: field and text."""
        holds = sorted({hold.value for watch in self.watches for hold in watch.holds})
        yield "state", ", ".join(holds) or "active"
        yield "live", str(self.live)
        if self.undecided:
            yield "undecided", str(self.undecided)
        yield "served", str(self.served)
        yield "refused", str(self.refused)


def why(client: Client) -> dict[str, str]:
    """Why a client was refused, as keys of an event."""
    rule = client.rule
    return {"step": str(client.verdict.step or Step.ADDRESS), **({"rule": rule} if rule else {})}
