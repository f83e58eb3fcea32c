"""The supervisor's loop: signals, messages, deaths and timers, one after the other.

Life: ``run`` binds, forks, announces readiness, and then loops until a stop is complete. What is fatal: at
the start nothing but a configuration that can't be used (and with ``--strict`` any problem); afterwards
nothing. A socket that can't be bound is retried; a child that dies is restarted; a reload that fails changes nothing.
"""

import os
import selectors
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from superd import __version__
from superd.config.load import Loaded
from superd.config.model import Config
from superd.errors import ProtocolViolation
from superd.log import events, flush
from superd.log.files import LogFile, LogFiles
from superd.privsep import messages
from superd.supervisor import notify, statedump
from superd.supervisor.children import EXITED, RESTARTING, Backoff, Child, Children, Role
from superd.supervisor.collection import COLLECT_LIMIT, Collection
from superd.supervisor.fleet import Fleet, Settings
from superd.supervisor.options import RunOptions
from superd.supervisor.parts import divide
from superd.supervisor.plan import compare
from superd.supervisor.ports import Ports
from superd.supervisor.reload import checked
from superd.supervisor.signals import Signals
from superd.supervisor.timers import Timers

log = structlog.get_logger()

DRAINED_LIMIT: Final = 2.0
"""Seconds to wait for a worker's ``Drained`` before its successor is started regardless: it may hang."""

STOP_GRACE: Final = 2.0
"""Seconds beyond the drain time after which whatever is left of workers and launchers is killed."""

_MESSAGES_PER_WAKEUP: Final = 256
"""Messages taken from one child before the others get a turn."""


