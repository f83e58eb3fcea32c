"""Signals as readable bytes: the loop learns of them from a socket, between two steps, never inside one."""

import signal
import socket
from collections.abc import Iterable
from typing import Final

WATCHED: Final = (
    signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD,
)  # fmt: skip
"""The signals the supervisor acts on; SIGINT is what a terminal's Ctrl-C sends."""

_READ_SIZE: Final = 4096


class Signals:
    """Collects ``WATCHED`` signals; ``fileno`` is readable while some wait to be taken."""

    def __init__(self) -> None:
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        for number in WATCHED:
            signal.signal(number, _arrived)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)

    def fileno(self) -> int:
        """The descriptor to select on."""
        return self._receiver.fileno()

    def take(self) -> Iterable[signal.Signals]:
        """Every signal that came since the last call, each once, in order of arrival."""
        try:
            numbers = self._receiver.recv(_READ_SIZE)
        except BlockingIOError:
            return ()
        return dict.fromkeys(signal.Signals(number) for number in numbers)

    def forget(self) -> None:
        """In a forked child: restore the defaults (which it may change before it unblocks signals), close the sockets."""
        signal.set_wakeup_fd(-1)
        for number in (*WATCHED, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        self._receiver.close()
        self._sender.close()


def _arrived(_number: int, _frame: object) -> None:
    """Let the wake-up descriptor do the work; without a handler the default action would be taken."""
