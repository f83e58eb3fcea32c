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
from superd.supervisor.bans import BanList
from superd.supervisor.children import EXITED, RESTARTING, Backoff, Child, Children, Role
from superd.supervisor.collection import COLLECT_LIMIT, Collection
from superd.supervisor.fleet import Fleet, Settings
from superd.supervisor.listeners import Failure
from superd.supervisor.options import RunOptions
from superd.supervisor.parts import divide
from superd.supervisor.plan import compare
from superd.supervisor.ports import Ports
from superd.supervisor.problems import log_shared_account
from superd.supervisor.reload import checked
from superd.supervisor.signals import Signals
from superd.supervisor.timers import Timers

log = structlog.get_logger()

DRAINED_LIMIT: Final = 2.0
"""Seconds to wait for a worker's ``Drained`` before its successor is started regardless: it may hang."""

MUTE_LIMIT: Final = 2.0
"""Seconds a child may live on after it has closed its channel; it is about to end, or broken, or taken over."""

STOP_GRACE: Final = 2.0
"""Seconds beyond the drain time after which whatever is left of workers and launchers is killed."""

LAST_GRACE: Final = 0.5
"""Seconds a stop leaves launchers, once the last worker has gone, to notice that they have nothing to do."""

_MESSAGES_PER_WAKEUP: Final = 256
"""Messages taken from one child before the others get a turn."""


