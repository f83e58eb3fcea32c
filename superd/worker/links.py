"""``LinkDatagrams``: a built-in service whose clients may have no address yet (BOOTP).

A client without one is judged as 0.0.0.0, which is what it sends from.
"""

import socket
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import structlog

from superd.config.model import Builtin
from superd.log import events
from superd.log.connections import facts
from superd.net.link_socket import Delivery, LinkSocket, Means
from superd.service import BuiltinService, Link, Note, Peer, Remark
from superd.worker.client import Client
from superd.worker.complaints import Complaints
from superd.worker.hearings import DATAGRAMS_LIMIT
from superd.worker.runtime import Runtime, Setup, why
from superd.worker.watch import Watch

log = structlog.get_logger()

NO_PROCESS: Final = 0
"""The pid in START lines of services that need no process (xinetd.log(5))."""

_NOTES: Final = {
    Remark.ANSWERED: ("info", events.BOOTP_ANSWERED),
    Remark.IGNORED: ("debug", events.BOOTP_IGNORED),
    Remark.PROBLEM: ("warning", events.BOOTP_PROBLEM),
}
"""Level and name of the event of each kind of note."""


class LinkDatagrams(Runtime):
    """Owns the IPv4 sockets of one service; ``packets`` is the socket for frames, if root opened one.

    What comes to its other sockets is never looked at: there is no such protocol over IPv6.
    """

    undecided_limit = DATAGRAMS_LIMIT

    def __init__(self, setup: Setup, *, builtin: BuiltinService, packets: socket.socket | None) -> None:
        super().__init__(setup)
        assert isinstance(self.service.action, Builtin)  # noqa: S101 - the engine chose by that
        assert builtin.links is not None  # noqa: S101
        machine = builtin.links(self.service.action.options)
        means = Means(packets, self.context.outbound.guard)
        self._complaints = Complaints()
        self._notes = Complaints()
        listeners = [each for each in setup.listeners if each.socket.family == socket.AF_INET]
        self._sockets = [LinkSocket(listener.socket, machine, self, means) for listener in listeners]
        self.watches = [
            Watch(self.context.poller, listener.socket.fileno(), driver)
            for listener, driver in zip(listeners, self._sockets, strict=True)
        ]

    def open_door(self) -> None:
        """Throw away what came during a pause: its senders will ask again."""
        for driver in self._sockets:
            driver.drain()

    @property
    def held(self) -> bool:
        """Tell whether to leave the next datagram in the kernel."""
        return any(watch.holds for watch in self.watches)

    def judge_datagram(self, peer: Peer, serve: Callable[[], None]) -> None:
        """Decide on one datagram; one whose sender is looked up waits here, in a bounded number."""
        self.judge(peer, 0, partial(self._decided, serve))

    def _decided(self, serve: Callable[[], None], client: Client) -> None:
        client.verdict = client.verdict.without_twist()
        if client.verdict.allowed:
            serve()
        else:
            self.refuse(client)

    def noted(self, peer: Peer, link: Link, note: Note, delivery: Delivery) -> None:
        """Count and log an answer; write other notes down once a minute each, however often they are true."""
        level, event = _NOTES[note.remark]
        more: dict[str, str | int] = {"interface": link.name}
        if note.remark is Remark.ANSWERED:
            self.served += 1
            self.writer.start(NO_PROCESS, peer.host)
            more |= {"delivery": str(delivery)} if delivery else {}
        else:
            count = self._notes.due(repr(sorted(note.about.items())), time.monotonic())
            if not count:
                return
            more |= {"count": count} if count > 1 else {}
        getattr(log, level)(event, service=self.service.key, **facts(peer), **note.about, **more)

    def unanswered(self, peer: Peer, reason: str) -> None:
        """Log that a client got no answer, although there was one."""
        self.refused += 1
        self._complain(peer, {"reason": reason})

    def report_refusal(self, client: Client) -> None:
        """Log that a datagram was refused."""
        self._complain(client.peer, client.found | why(client))

    def datagram_failed(self, peer: Peer, error: Exception) -> None:
        """Log what a machine raised, as sparingly as refusals."""
        count = self._complaints.due(f"{peer.host} {type(error).__name__}", time.monotonic())
        if count:
            text = f"{type(error).__name__}: {error}"
            log.error(events.MACHINE_FAILED, service=self.service.key, **facts(peer), error=text, count=count)
            log.debug(events.MACHINE_FAILED, exc_info=error)

    def _complain(self, peer: Peer, why: Mapping[str, str]) -> None:
        count = self._complaints.due(peer.host, time.monotonic())
        if count:
            more = {"count": count} if count > 1 else {}
            log.warning(events.DATAGRAM_REFUSED, service=self.service.key, **facts(peer), **why, **more)
