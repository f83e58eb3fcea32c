"""The fleet: the workers and launchers of the current generation, and how they are replaced.

A worker is replaced in this order: the old one is told to drain and answers ``Drained`` (it accepts nothing
more and has let go of its launchers), then the new one is forked. Connections that arrive in between wait in
the kernel's queue, because the supervisor never closes a socket that both use. A launcher is replaced by
forking the new one first; the old one stays until its programs have ended, and the worker is attached to
both, so that every running program goes on being counted.
"""

import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from superd.access.bans import Ban
from superd.config.model import Credentials, Service
from superd.launcher import main as launcher
from superd.log import events, identify
from superd.log.files import LogFiles
from superd.privsep import messages
from superd.privsep.channel import Channel
from superd.privsep.codec import Kinds
from superd.privsep.descriptors import leave_terminal
from superd.processes import LauncherStart, Listener, WorkerStart
from superd.supervisor.children import STARTED, Child, Children, Role, fork
from superd.supervisor.packets import packet_sockets
from superd.supervisor.parts import COMMON, Parts, worker_credentials
from superd.supervisor.plan import launched
from superd.worker import main as worker

log = structlog.get_logger()

GENERATIONS: Final = 1 << 22
"""Worker generations before their number starts again at 1: connection ids stay positive 63-bit integers."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is the same for every child for the life of the daemon."""

    worker_credentials: Credentials | None
    """``None`` without root."""
    hosts_allow: Path
    hosts_deny: Path
    drain: float
    background: bool = False
    """Whether the children let go of the terminal, as the supervisor does once it is ready."""