class Supervisor:
    """One run of the daemon. ``ready`` is called once, when every process is; it gets what is not bound."""

    def __init__(
        self,
        options: RunOptions,
        settings: Settings,
        loaded: Loaded,
        ready: Callable[[tuple[Failure, ...]], None],
        log_file: LogFile | None = None,
    ) -> None:
        self._options = options
        self._worker = settings.worker_credentials
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
        self._bans = BanList(self._timers, self._children)
        self._fleet = Fleet(
            settings, self._children, self._watch, self._signals.forget, self._start_failed,
            bans=self._bans.current,
        )  # fmt: skip
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
                self._survive(key.data)
        self._survive(partial(self._timers.run, time.monotonic()))
        flush()

    def _survive(self, action: Callable[[], None]) -> None:
        """Let no shortage of descriptors or memory end the daemon, for it would stop what works."""
        try:
            action()
        except OSError as error:
            log.error(events.PROCESS_FAILED, name="supervisor", error=f"{type(error).__name__}: {error}")
            log.debug(events.PROCESS_FAILED, name="supervisor", exc_info=True)

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
        log_shared_account(config.services, self._worker)
        self._config = config
        before, self._logs = self._logs, logs
        self._apply()
        before.close()
        return True

    def _apply(self) -> None:
        """Give the fleet the services whose sockets are bound."""
        if not self._stopping:
            parts = divide(self._ports.served(), self._worker, self._config.extensions)
            self._fleet.apply(parts, self._ports.listeners(), self._logs)

    # -- children ------------------------------------------------------------------------------------------------

    def _watch(self, child: Child) -> None:
        self._selector.register(child.channel, selectors.EVENT_READ, partial(self._take_messages, child))

    def _take_messages(self, child: Child) -> None:
        for _ in range(_MESSAGES_PER_WAKEUP):
            if child.punished:
                return
            try:
                message, _descriptor = child.channel.receive()
            except BlockingIOError:
                return
            except EOFError:
                self._selector.unregister(child.channel)
                self._end_later(child, MUTE_LIMIT, "it closed its channel and lives on")
                return
            except ProtocolViolation as violation:
                self._punish(child.pid, str(violation))
                return
            self._obey(child, message)

    def _obey(self, child: Child, message: messages.Message) -> None:
        """Handle a message; a fault of ours that it sets off costs the child that sent it, and not the daemon."""
        try:
            self._handle(child, message)
        except OSError:
            raise
        except ProtocolViolation as violation:
            self._punish(child.pid, str(violation))
        except Exception as error:
            self._punish(child.pid, f"{type(message).__name__} set off {type(error).__name__}: {error}")
            log.debug(events.PROTOCOL_VIOLATION, name=child.title, exc_info=error)

    def _handle(self, child: Child, message: messages.Message) -> None:
        match message:
            case messages.Ready() if not child.ready:
                child.ready = True
                self._announce()
            case messages.Drained() if child.draining:
                child.released = True
                self._succeed(child)
            case messages.Ban():
                self._bans.touched(child, message, self._config, time.monotonic())
            case messages.Violation(worker=pid, why=why):
                self._accused(child, pid, why)
            case messages.StateLine() if child.asked:
                if self._collection:  # else it is too late: the dump was written without it
                    self._collection.take(message)
            case messages.StateEnd() if child.asked:
                child.asked -= 1
                self._collected(child)
            case _:
                self._punish(child.pid, f"untimely {type(message).__name__}")

    def _accused(self, launcher: Child, pid: int, why: str) -> None:
        """Believe a launcher only about workers that talk to it: it may have been taken over by its own user."""
        if pid in launcher.workers:
            self._punish(pid, why)
        elif self._children.find(pid):
            self._punish(launcher.pid, f"it accuses process {pid}, which it does not serve")

    def _punish(self, pid: int, why: str) -> None:
        """End a child that broke the protocol; it is then restarted like one that crashed."""
        child = self._children.find(pid)
        if child and not child.punished:
            child.punished = True
            log.error(events.PROTOCOL_VIOLATION, name=child.title, pid=pid, reason=why)
            os.kill(pid, signal.SIGKILL)
            self._stop_listening_to(child)

    def _end_later(self, child: Child, delay: float, why: str) -> None:
        """End a child that should be gone by then."""

        def end() -> None:
            if self._children.find(child.pid) is child:
                self._punish(child.pid, why)

        self._timers.at(time.monotonic() + delay, end)

    def _reap(self) -> None:
        for child, status in self._children.reap():
            self._buried(child, status)

    def _buried(self, child: Child, status: int) -> None:
        self._stop_listening_to(child)
        child.channel.close()
        self._collected(child)
        for launcher in self._children.of(Role.LAUNCHER):
            launcher.workers.discard(child.pid)
        write = log.info if child.draining or self._stopping else log.error
        write(EXITED[child.role], name=child.name, pid=child.pid, **events.wait_status(status),
              duration=events.seconds(time.monotonic() - child.started))  # fmt: skip
        if self._stopping and not self._children.of(Role.WORKER):
            # Launchers that do not end now have programs, whose ends nobody is there to log.
            self._timers.at(time.monotonic() + LAST_GRACE, self._kill)
        elif child.draining:
            self._succeed(child)
        elif not self._stopping:
            self._restart_later(child)

    def _restart_later(self, dead: Child) -> None:
        delay = self._backoff.after(dead, time.monotonic())
        log.warning(RESTARTING[dead.role], name=dead.name, delay=delay)
        self._timers.at(time.monotonic() + delay, partial(self._restart, dead.role, dead.name))

    def _start_failed(self, role: Role, name: str, error: OSError) -> None:
        """The system has no room for a process just now: try again, and serve what is served meanwhile."""
        delay = self._backoff.failed(role, name)
        log.error(RESTARTING[role], name=name, delay=delay, reason=f"can't start it: {error.strerror}")
        self._timers.at(time.monotonic() + delay, partial(self._restart, role, name))

    def _stop_listening_to(self, child: Child) -> None:
        if child.channel.fileno() in self._selector.get_map():
            self._selector.unregister(child.channel)

    def _restart(self, role: Role, name: str) -> None:
        if not self._stopping and not self._children.current(role, name):
            self._fleet.start(role, name)

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
        if self._announced or not self._fleet.complete():
            return
        self._announced = True
        log.info(events.DAEMON_STARTED, version=__version__, count=len(self._ports.served()))
        self._ready(self._ports.failures())
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
        try:
            if (loaded := checked(self._options)) and self._take(loaded.config, whole=True):
                self._limit_draining()
                changes = compare(before, loaded.config)
                log.info(events.RELOAD_DONE, new=len(changes.new), kept=len(changes.kept),
                         changed=len(changes.changed), dropped=len(changes.gone))  # fmt: skip
        finally:
            notify.ready(self._status())

    def _limit_draining(self) -> None:
        """A worker that hangs must not keep its successor from starting, nor a port from being closed."""
        for child in self._children.of(Role.WORKER):
            if child.draining:
                self._timers.at(time.monotonic() + DRAINED_LIMIT, partial(self._succeed, child))
                limit = DRAINED_LIMIT + self._options.drain + STOP_GRACE
                self._end_later(child, limit, "it does not end although its time to drain is over")

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
            log.info(events.DAEMON_STOPPING, reason=f"{child.title} is ended, {rest}")
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
            child.asked += 1
            child.tell(messages.Dump())
        self._timers.at(time.monotonic() + COLLECT_LIMIT, partial(self._write_dump, self._collection))

    def _collected(self, child: Child) -> None:
        if self._collection and self._collection.finished(child.pid):
            self._write_dump(self._collection)

    def _write_dump(self, collection: Collection) -> None:
        if self._collection is not collection:
            return
        self._collection = None
        bans = tuple(self._bans.state(time.time(), time.monotonic()))
        statedump.write_dump(self._options.state_file, self._config, collection, self._children,
                             self._ports.listeners(), bans=bans)  # fmt: skip