class Supervisor:
    """One run of the daemon. ``ready`` is called once, when every worker serves its ports."""

    def __init__(
        self,
        options: RunOptions,
        settings: Settings,
        loaded: Loaded,
        ready: Callable[[], None],
        log_file: LogFile | None = None,
    ) -> None:
        self._options = options
        self._config = loaded.config
        self._ready = ready
        self._log_file = log_file
        self._announced = False
        self._stopping = False
        self._selector = selectors.DefaultSelector()
        self._signals = Signals()
        self._timers = Timers()
        self._children = Children()
        self._backoff = Backoff()
        self._ports = Ports(self._timers, self._apply)
        self._fleet = Fleet(settings, self._children, self._watch, self._signals.forget)
        self._collection: Collection | None = None
        self._logs = LogFiles()

    def run(self) -> int:
        """Serve until stopped; return the exit status."""
        self._selector.register(self._signals.fileno(), selectors.EVENT_READ, self._take_signals)
        self._take(self._config)
        self._announce()
        while not (self._stopping and not self._children):
            self._step()
        self._ports.close()
        log.info(events.DAEMON_STOPPED)
        return 0

    def _step(self) -> None:
        for key, _ in self._selector.select(self._timers.wait(time.monotonic())):
            now = self._selector.get_map().get(key.fd)
            if now and now.data is key.data:  # it was not closed by what came before it in this turn
                key.data()
        self._timers.run(time.monotonic())
        flush()

    def _take(self, config: Config, *, whole: bool = False) -> bool:
        """Serve this configuration; with ``whole``, all of it or (answering false) the one before."""
        logs, problems = LogFiles.open(config)
        if self._log_file:
            logs.add(self._log_file)
        for problem in problems:
            log.error(events.LOG_FAILED, service=problem.service, path=problem.path, reason=problem.reason)
        if not self._ports.take(config, whole=whole, without={problem.service for problem in problems}):
            logs.close()
            return False
        self._config = config
        before, self._logs = self._logs, logs
        self._apply()
        before.close()
        return True

    def _apply(self) -> None:
        """Give the fleet the services whose sockets are bound."""
        if not self._stopping:
            parts = divide(self._ports.served(), self._config.extensions)
            self._fleet.apply(parts, self._ports.listeners(), self._logs)

    # -- children ------------------------------------------------------------------------------------------------

    def _watch(self, child: Child) -> None:
        self._selector.register(child.channel, selectors.EVENT_READ, partial(self._take_messages, child))

    def _take_messages(self, child: Child) -> None:
        for _ in range(_MESSAGES_PER_WAKEUP):
            try:
                message, _descriptor = child.channel.receive()
            except BlockingIOError:
                return
            except EOFError:
                self._selector.unregister(child.channel)
                return
            except ProtocolViolation as violation:
                self._punish(child.pid, str(violation))
                return
            self._handle(child, message)

    def _handle(self, child: Child, message: messages.Message) -> None:
        match message:
            case messages.Ready():
                child.ready = True
                self._announce()
            case messages.Drained():
                self._succeed(child)
            case messages.Violation(worker=pid, why=why):
                self._punish(pid, why)
            case messages.StateLine() if self._collection:
                self._collection.take(message)
            case messages.StateEnd():
                self._collected(child)

    def _punish(self, pid: int, why: str) -> None:
        """End a child that broke the protocol; it is then restarted like one that crashed."""
        if child := self._children.find(pid):
            log.error(events.PROTOCOL_VIOLATION, name=child.title, pid=pid, reason=why)
            os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        for child, status in self._children.reap():
            self._buried(child, status)

    def _buried(self, child: Child, status: int) -> None:
        self._take_leave(child)
        self._collected(child)
        write = log.info if child.draining else log.error
        write(EXITED[child.role], name=child.name, pid=child.pid, **events.wait_status(status),
              duration=events.seconds(time.monotonic() - child.started))  # fmt: skip
        if child.draining:
            self._succeed(child)
        else:
            self._restart_later(child)

    def _restart_later(self, dead: Child) -> None:
        delay = self._backoff.after(dead, time.monotonic())
        log.warning(RESTARTING[dead.role], name=dead.name, delay=delay)
        self._timers.at(time.monotonic() + delay, partial(self._restart, dead))

    def _take_leave(self, child: Child) -> None:
        if child.channel.fileno() in self._selector.get_map():
            self._selector.unregister(child.channel)
        child.channel.close()

    def _restart(self, dead: Child) -> None:
        if not self._stopping and not self._children.current(dead.role, dead.name):
            self._fleet.start(dead.role, dead.name)

    def _succeed(self, old: Child) -> None:
        """A draining worker has let go of everything (or died): its successor may start."""
        if (
            old.role is Role.WORKER
            and not self._stopping
            and not self._children.current(Role.WORKER, old.name)
        ):
            self._fleet.start(Role.WORKER, old.name)

    # -- readiness and signals -----------------------------------------------------------------------------------

    def _announce(self) -> None:
        """Tell whoever waits, once, that every process is ready."""
        if self._announced or not all(child.ready for child in self._children):
            return
        self._announced = True
        log.info(events.DAEMON_STARTED, version=__version__, count=len(self._ports.served()))
        self._ready()
        notify.ready(self._status())

    def _status(self) -> str:
        return f"{len(self._ports.served())} services"

    def _take_signals(self) -> None:
        for number in self._signals.take():
            match number:
                case signal.SIGHUP | signal.SIGUSR2:
                    self._reload()
                case signal.SIGTERM | signal.SIGINT:
                    self._stop()
                case signal.SIGQUIT:
                    self._quit()
                case signal.SIGUSR1:
                    self._dump()
                case signal.SIGCHLD:
                    self._reap()

    def _reload(self) -> None:
        if self._stopping:
            return
        notify.reloading()
        self._fleet.reopen_logs()
        before = self._config
        if (loaded := checked(self._options)) and self._take(loaded.config, whole=True):
            self._limit_draining()
            changes = compare(before, loaded.config)
            log.info(events.RELOAD_DONE, new=len(changes.new), kept=len(changes.kept), changed=len(changes.changed),
                     dropped=len(changes.gone))  # fmt: skip
        notify.ready(self._status())

    def _limit_draining(self) -> None:
        """A worker that does not answer ``Drain`` in time must not keep its successor from starting."""
        for child in self._children.of(Role.WORKER):
            if child.draining:
                self._timers.at(time.monotonic() + DRAINED_LIMIT, partial(self._succeed, child))

    def _stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        log.info(events.DAEMON_STOPPING, reason=f"connections have {self._options.drain:g} s to finish")
        notify.stopping()
        self._fleet.stop()
        self._ports.close()
        self._timers.at(time.monotonic() + self._options.drain + STOP_GRACE, self._kill)

    def _kill(self) -> None:
        """The drain time is over. Programs have sessions of their own and go on, as under xinetd."""
        for child in self._children:
            rest = "its programs go on" if child.role is Role.LAUNCHER else "its connections are cut"
            log.warning(events.DAEMON_STOPPING, reason=f"the time is over: {child.title} is ended, {rest}")
            os.kill(child.pid, signal.SIGKILL)

    def _quit(self) -> None:
        log.warning(events.DAEMON_STOPPING, reason="SIGQUIT: at once, connections are cut")
        self._stopping = True
        self._ports.close()
        self._kill()

    # -- state dump ----------------------------------------------------------------------------------------------

    def _dump(self) -> None:
        if self._collection:
            return
        self._collection = Collection({child.pid: child.title for child in self._children})
        for child in self._children:
            child.tell(messages.Dump())
        self._timers.at(time.monotonic() + COLLECT_LIMIT, partial(self._write_dump, self._collection))

    def _collected(self, child: Child) -> None:
        if self._collection and self._collection.finished(child.pid):
            self._write_dump(self._collection)

    def _write_dump(self, collection: Collection) -> None:
        if self._collection is not collection:
            return
        self._collection = None
        statedump.write_dump(self._options.state_file, self._config, collection, self._children,
                             self._ports.listeners())  # fmt: skip
