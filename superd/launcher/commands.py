"""The commands that rules have run beside the service (``spawn``, ``aclexec``): ``Commands`` bounds number and time.

A command leads a process group of its own. It occupies its place until the group is empty, so what a shell leaves
behind with ``&`` counts, too, and is ended when its time is over; its worker is answered as soon as the shell ends.
What leaves the group (setsid(1), a daemon) is on its own.
"""

import errno
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from superd.access.prefixes import CROWD, Key, counted_by
from superd.config.origin import Origin
from superd.launcher import spawn
from superd.launcher.ruled import RuledServices
from superd.launcher.rules import RefusalError, log_failure
from superd.launcher.table import Attached
from superd.privsep.messages import Command, CommandEnded

COMMANDS_LIMIT: Final = 32
"""Commands of one launcher at a time: each is a shell or more, and whoever opens connections decides how often."""

NETWORK_LIMIT: Final = 16
"""Of these, commands for the clients of one network: what safe_finger(8) asks about a client, that client answers as
slowly as it likes, and an ``aclexec`` that is not run refuses whoever it is about."""

COMMAND_TIMEOUT: Final = 20.0
"""Seconds for a command and all that it leaves behind: longer than safe_finger(8) or a look-up takes; with
``KILL_AFTER``, less than a stop of the daemon waits (30 s)."""

KILL_AFTER: Final = 5.0
"""Seconds between SIGTERM and SIGKILL."""

GROUP_INTERVAL: Final = 1.0
"""Seconds between two looks at whether what a shell has left behind is gone; nothing tells us."""

FAILED: Final = -1
"""Status of a command that could not be run, or took too long."""

_network = counted_by(CROWD)


@dataclass(slots=True, eq=False)
class _Group:
    """A process group; ``waits`` for the shell's end is the worker that asked."""

    command: Command
    origin: Origin
    network: Key
    """Where its client comes from; empty for clients of Unix sockets."""
    waits: Attached | None
    due: float
    signalled: bool = False


class Commands:
    """The process groups of the commands, by the pid of their shells."""

    def __init__(self, ruled: RuledServices) -> None:
        self._ruled = ruled
        self._groups: dict[int, _Group] = {}
        self._looked = 0.0
        self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)

    def __len__(self) -> int:
        return len(self._groups)

    def start(self, command: Command, worker: Attached) -> CommandEnded | None:
        """Start a command; if that fails, return the answer. Raises ProtocolViolation."""
        try:
            origin, pid = self._started(command)
        except RefusalError as refusal:
            refusal.log(command)
            return CommandEnded(command.number, FAILED)
        due = time.monotonic() + COMMAND_TIMEOUT
        self._groups[pid] = _Group(command, origin, _network(command.peer_host), worker, due)
        return None

    def _started(self, command: Command) -> tuple[Origin, int]:
        origin, (plan, environment) = self._ruled.command(command)
        if len(self._groups) >= COMMANDS_LIMIT:
            raise RefusalError(errno.EAGAIN, f"{COMMANDS_LIMIT} commands run already", origin)
        network = _network(command.peer_host)
        if network and sum(group.network == network for group in self._groups.values()) >= NETWORK_LIMIT:
            why = f"{NETWORK_LIMIT} commands run already for clients of its network"
            raise RefusalError(errno.EAGAIN, why, origin)
        try:
            return origin, spawn.start(plan, environment, self._null)
        except OSError as error:
            why = f"its command can't be started: {error.strerror or error}"
            raise RefusalError(error.errno or errno.EIO, why, origin) from error

    def ended(self, pid: int, status: int) -> tuple[Attached, CommandEnded] | None:
        """Take note of the end of a child that was reaped; ``None`` if it was none of these."""
        group = self._groups.get(pid)
        if group is None or group.waits is None:
            return None
        worker, group.waits = group.waits, None
        self._look(pid)
        return worker, CommandEnded(group.command.number, FAILED if group.signalled else status)

    def wait(self) -> float | None:
        """Seconds until ``expire`` has to be called again; ``None``: not at all."""
        if not self._groups:
            return None
        first = min(group.due for group in self._groups.values()) - time.monotonic()
        left_behind = any(group.waits is None for group in self._groups.values())
        return max(0.0, min(first, GROUP_INTERVAL) if left_behind else first)

    def expire(self) -> None:
        """End what takes too long, and forget groups that are gone."""
        if not self._groups:
            return
        now = time.monotonic()
        look = now - self._looked >= GROUP_INTERVAL
        if look:
            self._looked = now
        for pid, group in tuple(self._groups.items()):
            if group.waits is None and (look or group.due <= now) and not self._look(pid):
                continue
            if group.due <= now:
                self._end(pid, group)
                group.due = now + KILL_AFTER

    def _end(self, pid: int, group: _Group) -> None:
        if not group.signalled:
            why = f"its command takes longer than {COMMAND_TIMEOUT:g} seconds and is ended"
            log_failure(group.command, group.origin, why)
        with suppress(OSError):
            os.killpg(pid, signal.SIGKILL if group.signalled else signal.SIGTERM)
        group.signalled = True

    def _look(self, pid: int) -> bool:
        """Tell whether the group of a shell that was reaped has members, and forget it otherwise.

        As long as it has, the kernel gives its number to nobody else: a process of that number is a stranger.
        """
        with suppress(ProcessLookupError):
            os.getpgid(pid)
            del self._groups[pid]
            return False
        with suppress(OSError):
            os.killpg(pid, 0)
            return True
        del self._groups[pid]
        return False
