"""The daemon's list of bans: ``BanList`` checks what workers say of their sensors, and tells every worker.

The supervisor keeps the list because it outlives the workers. What a worker can do with it is bounded: it names one of
its own sensors and who touched it; for how long that counts stands in the configuration.
"""

import math
import time
from collections.abc import Iterator
from typing import Final

import structlog

from superd.access.addresses import numeric
from superd.access.bans import FOREVER, Ban, Bans
from superd.config.model import Config, Service, SocketType
from superd.errors import ProtocolViolation
from superd.log import events
from superd.privsep import messages
from superd.supervisor.children import Child, Children, Role
from superd.supervisor.parts import worker_name
from superd.supervisor.timers import Timers

log = structlog.get_logger()

SWEEP: Final = 60.0
"""Seconds between two looks for bans that are over, as in xinetd; they end in time, and are only forgotten here."""

NAME_LIMIT: Final = 256
"""Characters of a sensor's name that workers are told for their logs: an id may be longer than a message."""

SCOPE_LIMIT: Final = 15
"""Characters of an address's scope (``%eth0``): IFNAMSIZ - 1 (netdevice(7)). It is kept, logged, and sent on to
workers, and a message that can't be sent would end the daemon."""

MINUTE: Final = 60.0

_STREAMS: Final = frozenset({SocketType.STREAM, SocketType.SEQPACKET})


class BanList:
    """The bans of one run of the daemon. Times are CLOCK_MONOTONIC in seconds."""

    def __init__(self, timers: Timers, children: Children) -> None:
        self._timers = timers
        self._children = children
        self._bans = Bans()
        self._sweeping = False

    def touched(self, worker: Child, touch: messages.Ban, config: Config, now: float) -> None:
        """Ban who touched a sensor.

        Raises:
            ProtocolViolation: the worker has no such sensor, or that is no address. (One that drains may speak of a
                sensor that is no longer configured; nothing happens then.)
        """
        _check_address(touch.host)
        sensor = _sensor(config, worker.name, touch.sensor)
        if sensor is None:
            if worker.draining:
                return
            raise ProtocolViolation("a ban without a sensor")
        minutes = sensor.access.deny_minutes or 0
        until = FOREVER if minutes < 0 else now + MINUTE * minutes
        before = self._bans.find(touch.host, now)
        ban = self._bans.add(Ban(touch.host, until, sensor.key[:NAME_LIMIT], sensor.origin))
        if before is None:
            _log_ban(ban, minutes)
        for child in self._children.of(Role.WORKER):
            child.tell(announcement(ban))
        self._sweep_later(now)

    def current(self) -> tuple[Ban, ...]:
        """What a new worker has to know."""
        return tuple(self._bans)

    def state(self, wall: float, now: float) -> Iterator[str]:
        """Describe each ban that holds, for the state dump; ``wall`` is the other clock."""
        for ban in self._bans:
            if ban.until > now:
                yield f"{ban}: {_until(ban, wall - now)}, sensor {ban.sensor} ({ban.origin})"

    def _sweep_later(self, now: float) -> None:
        if not self._sweeping and len(self._bans):
            self._sweeping = True
            self._timers.at(now + SWEEP, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = False
        now = time.monotonic()
        for ban in self._bans.expire(now):
            log.info(events.BAN_OVER, peer=str(ban), service=ban.sensor)
        self._sweep_later(now)


def announcement(ban: Ban) -> messages.Banned:
    """What workers are told of a ban."""
    until = -1.0 if math.isinf(ban.until) else ban.until
    return messages.Banned(ban.host, until, ban.sensor, ban.origin.file, ban.origin.line)


def _check_address(host: str) -> None:
    try:
        numeric(host)
    except ValueError:
        raise ProtocolViolation("a ban of what is no address") from None
    scope = host.partition("%")[2]
    if len(scope) > SCOPE_LIMIT or not scope.isprintable():
        raise ProtocolViolation("a ban of an address with a scope that no interface has")


def _sensor(config: Config, worker: str, key: str) -> Service | None:
    """The sensor of this name that a worker serves, if it may ban anybody: senders of datagrams can be forged."""
    service = next((each for each in config.services if each.key == key), None)
    if service is None or not service.sensor or worker_name(service, config.extensions) != worker:
        return None
    return service if service.socket_type in _STREAMS and service.access.deny_minutes else None


def _log_ban(ban: Ban, minutes: int) -> None:
    length = {} if minutes < 0 else {"minutes": minutes}
    log.warning(events.CLIENT_BANNED, peer=str(ban), service=ban.sensor, rule=str(ban.origin), **length)


def _until(ban: Ban, offset: float) -> str:
    if math.isinf(ban.until):
        return "for ever"
    return time.strftime("until %Y-%m-%d %H:%M:%S %z", time.localtime(ban.until + offset))
