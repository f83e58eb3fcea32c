"""The supervisor's children: one ``Child`` per worker or launcher, forked and watched by ``Children``."""

import os
import select
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NoReturn

import structlog
from setproctitle import setproctitle

from superd.log import events
from superd.privsep import messages
from superd.privsep.channel import Channel

log = structlog.get_logger()

RESTART_FIRST: Final = 0.1
"""Seconds before the first restart of a process that died."""

RESTART_LIMIT: Final = 30.0
"""Longest wait between two restarts: a broken built-in must not eat a processor, and an administrator may be
mending it.
"""

STABLE_AFTER: Final = 60.0
"""Seconds of life after which an earlier crash is forgotten."""

READ_LIMIT: Final = 1.0
"""Seconds for a child to read something when its buffer of messages is full; the supervisor waits meanwhile, once:
then the child is ended."""

_EXIT_CRASHED: Final = 70
"""EX_SOFTWARE of sysexits.h: the child's main function raised."""


class Role(Enum):
    """What a child process does."""

    WORKER = "worker"
    LAUNCHER = "launcher"


STARTED: Final = {Role.WORKER: events.WORKER_STARTED, Role.LAUNCHER: events.LAUNCHER_STARTED}
EXITED: Final = {Role.WORKER: events.WORKER_EXITED, Role.LAUNCHER: events.LAUNCHER_EXITED}
RESTARTING: Final = {Role.WORKER: events.WORKER_RESTARTING, Role.LAUNCHER: events.LAUNCHER_RESTARTING}


@dataclass(slots=True)
class Child:
    """One forked process and our end of its channel."""

    role: Role
    name: str
    pid: int
    channel: Channel
    started: float
    """CLOCK_MONOTONIC in seconds."""
    generation: int
    ready: bool = False
    draining: bool = False
    released: bool = False
    """A draining worker that has said ``Drained``: its successor may start."""
    asked: int = 0
    """How many times it was told to describe its state and has not finished; it may answer late, and all at once."""
    punished: bool = False
    """Whether it has been killed; what it said before is not listened to any more."""
    workers: set[int] = field(default_factory=set)
    """Pids of the workers that a launcher serves."""

    def tell(self, message: messages.Message, descriptor: int | None = None) -> None:
        """Send a message; end a child that leaves a whole buffer of them unread, ignore one that is gone."""
        try:
            if not self._sent(message, descriptor) and not (
                self._reads() and self._sent(message, descriptor)
            ):
                log.error(events.PROTOCOL_VIOLATION, name=self.title, pid=self.pid, reason="it does not read")
                os.kill(self.pid, signal.SIGKILL)
        except ConnectionError:
            return  # it has died, and is about to be buried

    def _sent(self, message: messages.Message, descriptor: int | None) -> bool:
        try:
            self.channel.send(message, descriptor)
        except BlockingIOError:
            return False
        return True

    def _reads(self) -> bool:
        """Wait for room: a thousand log files make a thousand messages, and the child may be busy."""
        poll = select.poll()
        poll.register(self.channel.fileno(), select.POLLOUT)
        return bool(poll.poll(READ_LIMIT * 1000))

    @property
    def title(self) -> str:
        """How logs and ps name it."""
        return f"{self.role.value} {self.name}"


class Backoff:
    """How long to wait before a process that keeps dying is started again."""

    def __init__(self) -> None:
        self._delays: dict[tuple[Role, str], float] = {}

    def after(self, child: Child, now: float) -> float:
        """Seconds to wait now that this child has died: twice as long each time, up to ``RESTART_LIMIT``."""
        if now - child.started >= STABLE_AFTER:
            self._delays.pop((child.role, child.name), None)
        return self.failed(child.role, child.name)

    def failed(self, role: Role, name: str) -> float:
        """Seconds to wait now that such a process died, or could not even be made."""
        key = (role, name)
        delay = self._delays.get(key, RESTART_FIRST)
        self._delays[key] = min(delay * 2, RESTART_LIMIT)
        return delay


def fork(title: str, child_main: Callable[[], int]) -> int:
    """Fork; the child runs ``child_main`` and exits with its result, the parent gets the pid.

    Signals are blocked across the fork, so that none reaches the child before it has its own handlers; it
    unblocks them.
    """
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    pid = os.fork()
    if pid == 0:
        _run_child(title, child_main)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    return pid


def _run_child(title: str, child_main: Callable[[], int]) -> NoReturn:
    """Never return: an exception must not climb into the supervisor's loop."""
    status = _EXIT_CRASHED
    try:
        setproctitle(f"superd: {title}")
        status = child_main()
    except BaseException as error:  # whatever it was, this process ends here
        log.error(events.PROCESS_CRASHED, name=title, error=f"{type(error).__name__}: {error}")
        log.debug(events.PROCESS_CRASHED, name=title, exc_info=True)
    finally:
        os._exit(status)


class Children:
    """Every living child, by pid."""

    def __init__(self) -> None:
        self._by_pid: dict[int, Child] = {}

    def __iter__(self) -> Iterator[Child]:
        return iter(list(self._by_pid.values()))

    def __len__(self) -> int:
        return len(self._by_pid)

    def add(self, child: Child) -> None:
        """Remember a child that was just forked."""
        self._by_pid[child.pid] = child

    def of(self, role: Role) -> list[Child]:
        """The children in one role, draining ones included."""
        return [child for child in self if child.role is role]

    def current(self, role: Role, name: str) -> Child | None:
        """The one that serves now, as opposed to those that drain."""
        serving = (child for child in self.of(role) if child.name == name and not child.draining)
        return next(serving, None)

    def find(self, pid: int) -> Child | None:
        """The child with this pid."""
        return self._by_pid.get(pid)

    def reap(self) -> Iterator[tuple[Child, int]]:
        """Yield each child that has ended, with its wait status, and forget it."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if child := self._by_pid.pop(pid, None):
                yield child, status
