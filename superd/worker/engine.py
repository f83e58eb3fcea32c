"""``Engine``: one worker at work, from its services' first accept to its last connection's end."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from superd import log as superd_log
from superd.access.bans import Bans
from superd.access.hosts_access import HostsAccess
from superd.config.model import Builtin, SocketType
from superd.config.origin import Severity
from superd.errors import ConfigError
from superd.log import events
from superd.lookup.names import DEADLINE
from superd.net.datagram import Outbound
from superd.net.interfaces import Broadcasts
from superd.net.loops import LoopGuard
from superd.net.wheel import TICK
from superd.privsep.channel import Channel
from superd.privsep.messages import Banned, Drained, Ready, StateLine
from superd.processes import WorkerStart
from superd.worker.context import Context
from superd.worker.control import Control, process_state
from superd.worker.launchers import Launchers
from superd.worker.runtime import Runtime
from superd.worker.sensors import ban_of
from superd.worker.services import make
from superd.worker.sources import Lookups

log = structlog.get_logger()

HANDOVER_LIMIT: Final = 1.0
"""Seconds a draining worker waits for the answers to what it asked of launchers, so that every START is
logged. Less than the supervisor waits for ``Drained``."""

INTRODUCTION_LIMIT: Final = 5.0
"""Seconds after which wait services start although a launcher has not said what it runs already: it hangs, and a
second program on one socket is better than none for ever."""

SETTLE_INTERVAL: Final = 0.02
"""Seconds between two looks at whether a draining worker is done."""

HOUSEKEEPING: Final = 1.0
"""Seconds between two rounds of writing what log readers were too slow for, and of reporting problems in
hosts.allow."""


class Engine:
    """Serves until told to drain or stop, and has. ``run`` returns when nothing is left to do."""

    def __init__(self, start: WorkerStart, loop: asyncio.AbstractEventLoop, tick: float = TICK) -> None:
        self._start = start
        self._loop = loop
        self._begun = time.monotonic()
        self._context = Context.make(loop, start.generation, tick)
        self._context.outbound = Outbound(LoopGuard(_datagram_ports(start), Broadcasts()))
        self._context.lookups = Lookups(loop, _ident_ports(start), _name_deadline(start))
        self._context.bans = Bans(start.bans)
        self._hosts = HostsAccess(start.hosts_allow, start.hosts_deny)
        self._launchers = Launchers(self._context.poller, start.hosts_allow)
        self._runtimes: list[Runtime] = []
        self._done: asyncio.Future[None] = loop.create_future()
        self._draining = False
        self._control = Control(self._context.poller, start.supervisor, self)
        self._context.report_ban = self._control.send

    async def run(self) -> None:
        """Serve."""
        for service in self._start.services:
            try:
                self._runtimes.append(make(self._context, self._start, service, self._hosts, self._launchers))
            except ConfigError as error:
                log.error(events.SERVICE_FAILED, service=service.key, reason=str(error))
        for name, channel in self._start.launchers.items():
            self._launchers.attach(name, channel)
        self._launchers.announce()
        for runtime in self._runtimes:
            runtime.start()
        self._loop.call_later(INTRODUCTION_LIMIT, self._launchers.settle)
        self._housekeep()
        self._control.send(Ready())
        try:
            await self._done
        finally:
            self._close()
            await self._context.lookups.close()

    # What the supervisor tells (see Commands)

    def drain(self) -> None:
        """Take nothing new, hand programs over to the successor, finish connections, end."""
        if self._begin_end():
            self._wait_until(self._handed_over, HANDOVER_LIMIT, self._hand_over)

    def stop(self) -> None:
        """Take nothing new, wait for connections and programs, end."""
        if self._begin_end():
            self._wait_until(self._idle, self._start.drain_timeout, self._end)

    def abandoned(self) -> None:
        """Without a supervisor, finish."""
        log.warning(events.WORKER_DRAINING, name=self._start.name, reason="the supervisor is gone")
        self.stop()

    def use_launcher(self, name: str, channel: Channel) -> None:
        """Use a launcher that was started or restarted."""
        if self._draining:
            channel.close()
        else:
            self._launchers.attach(name, channel)

    def use_log(self, path: str, fd: int) -> None:
        """Write to a log file that was opened anew."""
        self._start.logs.replace(path, fd)

    def use_ban(self, banned: Banned) -> None:
        """Refuse somebody who has touched a sensor."""
        self._context.bans.add(ban_of(banned))

    def state(self) -> Iterable[StateLine]:
        """Describe the worker and each service."""
        yield from process_state(self._start.name, self._start.generation, self._begun)
        yield StateLine("", "descriptors watched", str(len(self._context.poller)))
        for runtime in self._runtimes:
            for field, text in runtime.state():
                yield StateLine(runtime.service.key, field, text)

    @property
    def live(self) -> int:
        """Connections and programs under way."""
        return sum(runtime.live for runtime in self._runtimes)

    @property
    def _undecided(self) -> int:
        """Clients about whom something is being found out."""
        return sum(runtime.undecided + runtime.idents.held for runtime in self._runtimes)

    @property
    def holds(self) -> set[str]:
        """Why some sockets are not looked at."""
        return {hold for runtime in self._runtimes for watch in runtime.watches for hold in watch.holds}

    # Ending

    def _begin_end(self) -> bool:
        if self._draining:
            return False
        self._draining = True
        for runtime in self._runtimes:
            runtime.drain()
        return True

    def _handed_over(self) -> bool:
        return self._launchers.settled and not self._undecided

    def _hand_over(self) -> None:
        self._context.hearings.conclude()
        self._launchers.close()
        self._control.send(Drained())
        self._wait_until(self._idle_without_programs, self._start.drain_timeout, self._end)

    def _idle(self) -> bool:
        return self.live == 0 and not self._undecided

    def _idle_without_programs(self) -> bool:
        return sum(runtime.connections for runtime in self._runtimes) == 0

    def _end(self) -> None:
        self._context.hearings.conclude()
        for runtime in self._runtimes:
            runtime.stop()
        if not self._done.done():
            self._done.set_result(None)

    def _wait_until(self, condition: Callable[[], bool], limit: float, then: Callable[[], None]) -> None:
        deadline = self._loop.time() + limit

        def look() -> None:
            if condition() or self._loop.time() >= deadline:
                then()
            else:
                self._loop.call_later(SETTLE_INTERVAL, look)

        look()

    def _close(self) -> None:
        for runtime in self._runtimes:
            runtime.idents.close()
        self._launchers.close()
        self._control.close()
        self._context.close()
        superd_log.flush()
        self._start.logs.flush()

    def _housekeep(self) -> None:
        superd_log.flush()
        self._start.logs.flush()
        for problem in self._hosts.take_diagnostics():
            write = log.error if problem.severity is Severity.ERROR else log.warning
            write(events.HOSTS_FILE_PROBLEM, rule=str(problem.origin), reason=problem.text)
        if not self._done.done():
            self._loop.call_later(HOUSEKEEPING, self._housekeep)


def _datagram_ports(start: WorkerStart) -> set[int]:
    """The ports of this worker's own datagram built-ins, which must not answer each other."""
    return _ports(start, lambda _action, kind: kind is SocketType.DGRAM)


def _ident_ports(start: WorkerStart) -> set[int]:
    """The ports on which this worker is an ident server: nobody is asked who asks there."""
    return _ports(start, lambda action, kind: action.name == "ident" and kind is SocketType.STREAM)


def _name_deadline(start: WorkerStart) -> float:
    """How long the most patient of these services waits for a client's name, in seconds."""
    return max((service.access.lookup_seconds for service in start.services), default=DEADLINE)


def _ports(start: WorkerStart, wanted: Callable[[Builtin, SocketType], bool]) -> set[int]:
    keys = {
        service.key
        for service in start.services
        if isinstance(service.action, Builtin) and wanted(service.action, service.socket_type)
    }
    names = [listener.socket.getsockname() for listener in start.listeners if listener.service in keys]
    return {int(name[1]) for name in names if isinstance(name, tuple)}  # a Unix socket's name has no port