class Fleet:
    """Forks children for the parts it is given.

    ``watch`` is told each new child; ``forget`` undoes the supervisor's signal handling inside each fork; ``failed``
    is told what could not be started, for want of a process or a descriptor, and has to try again. ``bans`` gives what
    a new worker has to know of them.
    """

    def __init__(
        self,
        settings: Settings,
        children: Children,
        watch: Callable[[Child], None],
        forget: Callable[[], None],
        failed: Callable[[Role, str, OSError], None],
        *,
        bans: Callable[[], tuple[Ban, ...]] = tuple,
    ) -> None:
        self._settings = settings
        self._failed = failed
        self._bans = bans
        self._children = children
        self._watch = watch
        self._forget = forget
        self._generation = 0
        self._parts = Parts()
        self._listeners: tuple[Listener, ...] = ()
        self._logs = LogFiles()

    def apply(self, parts: Parts, listeners: tuple[Listener, ...], logs: LogFiles) -> None:
        """Serve these parts from now on. A process whose part is the same is left alone.

        Workers go first: one that has been told to drain sends nothing to a launcher that does not know its services.
        """
        before, self._parts = self._parts, parts
        moved = self._moved(listeners)
        self._listeners, self._logs = listeners, logs
        changed = [
            name for name in _names(before.workers, parts.workers) if self._differs(name, before, moved)
        ]
        for name in changed:
            self._retire(Role.WORKER, name)
        self._apply_launchers(before)
        workers = self._children.of(Role.WORKER)
        awaited = {child.name for child in workers if child.draining and not child.released}
        for name in set(changed) - awaited:
            self.start(Role.WORKER, name)

    def complete(self) -> bool:
        """Tell whether every process there should be is ready."""
        wanted = [(Role.WORKER, name) for name in self._parts.workers]
        wanted += [(Role.LAUNCHER, name) for name in self._parts.launchers]
        current = [self._children.current(role, name) for role, name in wanted]
        return all(child is not None and child.ready for child in current)

    def _moved(self, listeners: tuple[Listener, ...]) -> set[str]:
        """Services whose sockets are not the ones their worker has."""
        return {listener.service for listener in set(listeners).symmetric_difference(self._listeners)}

    def _differs(self, worker: str, before: Parts, moved: set[str]) -> bool:
        part = self._parts.workers.get(worker, ())
        return part != before.workers.get(worker) or not moved.isdisjoint(service.key for service in part)

    def _apply_launchers(self, before: Parts) -> None:
        for name in _names(before.launchers, self._parts.launchers):
            if _programs(self._parts.launchers.get(name, ())) != _programs(before.launchers.get(name, ())):
                self._retire(Role.LAUNCHER, name)
                self.start(Role.LAUNCHER, name)

    def _retire(self, role: Role, name: str) -> None:
        if old := self._children.current(role, name):
            old.draining = True
            old.tell(messages.Drain())

    def start(self, role: Role, name: str) -> None:
        """Fork the process of this role and name, if the current parts still have one; report if that fails."""
        try:
            if role is Role.WORKER:
                self._start_worker(name)
            else:
                self._start_launcher(name)
        except OSError as error:
            self._failed(role, name, error)

    def stop(self) -> None:
        """Nobody follows: let every process finish what it has."""
        for child in self._children:
            child.draining = True
            child.tell(messages.Stop() if child.role is Role.WORKER else messages.Drain())

    def _start_worker(self, name: str) -> None:
        if not (services := self._parts.workers.get(name)):
            return
        self._generation = self._generation % GENERATIONS + 1
        with ExitStack() as unless_forked, packet_sockets(services) as packets:
            ours, theirs = _pair(unless_forked, messages.WORKER_TO_SUPERVISOR, messages.SUPERVISOR_TO_WORKER)
            launchers = self._channels_to_launchers(name, unless_forked)
            start = self._worker_start(
                name, services, theirs, {key: end for key, (_, end, _) in launchers.items()}, packets
            )
            child = self._fork(Role.WORKER, name, (ours, theirs), lambda: worker.run(start))
            unless_forked.pop_all()
        for process, worker_end, launcher_end in launchers.values():
            worker_end.close()
            self._attach(process, child.pid, launcher_end)

    def _worker_start(
        self,
        name: str,
        services: tuple[Service, ...],
        channel: Channel,
        launchers: dict[str, Channel],
        packets: dict[str, socket.socket],
    ) -> WorkerStart:
        keys = {service.key for service in services}
        launchers_of = {key: self._parts.launchers_of(key) for key in keys}
        return WorkerStart(
            name=name,
            generation=self._generation,
            services=services,
            listeners=tuple(listener for listener in self._listeners if listener.service in keys),
            supervisor=channel,
            credentials=worker_credentials(name, services, self._settings.worker_credentials),
            hosts_allow=self._settings.hosts_allow,
            hosts_deny=self._settings.hosts_deny,
            logs=self._logs,
            launchers=launchers,
            launchers_of={key: names for key, names in launchers_of.items() if names},
            packets=packets,
            bans=self._bans(),
            drain_timeout=self._settings.drain,
        )

    def _channels_to_launchers(
        self, worker: str, unless_forked: ExitStack
    ) -> dict[str, tuple[Child, Channel, Channel]]:
        """A fresh channel to each launcher, also to those that only wait for an earlier worker's programs."""
        return {
            _attachment(child): (child, *_worker_launcher_pair(unless_forked))
            for child in self._children.of(Role.LAUNCHER)
            if self._needs(worker, child.name)
        }

    def _needs(self, worker: str, launcher: str) -> bool:
        """Tell whether a worker has to do with a launcher: the common one with all, others with those they need.

        A worker that was taken over can have every program started that its launchers know of.
        """
        if worker == COMMON:
            return True
        services = self._parts.workers.get(worker, ())
        return any(launcher in self._parts.launchers_of(service.key) for service in services)

    def _start_launcher(self, name: str) -> None:
        """Fork the launcher and introduce it to the running workers."""
        if not (services := self._parts.launchers.get(name)):
            return
        settings = self._settings
        drop = settings.worker_credentials is not None
        with ExitStack() as unless_forked:
            ours, theirs = _pair(
                unless_forked, messages.LAUNCHER_TO_SUPERVISOR, messages.SUPERVISOR_TO_LAUNCHER
            )
            start = LauncherStart(
                name, self._parts.credentials[name], drop, services, theirs,
                settings.hosts_allow, settings.hosts_deny,
            )  # fmt: skip
            child = self._fork(Role.LAUNCHER, name, (ours, theirs), lambda: launcher.run(start))
            unless_forked.pop_all()
        self._introduce_everywhere(child)

    def _introduce_everywhere(self, new: Child) -> None:
        """A launcher that some worker never hears of would keep services waiting: then another has to be made."""
        try:
            for process in self._children.of(Role.WORKER):
                if not process.draining and self._needs(process.name, new.name):
                    self._introduce(process, new)
        except OSError as error:
            log.error(events.LAUNCHER_LOST, name=new.name, reason=error.strerror, count=0)
            os.kill(new.pid, signal.SIGKILL)

    def _introduce(self, process: Child, new: Child) -> None:
        """Give a running worker a channel to a launcher that was started after it."""
        with ExitStack() as sent:
            worker_end, launcher_end = _worker_launcher_pair(sent)
            process.tell(messages.Channel(_attachment(new)), worker_end.fileno())
            self._attach(new, process.pid, launcher_end)

    def _attach(self, process: Child, worker_pid: int, launcher_end: Channel) -> None:
        process.workers.add(worker_pid)
        process.tell(messages.Attach(worker_pid), launcher_end.fileno())
        launcher_end.close()

    def _fork(
        self, role: Role, name: str, channel: tuple[Channel, Channel], main: Callable[[], int]
    ) -> Child:
        ours, theirs = channel
        title = f"{role.value} {name}"

        def child_main() -> int:
            self._forget()
            if self._settings.background:
                leave_terminal()
            identify(title)
            return main()

        pid = fork(title, child_main)
        theirs.close()
        child = Child(role, name, pid, ours, time.monotonic(), self._generation)
        self._children.add(child)
        self._watch(child)
        log.info(STARTED[role], name=name, pid=pid)
        return child

    def reopen_logs(self) -> None:
        """Open the log files anew (after a rotation) and pass them to the workers."""
        descriptors, problems = self._logs.reopen()
        for problem in problems:
            log.error(events.LOG_FAILED, path=problem.path, reason=problem.reason)
        for path, descriptor in descriptors.items():
            for process in self._children.of(Role.WORKER):
                process.tell(messages.LogFile(path), descriptor)


def _programs(services: tuple[Service, ...]) -> list[object]:
    """What a launcher has to know of its services; who may connect, and on which line, is no business of its."""
    return [launched(service) for service in services]


def _names(*parts: dict[str, tuple[Service, ...]]) -> list[str]:
    """The names in any of these, each once, in their order."""
    return list(dict.fromkeys(name for part in parts for name in part))


def _worker_launcher_pair(cleanup: ExitStack) -> tuple[Channel, Channel]:
    """The worker's end and the launcher's."""
    return _pair(cleanup, messages.LAUNCHER_TO_WORKER, messages.WORKER_TO_LAUNCHER)


def _pair(cleanup: ExitStack, left_receives: Kinds, right_receives: Kinds) -> tuple[Channel, Channel]:
    """Make a channel that is closed with ``cleanup``. Raises OSError."""
    left, right = Channel.pair(left_receives, right_receives)
    cleanup.callback(left.close)
    cleanup.callback(right.close)
    return left, right


def _attachment(child: Child) -> str:
    """A worker's name for a launcher: several generations of one can be alive, all but one of them draining."""
    return f"{child.name} (draining, {child.pid})" if child.draining else child.name
