"""``Starter``: has a service's programs started by its launchers, counts them, and logs their starts and ends."""

import errno
import os
import time
from collections.abc import Callable
from typing import Final

import structlog

from superd.access.verdict import Step
from superd.config.model import Builtin, Family
from superd.log import events
from superd.log.connections import facts
from superd.privsep.messages import Exited
from superd.service import Peer
from superd.worker import ruled
from superd.worker.client import Client
from superd.worker.launchers import Launchers, least_busy
from superd.worker.live import Live, ending
from superd.worker.runtime import Runtime
from superd.worker.watch import Hold

log = structlog.get_logger()

_RULE_REFUSED: Final = "its rule in hosts.allow or hosts.deny could not be applied; a launcher says why"
"""What ESTALE means when a launcher says it."""


class Starter:
    """Stands between a service and its launchers, of which ``names`` are the names.

    ``over`` is called when a program has ended or could not be started, or (then with False) was lost sight of;
    ``adopted`` for one that an earlier worker had started. Live counters are kept here.
    """

    def __init__(
        self,
        runtime: Runtime,
        launchers: Launchers,
        names: tuple[str, ...],
        over: Callable[[Live, bool], None] = lambda _live, _known: None,
        adopted: Callable[[Live], None] = lambda _live: None,
    ) -> None:
        self._runtime = runtime
        self._over = over
        self._adopted = adopted
        self._launchers = launchers
        self._desks = [launchers.desk(name, runtime.service.key, self) for name in names]
        self.count = 0

    def launch(self, fd: int, client: Client, unit: object = None) -> None:
        """Have a program started on ``fd``, which is closed here once it has been passed on.

        Options of hosts.allow and hosts.deny that concern the program (``client.verdict.effects``) go with it.
        """
        self.count += 1
        self._runtime.gate.enter(client.peer.host)
        launch = ruled.launch(self._runtime.service.key, client, self._launchers.hosts_allow)
        least_busy(self._desks).launch(launch, fd, Live(self, client, unit))

    @property
    def taking(self) -> bool:
        """Tell whether a launcher takes requests, so that what is asked of it does not just wait."""
        return any(desk.taking for desk in self._desks)

    def launcher_ready(self) -> None:
        """Accept as long as a launcher takes requests; else leave clients in the kernel's queue.

        A built-in goes on without: it has a launcher only for what rules want.
        """
        if isinstance(self._runtime.service.action, Builtin):
            return
        if self.taking:
            self._runtime.release(Hold.LAUNCHER)
        else:
            self._runtime.hold(Hold.LAUNCHER)

    def started(self, live: Live) -> None:
        """Log a start."""
        self._runtime.served += 1
        self._runtime.writer.start(live.pid, live.peer.host)
        self._runtime.idents.record(live.who)
        self._runtime.connections_log.program_start(live.conn, live.peer, live.who.told, live.pid)

    def failed(self, live: Live, error: int) -> None:
        """Log a program that could not be started."""
        self._runtime.writer.fail(Step.FORK, live.peer.host)
        log.error(
            events.PROGRAM_FAILED,
            conn=events.connection_id(live.conn),
            service=self._runtime.service.key,
            **facts(live.peer),
            reason=_RULE_REFUSED if error == errno.ESTALE else os.strerror(error),
        )
        self._leave(live, known=True)

    def ended(self, live: Live, exited: Exited | None) -> None:
        """Log an end."""
        duration = time.monotonic() - live.started
        if exited is not None:
            self._runtime.writer.exit(exited.pid, exited.status, duration)
        self._runtime.connections_log.program_end(live.conn, live.peer, live.pid, duration, ending(exited))
        self._leave(live, known=exited is not None)

    @property
    def strangers(self) -> bool:
        """Tell whether programs of an earlier worker may run that nobody has spoken of yet."""
        return self._launchers.strangers

    def adopt(self, live: Live) -> None:
        """Count a program that an earlier worker had started."""
        self.count += 1
        self._runtime.gate.enter(live.peer.host)
        self._adopted(live)

    def introduced(self) -> None:
        """Serve: every program that an earlier worker left running is known."""
        self._runtime.release(Hold.ADOPTING)

    def _leave(self, live: Live, *, known: bool) -> None:
        self.count -= 1
        self._runtime.gate.leave(live.peer.host)
        self._over(live, known)


def family_of(peer: Peer) -> Family | None:
    """The family of a peer's address; ``None`` when it has none."""
    if not peer.host:
        return None
    return Family.INET6 if ":" in peer.host else Family.INET
