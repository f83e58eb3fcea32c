"""A launcher at work: ``Launcher``, a plain loop over supervisor, workers and ended children.

Draining: after ``Drain``, or when the supervisor is gone, it ends as soon as no program or command runs, every worker
that was attached until then has closed its channel (it may have asked for a program already), and what it had to say
has been read. Workers attached while it drains are told what runs, and do not keep it.
"""

import errno
import os
import selectors
from functools import partial
from typing import Final

from superd.errors import ProtocolViolation
from superd.launcher import spawn, state
from superd.launcher.commands import Commands
from superd.launcher.outbox import Outbox
from superd.launcher.process import Children, ended
from superd.launcher.programs import plans
from superd.launcher.ruled import RuledServices, Start
from superd.launcher.rules import RefusalError
from superd.launcher.table import PROGRAM_LIMIT, Attached, Table
from superd.privsep.channel import Channel
from superd.privsep.messages import (
    WORKER_TO_LAUNCHER,
    Attach,
    Command,
    CommandEnded,
    Drain,
    Dump,
    Exited,
    Failed,
    Introduced,
    Launch,
    Ready,
    RuledLaunch,
    Running,
    Started,
    StateEnd,
    StateLine,
    Violation,
)
from superd.processes import LauncherStart

BURST: Final = 16
"""Messages taken from one worker before the others and ended children get their turn."""

Answer = Started | Failed | Exited | Running | Introduced | CommandEnded

_SHOWN: Final = 40
"""Characters of an unknown service's name that are repeated to the supervisor."""


