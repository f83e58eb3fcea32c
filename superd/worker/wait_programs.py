"""``WaitPrograms``: services whose program gets the listening or datagram socket itself, one program per socket.

The socket is only looked at here: it stays in blocking mode, as the program expects it, and nothing is read from it but
what is refused. While a program has the socket it is not watched; when the program has ended it is watched again, and
what came meanwhile is still there. ``DatagramUnit`` and ``StreamUnit`` are the sockets; each knows whether its program
has left unread what it was started for, because that would otherwise be started for again, for ever.
"""

import os
import socket
import time
from contextlib import suppress
from typing import Final

import structlog

from superd.config.model import SocketType
from superd.log import events
from superd.log.connections import facts
from superd.net import backlog, head
from superd.processes import Listener
from superd.service import Peer
from superd.worker.accepting import EXHAUSTED_PAUSE, peer_of
from superd.worker.client import Client
from superd.worker.complaints import Complaints
from superd.worker.launchers import Launchers
from superd.worker.live import Live
from superd.worker.runtime import Runtime, Setup, why
from superd.worker.starter import Starter, family_of
from superd.worker.watch import Hold, Watch

log = structlog.get_logger()

BACKOFF_FIRST: Final = 0.1
"""Seconds before the next start after a program left unread what it was started for."""

BACKOFF_LIMIT: Final = 30.0
"""Longest such wait: whoever mends the program should not have to restart anything."""

QUICK: Final = 1.0
"""Seconds: a stream program that ended sooner and left as many connections waiting as there were has accepted none."""

VAIN_LIMIT: Final = 16
"""Wake-ups in a row with nothing to read or accept before the socket gets a pause: a program that shut it down for
reading makes it look readable for ever. One such wake-up is usual (an ICMP error, a client that hung up)."""

VAIN_PAUSE: Final = 5.0
"""Seconds of that pause."""

REFUSALS: Final = 64
"""Datagrams or connections refused per wake-up, before other sockets have their turn."""


class Unit:
    """One socket of a wait service."""

    def __init__(self, runtime: "WaitPrograms", listener: Listener) -> None:
        self.runtime = runtime
        self.listener = listener
        self.socket = listener.socket
        self.watch = Watch(runtime.context.poller, listener.socket.fileno(), self)
        self._strikes = 0
        self._vain = 0
        self._programs = 0
        self._deciding = False

    def ready(self, _events: int) -> None:
        """Something waits to be read or accepted (called by the poller)."""
        self._vain += 1
        for _ in range(REFUSALS):
            if self.watch.holds or not self.look():
                break
            self._vain = 0
        if self._vain >= VAIN_LIMIT:
            self._pause(
                VAIN_PAUSE, "its socket is always ready and never has anything; a program shut it down"
            )

    def look(self) -> bool:
        """Start a program for what waits, or refuse it; false when nothing waits."""
        raise NotImplementedError

    def left_unread(self, live: Live) -> bool:
        """Tell whether a program that has ended left unread what it was started for, and deal with that."""
        raise NotImplementedError

    def mend(self) -> None:
        """Undo what a program may have done to the socket it shared with us."""
        raise NotImplementedError

    def taken(self) -> None:
        """A program has the socket."""
        self._programs += 1
        self.watch.hold(Hold.BUSY)

    def over(self, live: Live, *, known: bool) -> None:
        """Watch the socket again; later, if the program is known to have done nothing."""
        if self.socket.fileno() < 0:
            return
        self._programs -= 1
        if not self._programs:
            with suppress(OSError):
                self.mend()
        if known and self.left_unread(live):
            seconds = min(BACKOFF_FIRST * 2**self._strikes, BACKOFF_LIMIT)
            self._strikes += seconds < BACKOFF_LIMIT
            self._hold_for(seconds)
        else:
            self._strikes = 0
        if not self._programs:
            self.watch.release(Hold.BUSY)

    def judge(self, peer: Peer) -> None:
        """Decide about who asks. If that takes time, the socket is not looked at: what is in it has an order."""
        self._deciding = True
        self.runtime.judge(peer, next(self.runtime.context.ids), self._decided)
        if self._deciding:
            self.watch.hold(Hold.DECIDING)

    def _decided(self, client: Client) -> None:
        self._deciding = False
        if self.socket.fileno() < 0:
            return  # the successor of this worker decides anew
        if client.verdict.allowed:
            self.admitted(client)
        else:
            self.runtime.refuse(client)
            self.refused(client)
        self.watch.release(Hold.DECIDING)

    def admitted(self, client: Client) -> None:
        """Serve who asks."""
        raise NotImplementedError

    def refused(self, client: Client) -> None:
        """Get rid of what asks."""
        raise NotImplementedError

    def launch(self, client: Client) -> None:
        """Have a program started on a duplicate of the socket, which is not watched until it ends."""
        try:
            duplicate = os.dup(self.socket.fileno())
        except OSError as error:
            self._pause(EXHAUSTED_PAUSE, f"can't start its program: {error.strerror}")
            return
        self.taken()
        self.runtime.starter.launch(duplicate, client, (self,))

    def _pause(self, seconds: float, reason: str) -> None:
        self._vain = 0
        key = self.runtime.service.key
        log.error(events.SERVICE_DEACTIVATED, service=key, reason=reason, pause=seconds)
        self._hold_for(seconds)

    def _hold_for(self, seconds: float) -> None:
        self.watch.hold(Hold.BACKOFF)
        self.runtime.context.loop.call_later(seconds, self.watch.release, Hold.BACKOFF)


