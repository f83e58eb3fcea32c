"""Asking launchers for programs: ``Launchers`` knows them by name, a ``Link`` is one channel.

A launcher's ``Desk`` outlives its channels: when the launcher dies, what was asked of it waits there, its
services accept nothing more, and the supervisor sends a channel to its successor. When a launcher is
replaced, the channel to the old one stays until its programs have ended.
"""

import asyncio
import errno
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from superd.access.verdict import ALLOWED
from superd.errors import ProtocolViolation
from superd.log import events
from superd.net.poller import READABLE, WRITABLE, Poller
from superd.privsep.channel import Channel
from superd.privsep.messages import (
    Command,
    CommandEnded,
    Exited,
    Failed,
    Introduced,
    Launch,
    Message,
    RuledLaunch,
    Running,
    Started,
)
from superd.service import Peer
from superd.worker.client import Client as Served
from superd.worker.live import Client, Departed, Live
from superd.worker.orders import Orders

log = structlog.get_logger()

QUEUE_LIMIT: Final = 64
"""Launches that wait for room in a launcher's channel, over which its services accept nothing more; each
holds a descriptor."""

MESSAGES_PER_WAKEUP: Final = 64
"""Messages taken from one launcher before others have their turn."""


class Link:
    """One channel to a launcher, until its other end is closed."""

    def __init__(self, poller: Poller, channel: Channel, desk: "Desk") -> None:
        self._poller = poller
        self._channel = channel
        self._desk = desk
        self._events = READABLE
        self.live: dict[int, Live] = {}
        poller.watch(channel.fileno(), self)

    def send(self, message: Launch | RuledLaunch | Command, fd: int | None = None) -> bool:
        """Ask for something; false when there is no room.

        Raises:
            ConnectionError: the launcher is gone.
            ValueError: the message is too long.
        """
        try:
            self._channel.send(message, fd)
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
            case CommandEnded():
                self._desk.orders.ended(message)
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
        live = Live(client, Served(peer, running.conn, ALLOWED))
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
        self._queue: deque[tuple[Launch | RuledLaunch, int, Live]] = deque()
        self.orders = Orders()
        self.taking = True
        self.unanswered = 0

    def attach(self, poller: Poller, channel: Channel) -> Link:
        """Use this channel from now on; an older one is only listened to."""
        self._current = Link(poller, channel, self)
        self._links.append(self._current)
        self.flush()
        return self._current

    def command(self, command: Command) -> asyncio.Future[int]:
        """Have a command of a rule run (``Orders``)."""
        return self.orders.ask(command, self._current)

    def launch(self, launch: Launch | RuledLaunch, fd: int, live: Live) -> None:
        """Have a program started on ``fd``, which is closed here as soon as it has been sent."""
        self.unanswered += 1
        if self._queue or not self._send(launch, fd, live):
            self._queue.append((launch, fd, live))
            self._announce()

    def flush(self) -> None:
        """Send what waits."""
        while self._queue and self._send(*self._queue[0]):
            self._queue.popleft()
        if self._current is not None:
            self.orders.flush(self._current)
        self._announce()

    def lost(self, link: Link, reason: str) -> None:
        """A channel has ended."""
        self._links.remove(link)
        self.introduced(link)
        self.orders.lost(link)
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
        self.orders.lost(None)
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

    def _send(self, launch: Launch | RuledLaunch, fd: int, live: Live) -> bool:
        link = self._current
        if link is None:
            return False
        try:
            if not link.send(launch, fd):
                return False
        except ConnectionError:
            return False  # its end of file follows
        except ValueError:  # two rules of 2000 characters that are hardly ASCII
            self.unanswered -= 1
            asyncio.get_running_loop().call_soon(live.client.failed, live, errno.EMSGSIZE)
        else:
            link.live[launch.conn] = live
        with suppress(OSError):
            os.close(fd)
        return True

    def _announce(self) -> None:
        """Tell the services whether to go on accepting."""
        taking = self._current is not None and len(self._queue) < QUEUE_LIMIT
        if taking is not self.taking:
            self.taking = taking
            for client in self.clients:
                client.launcher_ready()


def least_busy(desks: Iterable[Desk]) -> Desk:
    """Choose the launcher with the least to do; one that is gone, or does not read, only if all are."""
    return min(desks, key=lambda desk: (not desk.taking, desk.unanswered + len(desk.orders)))


class Launchers:
    """Every launcher of this worker, by name. ``hosts_allow`` tells a rule's file from the other one."""

    def __init__(self, poller: Poller, hosts_allow: Path = Path("/etc/hosts.allow")) -> None:
        self.hosts_allow = str(hosts_allow)
        self._poller = poller
        self._numbers = itertools.count(1)
        self._desks: dict[str, Desk] = {}
        self._clients: dict[str, Client] = {}
        self._strangers: set[Link] = set()

    def desk(self, name: str, service: str, client: Client) -> Desk:
        """Register a service as a client of the launcher of this name."""
        desk = self._desk(name)
        desk.clients.append(client)
        self._clients[service] = client
        return desk

    def order(self, names: tuple[str, ...], make: Callable[[int], Command]) -> asyncio.Future[int]:
        """Have one of these launchers run the command that ``make`` gives a number.

        The result is its wait(2) status, or -1 when it was not run to its end.
        """
        command = make(next(self._numbers))
        if not names:
            return Orders().ask(command, None)
        return least_busy(self._desk(name) for name in names).command(command)

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
