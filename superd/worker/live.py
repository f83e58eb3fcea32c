"""A program that was asked for: ``Live``; the service that asked: ``Client``; what stands in for one: ``Departed``."""

import time
from typing import Protocol

from superd.log import events
from superd.log.connections import ConnectionLog
from superd.privsep.messages import Exited
from superd.worker.client import Client as Served


class Client(Protocol):
    """A service that has programs started."""

    def launcher_ready(self) -> None:
        """A launcher takes requests again, or not for now (``Desk.taking``)."""

    def started(self, live: "Live") -> None:
        """The program runs; ``live.pid`` is set."""

    def failed(self, live: "Live", error: int) -> None:
        """The program could not be started; errno says why."""

    def ended(self, live: "Live", exited: Exited | None) -> None:
        """The program ended; ``None``: it may still run, but its launcher is gone and nobody will know."""

    def adopt(self, live: "Live") -> None:
        """A program that an earlier worker had started for this service runs on."""

    def introduced(self) -> None:
        """Every launcher has said what runs already (or had its time to)."""


class Live:
    """A program that was asked for or runs. ``unit`` is the client's own: the socket that a wait program has, say.

    ``who`` is whom it serves; ``client`` is the service that asked for it.
    """

    __slots__ = ("client", "conn", "peer", "pid", "started", "unit", "who")

    def __init__(self, client: Client, who: Served, unit: object = None) -> None:
        self.client = client
        self.who = who
        self.conn = who.conn
        self.peer = who.peer
        self.unit = unit
        self.pid = 0
        self.started = time.monotonic()


class Departed:
    """Stands in for a service that has left the configuration while programs of it run: logs their ends."""

    def __init__(self, service: str) -> None:
        self._log = ConnectionLog(service)

    def launcher_ready(self) -> None:
        """Nothing is asked for any more."""

    def started(self, _live: Live) -> None:
        """Can't happen, for the same reason."""

    def failed(self, _live: Live, _error: int) -> None:
        """Can't happen, for the same reason."""

    def ended(self, live: Live, exited: Exited | None) -> None:
        """Log the end."""
        duration = time.monotonic() - live.started
        self._log.program_end(live.conn, live.peer, live.pid, duration, ending(exited))

    def adopt(self, _live: Live) -> None:
        """Nothing is counted for it."""

    def introduced(self) -> None:
        """Nothing waits for that."""


def ending(exited: Exited | None) -> dict[str, int | str]:
    """How a program ended, as keys of an event."""
    return {"reason": "its launcher is gone"} if exited is None else {**events.wait_status(exited.status)}
