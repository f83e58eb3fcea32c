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
from superd.access.verdict import Step, Verdict
from superd.config.model import Service
from superd.log import events
from superd.log.connections import ConnectionLog, facts
from superd.log.service import ServiceLogWriter
from superd.processes import Listener
from superd.service import Peer
from superd.worker.context import Context
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


class Runtime:
    """One service. Subclasses fill ``watches`` and do the serving.

    ``served`` and ``refused`` count since this worker started.
    """

    def __init__(self, setup: Setup) -> None:
        self.context = setup.context
        self.service = setup.service
        self.gate = setup.gate
        self.writer = setup.writer
        self.connections_log = ConnectionLog(setup.service.key)
        self.watches: list[Watch] = []
        self.served = 0
        self.refused = 0

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

    def admit(self, peer: Peer, conn: int = 0) -> Verdict | None:
        """Decide on one attempt: what allowed it, or ``None`` after logging and counting the refusal."""
        verdict = self.gate.decide(peer, time.time(), time.monotonic())
        if verdict.allowed:
            return verdict
        self.refuse(peer, verdict, conn)
        return None

    def refuse(self, peer: Peer, verdict: Verdict, conn: int) -> None:
        """Log and count a refusal, and pause the service if it tripped its rate."""
        self.refused += 1
        step = verdict.step or Step.ADDRESS
        self.writer.fail(step, peer.host)
        self.report_refusal(peer, step, events.rule(verdict), conn)
        if self.gate.paused_until > time.monotonic():
            self._pause(events.rule(verdict))

    def report_refusal(self, peer: Peer, step: Step, rule: str, conn: int) -> None:
        """Log the event of a refusal."""
        log.warning(
            events.CONNECTION_REFUSED,
            conn=events.connection_id(conn),
            service=self.service.key,
            **facts(peer),
            step=str(step),
            **({"rule": rule} if rule else {}),
        )

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
        yield "served", str(self.served)
        yield "refused", str(self.refused)