class Launcher:
    """Serves until it is told to drain and has. ``start.supervisor`` becomes its own."""

    def __init__(self, start: LauncherStart) -> None:
        self._name = start.name
        self._plans = plans(start.services)
        self._ruled = RuledServices(start)
        self._commands = Commands(self._ruled)
        self._table = Table()
        self._workers: list[Attached] = []
        self._answered: set[Attached] = set()
        self._supervisor = start.supervisor
        self._outbox = Outbox(start.supervisor)
        self._supervised = True
        self._draining = False
        self._children = Children()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._children, selectors.EVENT_READ, self._on_children)
        self._selector.register(self._supervisor, selectors.EVENT_READ, self._on_supervisor)

    def run(self) -> None:
        """Say that it is ready, and serve."""
        self._report(Ready())
        while not self._finished():
            self._turn()

    def _turn(self) -> None:
        """Start programs first, for clients wait for them; nobody waits for those that have ended."""
        ready = self._children.wait(self._selector, self._commands.wait())
        for key, events in sorted(ready, key=self._is_children):
            key.data(events)
        self._commands.expire()
        self._answer()

    def _is_children(self, ready: tuple[selectors.SelectorKey, int]) -> bool:
        return ready[0].fileobj is self._children

    def _finished(self) -> bool:
        return (
            self._draining
            and not self._table
            and not self._commands
            and not self._outbox
            and all(worker.late and not worker.outbox for worker in self._workers)
        )

    # The supervisor

    def _on_supervisor(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._outbox.flush()
            self._watch_supervisor()
        try:
            message, descriptor = self._supervisor.receive()
        except BlockingIOError:
            return
        except (EOFError, ProtocolViolation):
            self._lose_supervisor()
            return
        match message:
            case Attach() if descriptor is not None:
                self._attach(message.worker, descriptor)
            case Drain():
                self._draining = True
            case Dump() if (
                not self._outbox
            ):  # one dump at a time: while it is not read, another says the same
                for line in state.describe(self._name, self._table, len(self._commands)):
                    self._report(line)

    def _lose_supervisor(self) -> None:
        """Nobody attaches or drains from now on; finish, and end."""
        self._selector.unregister(self._supervisor)
        self._supervisor.close()
        self._outbox = Outbox(self._supervisor)
        self._supervised = False
        self._draining = True

    def _report(self, message: Ready | StateLine | StateEnd | Violation) -> None:
        if self._supervised:
            self._outbox.send(message)
            self._watch_supervisor()

    def _watch_supervisor(self) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outbox else 0)
        self._selector.modify(self._supervisor, events, self._on_supervisor)

    # Workers

    def _attach(self, pid: int, descriptor: int) -> None:
        try:
            channel = Channel.adopt(descriptor, WORKER_TO_LAUNCHER)
        except ProtocolViolation as violation:
            self._report(Violation(pid, str(violation)))
            return
        worker = Attached(pid, channel, Outbox(channel), late=self._draining)
        self._workers.append(worker)
        self._selector.register(channel, selectors.EVENT_READ, partial(self._on_worker, worker))
        for message in (*self._table.introduce(worker), Introduced()):
            self._tell(worker, message)

    def _on_worker(self, worker: Attached, events: int) -> None:
        if worker not in self._workers:
            return  # expelled by what came before it in this turn
        try:
            if events & selectors.EVENT_WRITE:
                worker.outbox.flush()
                self._watch(worker)
            if events & selectors.EVENT_READ:
                self._serve(worker)
        except EOFError:
            self._detach(worker)
        except ProtocolViolation as violation:
            self._expel(worker, violation)

    def _serve(self, worker: Attached) -> None:
        """Take requests. A worker that does not read its answers is not listened to either (``_watch``)."""
        for _ in range(BURST):
            try:
                message, descriptor = worker.channel.receive()
            except BlockingIOError:
                return
            if isinstance(message, Command):
                refused = self._commands.start(message, worker)
                if refused:
                    self._tell(worker, refused)
            elif isinstance(message, Launch | RuledLaunch) and descriptor is not None:
                self._tell(worker, self._launch(worker, message, descriptor))

    def _launch(self, worker: Attached, launch: Launch | RuledLaunch, descriptor: int) -> Started | Failed:
        try:
            plan, environment = self._planned(launch)
            if len(self._table) >= PROGRAM_LIMIT:
                return Failed(launch.conn, errno.EAGAIN)
            pid = spawn.start(plan, environment, descriptor)
        except RefusalError as refusal:
            refusal.log(launch)
            return Failed(launch.conn, refusal.number)
        except OSError as error:
            return Failed(launch.conn, error.errno or errno.EIO)
        finally:
            os.close(descriptor)
        self._table.add(launch, pid, worker)
        return Started(launch.conn, pid)

    def _planned(self, launch: Launch | RuledLaunch) -> Start:
        if isinstance(launch, RuledLaunch):
            return self._ruled.program(launch)
        plan = self._plans.get(launch.service)
        if plan is None:
            raise ProtocolViolation(f"asked for an unknown service: {launch.service[:_SHOWN]!r}")
        return plan, plan.environment.of(launch)

    def _tell(self, worker: Attached, message: Answer) -> None:
        """Answer at the end of the turn: a message wakes its receiver, who would interrupt the next start."""
        try:
            worker.outbox.hold(message)
        except ProtocolViolation as violation:
            self._expel(worker, violation)
        else:
            self._answered.add(worker)

    def _answer(self) -> None:
        for worker in self._answered:
            if worker in self._workers:
                worker.outbox.flush()
                self._watch(worker)
        self._answered.clear()

    def _watch(self, worker: Attached) -> None:
        """Wait for room while answers wait, for requests otherwise."""
        if worker.blocked is not bool(worker.outbox):
            worker.blocked = not worker.blocked
            events = selectors.EVENT_WRITE if worker.blocked else selectors.EVENT_READ
            self._selector.modify(worker.channel, events, partial(self._on_worker, worker))

    def _expel(self, worker: Attached, violation: ProtocolViolation) -> None:
        self._report(Violation(worker.worker, str(violation)))
        self._detach(worker)

    def _detach(self, worker: Attached) -> None:
        if worker not in self._workers:
            return
        self._workers.remove(worker)
        self._selector.unregister(worker.channel)
        worker.channel.close()
        heir = self._workers[-1] if self._workers else None
        for message in self._table.bequeath(worker, heir):
            if heir:
                self._tell(heir, message)

    # Programs

    def _on_children(self, _events: int) -> None:
        self._children.clear()
        for pid, status, usage in ended():
            command = self._commands.ended(pid, status)
            if command:
                self._tell(*command)
                continue
            exited, workers = self._table.ended(pid, status, usage)
            for worker in workers:
                self._tell(worker, exited)
