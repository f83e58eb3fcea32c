"""``BuiltinDatagrams``: a built-in service over datagrams; ``Complaints`` keeps its log short."""

import time
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from superd.config.model import Builtin
from superd.log import events
from superd.log.connections import facts
from superd.net.datagram import DatagramSocket
from superd.service import BuiltinService, Peer
from superd.worker.client import Client
from superd.worker.complaints import Complaints
from superd.worker.hearings import DATAGRAMS_LIMIT
from superd.worker.runtime import Runtime, Setup, why
from superd.worker.watch import Watch

log = structlog.get_logger()

NO_PROCESS: Final = 0
"""The pid in START lines of services that need no process (xinetd.log(5))."""


class BuiltinDatagrams(Runtime):
    """Owns the sockets of one service. Each datagram is done with at once, unless its sender has to be looked up."""

    undecided_limit = DATAGRAMS_LIMIT

    def __init__(
        self,
        setup: Setup,
        *,
        builtin: BuiltinService,
    ) -> None:
        super().__init__(setup)
        assert isinstance(self.service.action, Builtin)  # noqa: S101 - the engine chose by that
        assert builtin.datagram is not None  # noqa: S101
        self._complaints = Complaints()
        self._failures = Complaints()
        self._sockets = []
        for listener in setup.listeners:
            machine = builtin.datagram(self.service.action.options)
            driver = DatagramSocket(
                listener.socket, machine, self, outbound=self.context.outbound, amplifies=builtin.amplifies
            )
            self._sockets.append(driver)
            self.watches.append(Watch(self.context.poller, listener.socket.fileno(), driver))

    def open_door(self) -> None:
        """Throw away what came during a pause: its senders have given up, or would be answered twice."""
        for driver in self._sockets:
            driver.drain()

    def judge_datagram(self, peer: Peer, serve: Callable[[], None]) -> None:
        """Decide on one datagram; one whose sender is looked up waits here, in a bounded number."""
        self.judge(peer, 0, partial(self._decided, serve))

    def _decided(self, serve: Callable[[], None], client: Client) -> None:
        client.verdict = client.verdict.without_twist()
        if client.verdict.allowed:
            serve()
        else:
            self.refuse(client)

    @property
    def held(self) -> bool:
        """Tell whether to leave the next datagram in the kernel."""
        return any(watch.holds for watch in self.watches)

    def answered(self, peer: Peer, received: int, sent: int) -> None:
        """Count and log an answer."""
        self.served += 1
        self.writer.start(NO_PROCESS, peer.host)
        log.info(
            events.DATAGRAM_ANSWERED,
            service=self.service.key,
            **facts(peer),
            bytes_in=received,
            bytes_out=sent,
        )

    def unanswered(self, peer: Peer, reason: str) -> None:
        """Log that a datagram got no answer."""
        self.refused += 1
        self._complain(peer, {"reason": reason})

    def report_refusal(self, client: Client) -> None:
        """Log that a datagram was refused."""
        self._complain(client.peer, client.found | why(client))

    def datagram_failed(self, peer: Peer, error: Exception) -> None:
        """Log what a machine raised, as sparingly as refusals: whoever finds the service broken may go on asking."""
        count = self._failures.due(peer.host, time.monotonic())
        if count:
            text = f"{type(error).__name__}: {error}"
            log.error(
                events.MACHINE_FAILED, service=self.service.key, **facts(peer), error=text, **_repeated(count)
            )
            log.debug(events.MACHINE_FAILED, exc_info=error)

    def _complain(self, peer: Peer, why: dict[str, str]) -> None:
        count = self._complaints.due(peer.host, time.monotonic())
        if count:
            log.warning(
                events.DATAGRAM_REFUSED, service=self.service.key, **facts(peer), **why, **_repeated(count)
            )


def _repeated(count: int) -> dict[str, int]:
    """How many a line stands for, where that is not one."""
    return {"count": count} if count > 1 else {}
