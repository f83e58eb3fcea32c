"""A UDP proxy that loses, repeats, delays and so reorders datagrams: ``lossy`` puts it in front of a TFTP server.

To the client it looks like the server: each of the server's transfer ports has a port of the proxy's own, and answers
from any other are not mixed up with it. To the server each client is a port of the proxy. What happens to a datagram
is drawn from a seeded generator.
"""

import heapq
import itertools
import random
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from helpers.tftp import LARGEST, Address, udp

_TICK = 0.05
"""Seconds after which the proxy looks whether it should end."""


@dataclass(frozen=True)
class Weather:
    """What happens to datagrams; shares are of one."""

    loss: float = 0.0
    repeat: float = 0.0
    delay: float = 0.0
    """The share that is held back, and so overtaken by later ones."""
    seconds: float = 0.02
    """The longest that one is held back."""


STORM = Weather(loss=0.05, repeat=0.05, delay=0.10)


@dataclass
class Counts:
    """What the proxy has done so far."""

    passed: int = 0
    lost: int = 0
    repeated: int = 0
    delayed: int = 0


@dataclass
class Lossy:
    """A running proxy; ``address`` is where clients send their requests."""

    address: Address
    server: Address
    weather: Weather
    random: random.Random
    counts: Counts = field(default_factory=Counts)
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def lossy(server: Address, weather: Weather = STORM, seed: int = 0) -> Iterator[Lossy]:
    """Run a proxy to this server until the block ends."""
    with ExitStack() as stack:
        front = stack.enter_context(udp(server[0]))
        front.bind((server[0], 0))
        proxy = Lossy(front.getsockname()[:2], server, weather, random.Random(seed))
        relay = _Relay(proxy, front, stack)
        thread = threading.Thread(target=relay.run, name="lossy proxy")
        thread.start()
        try:
            yield proxy
        finally:
            proxy.over.set()
            thread.join()
        assert relay.failure is None, relay.failure


@dataclass(frozen=True)
class _Way:
    """One socket of the proxy: whose datagrams it gets, and where they go."""

    client: Address
    """Empty for the port that requests come to."""
    tid: Address | None
    """The server's transfer port that this one stands for; none for the socket that faces the server."""


class _Relay:
    """Moves datagrams between the clients' and the server's side, in a thread of its own."""

    def __init__(self, proxy: Lossy, front: socket.socket, stack: ExitStack) -> None:
        self.proxy, self.stack = proxy, stack
        self.selector = stack.enter_context(selectors.DefaultSelector())
        self.selector.register(front, selectors.EVENT_READ, _Way(("", 0), proxy.server))
        self.backs: dict[Address, socket.socket] = {}
        self.fronts: dict[tuple[Address, Address], socket.socket] = {}
        self.held: list[tuple[float, int, socket.socket, bytes, Address]] = []
        self.order = itertools.count()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.proxy.over.is_set():
                self._turn()
        except BaseException as failure:  # noqa: BLE001 - a thread's failure is told by the test that started it
            self.failure = failure

    def _turn(self) -> None:
        wait = min(self.held[0][0] - time.monotonic(), _TICK) if self.held else _TICK
        for key, _ in self.selector.select(max(wait, 0)):
            assert isinstance(key.fileobj, socket.socket)
            packet, sender = key.fileobj.recvfrom(LARGEST)
            self._pass_on(key.data, packet, sender[:2])
        while self.held and self.held[0][0] <= time.monotonic():
            _, _, out, packet, to = heapq.heappop(self.held)
            out.sendto(packet, to)

    def _pass_on(self, way: _Way, packet: bytes, sender: Address) -> None:
        if way.tid is None:
            out, to = self._front(way.client, sender), way.client
        else:
            out, to = self._back(sender), way.tid
        for _ in range(self._copies()):
            heapq.heappush(self.held, (self._departure(), next(self.order), out, packet, to))

    def _copies(self) -> int:
        weather, counts, drawn = self.proxy.weather, self.proxy.counts, self.proxy.random.random()
        if drawn < weather.loss:
            counts.lost += 1
            return 0
        repeated = drawn < weather.loss + weather.repeat
        counts.passed += 1
        counts.repeated += repeated
        return 1 + repeated

    def _departure(self) -> float:
        weather, now = self.proxy.weather, time.monotonic()
        if self.proxy.random.random() >= weather.delay:
            return now
        self.proxy.counts.delayed += 1
        return now + self.proxy.random.uniform(0, weather.seconds)

    def _back(self, client: Address) -> socket.socket:
        """The socket that is this client to the server."""
        if client not in self.backs:
            self.backs[client] = self._open(_Way(client, None))
        return self.backs[client]

    def _front(self, client: Address, tid: Address) -> socket.socket:
        """The socket that is this transfer port of the server to this client."""
        if (client, tid) not in self.fronts:
            self.fronts[client, tid] = self._open(_Way(client, tid))
        return self.fronts[client, tid]

    def _open(self, way: _Way) -> socket.socket:
        host = self.proxy.address[0]
        made = self.stack.enter_context(udp(host))
        made.bind((host, 0))
        self.selector.register(made, selectors.EVENT_READ, way)
        return made
