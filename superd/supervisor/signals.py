"""Signals as readable bytes: the loop learns of them from a socket, between two steps, never inside one."""

import signal
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

WATCHED: Final = (
    signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD,
)  # fmt: skip
"""The signals the supervisor acts on; SIGINT is what a terminal's Ctrl-C sends."""

IGNORED: Final = (signal.SIGPIPE, signal.SIGALRM)
"""SIGALRM has openbsd-inetd retry what it could not bind, which superd does by itself; xinetd ignores it as well."""

_READ_SIZE: Final = 4096


class Signals:
    """Collects ``WATCHED`` signals; ``fileno`` is readable while some wait to be taken."""

    def __init__(self) -> None:
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        self._waiting: dict[signal.Signals, None] = {}
        for number in WATCHED:
            signal.signal(number, self._arrived)
        for number in IGNORED:
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)

    def fileno(self) -> int:
        """The descriptor to select on."""
        return self._receiver.fileno()

    def take(self) -> Iterable[signal.Signals]:
        """Every signal that came since the last call, each once, in order of arrival.

        The socket only wakes the loop: a flood of one signal fills it, and must not push another one out.
        """
        with suppress(BlockingIOError):
            self._receiver.recv(_READ_SIZE)
        taken, self._waiting = self._waiting, {}
        return taken

    def forget(self) -> None:
        """In a forked child: restore the defaults, which it may change before it unblocks signals, and close."""
        signal.set_wakeup_fd(-1)
        for number in (*WATCHED, *IGNORED):
            signal.signal(number, signal.SIG_DFL)
        self._receiver.close()
        self._sender.close()

    def _arrived(self, number: int, _frame: object) -> None:
        """Note the signal; the wake-up descriptor has been written to already."""
        self._waiting[signal.Signals(number)] = None
