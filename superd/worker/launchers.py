"""Asking launchers for programs: ``Launchers`` knows them by name, a ``Link`` is one channel, a ``Live`` one program.

A launcher's ``Desk`` outlives its channels: when the launcher dies, what was asked of it waits there, its
services accept nothing more, and the supervisor sends a channel to its successor. When a launcher is
replaced, the channel to the old one stays until its programs have ended.
"""

import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

import structlog

from superd.errors import ProtocolViolation
from superd.log import events
from superd.log.connections import ConnectionLog
from superd.net.poller import READABLE, WRITABLE, Poller
from superd.privsep.channel import Channel
from superd.privsep.messages import Exited, Failed, Introduced, Launch, Message, Running, Started
from superd.service import Peer

log = structlog.get_logger()

QUEUE_LIMIT: Final = 64
"""Launches that wait for room in a launcher's channel, over which its services accept nothing more; each
holds a descriptor."""

MESSAGES_PER_WAKEUP: Final = 64
"""Messages taken from one launcher before others have their turn."""


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
    """A program that was asked for or runs. ``unit`` is the client's own: the socket that a wait program has, say."""

    __slots__ = ("client", "conn", "peer", "pid", "rule", "started", "unit")

    def __init__(self, client: Client, conn: int, peer: Peer, rule: str = "", unit: object = None) -> None:
        self.client = client
        self.conn = conn
        self.peer = peer
        self.rule = rule
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


class Link:
    """One channel to a launcher, until its other end is closed."""

    def __init__(self, poller: Poller, channel: Channel, desk: "Desk") -> None:
        self._poller = poller
        self._channel = channel
        self._desk = desk
        self._events = READABLE
        self.live: dict[int, Live] = {}
        poller.watch(channel.fileno(), self)

    def send(self, launch: Launch, fd: int) -> bool:
        """Ask for a program; false when there is no room. Raises ConnectionError when the launcher is gone."""
        try:
            self._channel.send(launch, fd)
        except BlockingIOError:
            self.want_room()
            return False
        return True

    def want_room(self) -> None:
        """Have the desk called when there is room."""
        self._want(READABLE | WRITABLE)

    def ready(self, events: int) -> None:
        """Take the launcher's messages (called by the poller)."""
        if events & WRITABLE:
            self._want(READABLE)
            self._desk.flush()
        try:
            for _ in range(MESSAGES_PER_WAKEUP):
                message, _ = self._channel.receive()
                self._take(message)
        except BlockingIOError:
            return
        except (EOFError, ConnectionError):
            self.close()
            self._desk.lost(self, "the launcher is gone")
        except ProtocolViolation as violation:
            self.close()
            self._desk.lost(self, str(violation))

    def close(self) -> None:
        """Let go of the launcher; its programs go on, and the worker that is attached next hears of them."""
        if self._channel.fileno() >= 0:
            self._poller.forget(self._channel.fileno())
            self._channel.close()

    def _want(self, events: int) -> None:
        if events != self._events:
            self._events = events
            self._poller.change(self._channel.fileno(), events)

    def _take(self, message: Message) -> None:
        match message:
            case Started():
                if live := self.live.get(message.conn):
                    self._desk.unanswered -= 1
                    live.pid = message.pid
                    live.client.started(live)
            case Failed():
                if live := self.live.pop(message.conn, None):
                    self._desk.unanswered -= 1
                    live.client.failed(live, message.errno)
            case Exited():
                if live := self.live.pop(message.conn, None):
                    live.client.ended(live, message)
            case Running():
                self._adopt(message)
            case Introduced():
                self._desk.introduced(self)

    def _adopt(self, running: Running) -> None:
        client = self._desk.client(running.service) or Departed(running.service)
        if running.conn in self.live:
            return
        if self._desk.clients and client not in self._desk.clients and not isinstance(client, Departed):
            return  # a launcher that was taken over must not suspend the services of other users
        peer = Peer(running.peer_host, running.peer_port, running.local_host, running.local_port)
        live = Live(client, running.conn, peer)
        live.pid, live.started = running.pid, running.since
        self.live[running.conn] = live
        client.adopt(live)


