"""Into the background: ``daemonize``. The foreground waits for it, so that scripts see errors."""

import os
import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn

from superd.privsep.descriptors import leave_terminal

READY_TIMEOUT: Final = 90.0
"""Seconds until a daemon that is not ready counts as failed, as under systemd (DefaultTimeoutStartSec)."""

_READY: Final = b"\n"


def daemonize(timeout: float = READY_TIMEOUT) -> Callable[[], None]:
    """Fork; return in the child, a session of its own, with a function to call once when it is ready.

    The parent never returns. It exits with 0 when that function is called, with the child's status when the
    child ends before (having said why on standard error, which it keeps until it is ready), and with 1 after
    ``timeout`` seconds. Must be called before any thread exists.
    """
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        os.close(writer)
        _wait(child, reader, timeout)
    os.close(reader)
    os.setsid()
    return lambda: _ready(writer)


def _ready(writer: int) -> None:
    """Let go of the terminal, then of the waiting parent."""
    sys.stdout.flush()
    sys.stderr.flush()
    leave_terminal()
    with suppress(BrokenPipeError):  # nobody waits any more
        os.write(writer, _READY)
    os.close(writer)


def _wait(child: int, reader: int, timeout: float) -> NoReturn:
    """Exit as the child's start turns out, without an interpreter's shutdown, which is the child's to run.

    The child's end is watched by a pidfd: its own children may hold the pipe open for longer.
    """
    ended = os.pidfd_open(child)
    happened, _, _ = select.select([reader, ended], [], [], timeout)
    if not happened:
        os.kill(child, signal.SIGTERM)
        _say(f"the daemon (pid {child}) was not ready after {timeout:g} seconds and was told to stop")
        os._exit(1)
    if reader in happened and os.read(reader, 1) == _READY:
        os._exit(0)
    os._exit(_failed(child))


def _failed(child: int) -> int:
    """The exit status for a daemon that ended before it was ready."""
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code < 0:
        _say(f"the daemon was killed by {signal.Signals(-code).name} before it was ready")
        return 128 - code
    return code or 1


def _say(text: str) -> None:
    sys.stderr.write(f"superd: {text}\n")
    sys.stderr.flush()