class DatagramUnit(Unit):
    """A datagram socket: the first datagram decides who asks, and stays for the program to read."""

    def __init__(self, runtime: "WaitPrograms", listener: Listener) -> None:
        super().__init__(runtime, listener)
        self._head: head.Head | None = None

    def mend(self) -> None:
        """Let everybody send again, after a program that connected the socket to its client."""
        head.disconnect(self.socket)

    def look(self) -> bool:
        """Decide on the sender of the first datagram; refuse it alone, or start the program."""
        first = head.peek(self.socket)
        if first is None:
            return False
        peer = peer_of(self.socket.family, first.address, self.socket.getsockname())
        self._head = first
        self.judge(peer)
        return True

    def admitted(self, client: Client) -> None:
        """Start the program on the datagram that is still the first."""
        self.launch(client)

    def refused(self, client: Client) -> None:  # noqa: ARG002  there is no telling a sender of datagrams anything
        """Read the datagram away."""
        self._head = None
        head.drop(self.socket)

    def left_unread(self, live: Live) -> bool:
        """Drop the datagram that the program was started for if it is still the first."""
        started_for, self._head = self._head, None
        if started_for is None or head.peek(self.socket) != started_for:
            return False
        head.drop(self.socket)
        why = "the program ended without reading it" if live.pid else "its program could not be started"
        reason = f"{why}; it was dropped"
        log.warning(
            events.DATAGRAM_REFUSED, service=self.runtime.service.key, **facts(live.peer), reason=reason
        )
        return True


class StreamUnit(Unit):
    """A listening socket: the program accepts, so nobody knows the client, except when it is refused here."""

    def __init__(self, runtime: "WaitPrograms", listener: Listener) -> None:
        super().__init__(runtime, listener)
        self._waiting = 0

    def mend(self) -> None:
        """Listen again, after a program that shut the socket down or wanted a shorter queue."""
        if Hold.PAUSED not in self.watch.holds:
            backlog.listen(self.socket)

    def look(self) -> bool:
        """Decide whether a program may be started now; if not, accept one connection and close it."""
        self._waiting = backlog.length(self.socket)
        if not self._waiting:
            return False
        self.judge(peer_of(self.socket.family, ("", 0), self.socket.getsockname()))
        return True

    def admitted(self, client: Client) -> None:
        """Start the program."""
        self.launch(client)

    def refused(self, client: Client) -> None:
        """Accept one connection and close it."""
        connection = backlog.accept(self.socket)
        if connection is None:
            return
        banners = self.runtime.service.banners
        with suppress(OSError):  # it hung up, or does not read
            text = banners.always + client.banner + banners.failure
            connection.send(text, socket.MSG_DONTWAIT)
        connection.close()

    def left_unread(self, live: Live) -> bool:
        """Tell whether the program ended at once, and as many connections wait as before."""
        quick = time.monotonic() - live.started < QUICK
        if not quick or not 0 < self._waiting <= backlog.length(self.socket):
            return False
        reason = "the program ended without accepting a connection"
        log.warning(events.SERVICE_DEACTIVATED, service=self.runtime.service.key, reason=reason)
        return True


class WaitPrograms(Runtime):
    """A wait service with its sockets."""

    def __init__(
        self,
        setup: Setup,
        *,
        launchers: Launchers,
        names: tuple[str, ...],
    ) -> None:
        super().__init__(setup)
        self._streams = self.service.socket_type in {SocketType.STREAM, SocketType.SEQPACKET}
        make = StreamUnit if self._streams else DatagramUnit
        self.units: list[Unit] = [make(self, listener) for listener in setup.listeners]
        self.watches = [unit.watch for unit in self.units]
        self.starter = Starter(self, launchers, names, self._over, self._adopted)
        self._complaints = Complaints()

    def start(self) -> None:
        """Serve from now on, once it is known whether programs of an earlier worker have the sockets."""
        if self._streams:
            for unit in self.units:
                backlog.listen(unit.socket)
        if self.starter.strangers:
            self.hold(Hold.ADOPTING)
        super().start()

    def drain(self) -> None:
        """Take nothing new, and let go of the sockets; a program that has one goes on with it."""
        super().drain()
        for unit in self.units:
            unit.socket.close()

    @property
    def live(self) -> int:
        """Programs."""
        return self.starter.count

    def close_door(self) -> None:
        """Refuse clients of streams at once; datagrams wait."""
        for unit in self.units:
            if self._streams and Hold.BUSY not in unit.watch.holds:
                backlog.refuse(unit.socket, unit.listener.endpoint.port)

    def open_door(self) -> None:
        """Listen again."""
        for unit in self.units:
            if self._streams:
                backlog.listen(unit.socket)

    def report_refusal(self, client: Client) -> None:
        """Log a refusal; of a datagram's, within the bounds for what strangers can send in any number."""
        if self._streams:
            super().report_refusal(client)
        elif count := self._complaints.due(client.peer.host, time.monotonic()):
            more = {"count": count} if count > 1 else {}
            known = facts(client.peer) | client.found | why(client) | more
            log.warning(events.DATAGRAM_REFUSED, service=self.service.key, **known)

    def _over(self, live: Live, known: bool) -> None:
        for unit in _units(live):
            unit.over(live, known=known)

    def _adopted(self, live: Live) -> None:
        """Suspend the sockets that the program may have: those of its client's family, or all."""
        family = family_of(live.peer)
        units = [unit for unit in self.units if family in {None, unit.listener.endpoint.family}]
        live.unit = tuple(units)
        for unit in units:
            unit.taken()


def _units(live: Live) -> tuple[Unit, ...]:
    assert isinstance(live.unit, tuple)  # noqa: S101 - put there by this module
    return live.unit