class Desk:
    """What is asked of one launcher, whichever process it is at the moment.

    ``taking`` tells whether it takes requests, ``unanswered`` how many programs it has yet to start.
    """

    def __init__(
        self, name: str, find: Callable[[str], Client | None], introduced: Callable[[Link], None]
    ) -> None:
        self.name = name
        self.client = find
        self.introduced = introduced
        self.clients: list[Client] = []
        self._current: Link | None = None
        self._links: list[Link] = []
        self._queue: deque[tuple[Launch, int, Live]] = deque()
        self.taking = True
        self.unanswered = 0

    def attach(self, poller: Poller, channel: Channel) -> Link:
        """Use this channel from now on; an older one is only listened to."""
        self._current = Link(poller, channel, self)
        self._links.append(self._current)
        self.flush()
        return self._current

    def launch(self, launch: Launch, fd: int, live: Live) -> None:
        """Have a program started on ``fd``, which is closed here as soon as it has been sent."""
        self.unanswered += 1
        if self._queue or not self._send(launch, fd, live):
            self._queue.append((launch, fd, live))
            self._announce()

    def flush(self) -> None:
        """Send what waits."""
        while self._queue and self._send(*self._queue[0]):
            self._queue.popleft()
        self._announce()

    def lost(self, link: Link, reason: str) -> None:
        """A channel has ended."""
        self._links.remove(link)
        self.introduced(link)
        current = link is self._current
        if current:
            self._current = None
        if link.live or (current and self.clients):  # else it was draining, and has finished
            log.error(events.LAUNCHER_LOST, name=self.name, reason=reason, count=len(link.live))
        self.unanswered -= sum(not live.pid for live in link.live.values())
        for live in tuple(link.live.values()):
            live.client.ended(live, None)
        link.live.clear()
        self._announce()

    def close(self) -> None:
        """Let go of everything; what waits is given up."""
        for link in self._links:
            link.close()
            link.live.clear()
        while self._queue:
            os.close(self._queue.popleft()[1])
        self._links.clear()
        self._current = None

    @property
    def settled(self) -> bool:
        """Tell whether nothing that was asked for is still to be answered."""
        return not self._queue and all(live.pid for link in self._links for live in link.live.values())

    @property
    def running(self) -> int:
        """Programs asked for or running."""
        return len(self._queue) + sum(len(link.live) for link in self._links)

    def _send(self, launch: Launch, fd: int, live: Live) -> bool:
        link = self._current
        if link is None:
            return False
        try:
            if not link.send(launch, fd):
                return False
        except ConnectionError:
            return False  # its end of file follows
        with suppress(OSError):
            os.close(fd)
        link.live[launch.conn] = live
        return True

    def _announce(self) -> None:
        """Tell the services whether to go on accepting."""
        taking = self._current is not None and len(self._queue) < QUEUE_LIMIT
        if taking is not self.taking:
            self.taking = taking
            for client in self.clients:
                client.launcher_ready()


class Launchers:
    """Every launcher of this worker, by name."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._desks: dict[str, Desk] = {}
        self._clients: dict[str, Client] = {}
        self._strangers: set[Link] = set()

    def desk(self, name: str, service: str, client: Client) -> Desk:
        """Register a service as a client of the launcher of this name."""
        desk = self._desk(name)
        desk.clients.append(client)
        self._clients[service] = client
        return desk

    def announce(self) -> None:
        """Tell services whose launcher is not there to wait for it."""
        for desk in self._desks.values():
            desk.flush()

    def attach(self, name: str, channel: Channel) -> None:
        """Use this channel for the launcher of this name."""
        self._strangers.add(self._desk(name).attach(self._poller, channel))

    def _introduced(self, link: Link) -> None:
        self._strangers.discard(link)
        if not self._strangers:
            self.settle()

    def settle(self) -> None:
        """Tell every service that it knows of all programs there are."""
        for client in self._clients.values():
            client.introduced()

    @property
    def strangers(self) -> bool:
        """Tell whether a launcher has yet to say what it runs already."""
        return bool(self._strangers)

    def close(self) -> None:
        """Let go of all launchers."""
        for desk in self._desks.values():
            desk.close()

    @property
    def settled(self) -> bool:
        """Tell whether every launch has been answered."""
        return all(desk.settled for desk in self._desks.values())

    @property
    def running(self) -> int:
        """Programs asked for or running."""
        return sum(desk.running for desk in self._desks.values())

    def _desk(self, name: str) -> Desk:
        if name not in self._desks:
            self._desks[name] = Desk(name, self._clients.get, self._introduced)
        return self._desks[name]
