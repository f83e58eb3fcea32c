"""What a forked process changes about itself before it serves as a launcher: ``prepare``, ``Children``, ``ended``."""

import os
import resource
import selectors
import signal
import socket
from collections.abc import Collection, Iterator
from contextlib import suppress
from types import FrameType
from typing import Final

from superd.privsep.descriptors import keep_only

_IGNORED: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""Meant for the supervisor when they reach the whole process group; a launcher follows its messages instead."""

_ENDED: Final = (signal.SIGCHLD,)

_SIGNALS_AT_ONCE: Final = 4096
"""Signals taken from the wakeup socket at a time; if there were more, it is just readable once again."""


def prepare(keep: Collection[int]) -> None:
    """Keep no descriptor but 0, 1, 2 and these; no handler of the supervisor; ``/``; NOFILE as high as allowed.

    The NOFILE limit is what the programs inherit: Debian's xinetd gives them its hard limit as the soft one too.
    """
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    keep_only(keep)
    os.chdir("/")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Children:
    """Wakes a selector when a child has ended (SIGCHLD); makes signals possible again after a fork blocked them."""

    def __init__(self) -> None:
        self._reading, self._writing = socket.socketpair()
        self._reading.setblocking(False)
        self._writing.setblocking(False)
        signal.signal(signal.SIGCHLD, _noted)
        signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        signal.pthread_sigmask(signal.SIG_SETMASK, _ENDED)

    def wait(
        self, selector: selectors.BaseSelector, seconds: float | None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        """Select; SIGCHLD comes in here and nowhere else, so that many ended children are one interruption."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDED)
        try:
            return selector.select(seconds)
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, _ENDED)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable."""
        return self._reading.fileno()

    def clear(self) -> None:
        """Forget the signals so far; to be called before reaping, so that none is missed."""
        self._reading.recv(_SIGNALS_AT_ONCE)


def ended() -> Iterator[tuple[int, int, resource.struct_rusage]]:
    """Reap every child that has ended: pid, wait(2) status, and what it used."""
    with suppress(ChildProcessError):
        while (child := os.wait4(-1, os.WNOHANG))[0]:
            yield child


def _noted(number: int, frame: FrameType | None) -> None:
    """Do nothing: the wakeup socket has it already, but it is written to only for signals with a handler."""
