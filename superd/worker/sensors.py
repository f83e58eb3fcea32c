"""Sensors: services that serve nobody (flags = SENSOR), ``SensorStreams`` and ``SensorDatagrams``.

Whom a sensor's own rules admit has touched it: the client is refused, and one that came over a stream is banned from
every service. Whom they refuse is just refused, so that ``no_access`` exempts a site's own scanners. Senders of
datagrams are never banned: anybody can write anybody's address on one.
"""

import math
import socket
import time
from typing import Final

import structlog

from superd.access.bans import FOREVER, Ban
from superd.access.verdict import touched
from superd.config.origin import Origin
from superd.log import events
from superd.log.connections import facts
from superd.net.datagram import BATCH
from superd.privsep import messages
from superd.service import Peer
from superd.worker.accepting import Kind, StreamRuntime, peer_of
from superd.worker.client import Client
from superd.worker.complaints import Complaints
from superd.worker.hearings import DATAGRAMS_LIMIT
from superd.worker.runtime import Runtime, Setup, why
from superd.worker.watch import Watch

log = structlog.get_logger()

GRAIN: Final = 1.0
"""Seconds by which a ban must become longer for the supervisor to be told: a client that goes on knocking makes it and
every worker busy once a second, not each time."""

_MINUTE: Final = 60.0


def ban_of(message: messages.Banned) -> Ban:
    """Read what the supervisor says of a ban."""
    until = FOREVER if message.until < 0 else message.until
    return Ban(message.host, until, message.sensor, Origin(message.file, message.line))


class SensorStreams(StreamRuntime):
    """A sensor for connections."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._touched = touched(self.service.origin)
        minutes = self.service.access.deny_minutes or 0
        self._seconds = math.inf if minutes < 0 else _MINUTE * minutes

    def serve(self, fd: int, kind: Kind, client: Client) -> None:
        """Serve nobody."""
        client.verdict = self._touched
        self.refuse(client)
        self._turn_away(fd, kind, client)

    def refuse(self, client: Client) -> None:
        """Log a refusal, and have who touched the sensor banned; whoever was banned before, for longer."""
        super().refuse(client)
        host, now = client.peer.host, time.monotonic()
        known = self.context.bans.find(host, now)
        touched = known is not None or client.verdict is self._touched
        longer = known is None or known.until < now + self._seconds - GRAIN
        if touched and longer and host and self._seconds:
            self.context.report_ban(messages.Ban(self.service.key, host))


class SensorDatagrams(Runtime):
    """A sensor for datagrams, which are read and logged."""

    undecided_limit = DATAGRAMS_LIMIT

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._touched = touched(self.service.origin)
        self._complaints = Complaints()
        for listener in setup.listeners:
            trap = Trap(self, listener.socket)
            self.watches.append(Watch(self.context.poller, listener.socket.fileno(), trap))

    def received(self, peer: Peer) -> None:
        """A datagram came."""
        self.judge(peer, 0, self._decided)

    def report_refusal(self, client: Client) -> None:
        """Log it, within the bounds for what strangers can send in any number."""
        if count := self._complaints.due(client.peer.host, time.monotonic()):
            more = {"count": count} if count > 1 else {}
            known = facts(client.peer) | client.found | why(client) | more
            log.warning(events.DATAGRAM_REFUSED, service=self.service.key, **known)

    def _decided(self, client: Client) -> None:
        if client.verdict.allowed:
            client.verdict = self._touched
        self.refuse(client)


class Trap:
    """One socket of a ``SensorDatagrams``."""

    __slots__ = ("_name", "_runtime", "_socket")

    def __init__(self, runtime: SensorDatagrams, sock: socket.socket) -> None:
        self._runtime = runtime
        self._socket = sock
        self._name = sock.getsockname()

    def ready(self, _events: int) -> None:
        """Read what waits (called by the poller)."""
        for _ in range(BATCH):
            try:
                _, address = self._socket.recvfrom(1, socket.MSG_DONTWAIT)
            except OSError:
                return
            self._runtime.received(peer_of(self._socket.family, address, self._name))
