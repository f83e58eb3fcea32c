"""Starting a program with resource limits, another niceness or other ids, which posix_spawn(3) can't set: ``start``.

The launcher forks (it has one thread and no event loop, so that is safe), and the child sets everything before it
becomes the program. Why it could not is reported through a pipe that a successful execve(2) closes, so that the
launcher's answer is as exact as posix_spawn's.
"""

import contextlib
import errno
import os
import resource
import signal
import sys
from typing import Final, NoReturn

from superd.launcher.programs import Plan

_ERRNO_SIZE: Final = 4
_EXEC_FAILED: Final = 127
"""Exit status nobody sees: the launcher reaps this child before it answers."""


def start(plan: Plan, environment: dict[str, str], descriptor: int) -> int:
    """Start the program with its limits, niceness and ids, and return its pid.

    Raises:
        OSError: the program can't be executed, or no process can be made.
    """
    reading, writing = os.pipe()
    try:
        pid = os.fork()
        if pid == 0:
            _become(plan, environment, descriptor, writing)
        os.close(writing)
        writing = -1
        report = os.read(reading, _ERRNO_SIZE)
    finally:
        os.close(reading)
        if writing >= 0:
            os.close(writing)
    if report:
        os.waitpid(pid, 0)
        number = int.from_bytes(report, sys.byteorder)
        raise OSError(number, os.strerror(number), plan.path)
    return pid


def _become(plan: Plan, environment: dict[str, str], descriptor: int, report: int) -> NoReturn:
    """Turn this forked child into the program; never returns into the launcher's code."""
    try:
        os.setsid()
        for number in (0, 1, 2):
            os.dup2(descriptor, number)
        _default_signals(signal.SIGHUP if plan.ignores_hangup else 0)
        _set_limits(plan)
        _set_nice(plan)
        _set_ids(plan)
        os.execve(plan.path, plan.argv, environment)  # noqa: S606 - that is the purpose
    except OSError as error:
        os.write(report, (error.errno or errno.EIO).to_bytes(_ERRNO_SIZE, sys.byteorder))
    except MemoryError:
        os.write(report, errno.ENOMEM.to_bytes(_ERRNO_SIZE, sys.byteorder))
    except ValueError:
        os.write(report, errno.EINVAL.to_bytes(_ERRNO_SIZE, sys.byteorder))
    finally:
        os._exit(_EXEC_FAILED)


def _default_signals(besides: int) -> None:
    """Undo what an execve(2) would pass on: ignored signals, one perhaps excepted, and the mask.

    Handlers it resets by itself.
    """
    for number in signal.valid_signals():
        if number != besides and signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _set_limits(plan: Plan) -> None:
    """Set soft and hard limits alike; a limit above the present hard one is left, as xinetd leaves it."""
    for number, value in plan.limits:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(number, (value, value))


def _set_nice(plan: Plan) -> None:
    """Add to the niceness; that it may not be lowered is no reason to refuse anybody (hosts_options(5))."""
    if plan.nice:
        with contextlib.suppress(PermissionError):
            os.nice(plan.nice)


def _set_ids(plan: Plan) -> None:
    """Become somebody else, groups first; with root gone, the kernel takes the capabilities (capabilities(7))."""
    if plan.ids is not None:
        os.setgroups(plan.ids.groups)
        os.setresgid(plan.ids.gid, plan.ids.gid, plan.ids.gid)
        os.setresuid(plan.ids.uid, plan.ids.uid, plan.ids.uid)
