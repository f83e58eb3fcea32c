"""Starting a program on a descriptor: ``start``.

The program gets the descriptor, in blocking mode, as 0, 1 and 2 and nothing else (all of ours are close-on-exec);
a session and process group of its own; an empty signal mask, every signal at its default; ``/`` as directory and
the ids, nice and NOFILE limit of the launcher; its service's umask, arguments and environment.
"""

import errno
import os
import signal
from typing import Final

from superd.launcher import limited
from superd.launcher.programs import Plan

_EVERY_SIGNAL: Final = frozenset(signal.valid_signals())
_ALL_BUT_HANGUP: Final = _EVERY_SIGNAL - {signal.SIGHUP}
"""A launcher ignores SIGHUP, so it stays ignored."""


def start(plan: Plan, environment: dict[str, str], descriptor: int) -> int:
    """Start the program and return its pid; the descriptor stays the caller's to close.

    The launcher creates no files, so its umask is simply that of the program started last.

    Raises:
        OSError: the program can't be executed, or no process can be made.
    """
    try:
        os.set_blocking(descriptor, True)
        os.umask(plan.umask)
        if plan.forked:
            return limited.start(plan, environment, descriptor)
        return _spawn(plan, environment, descriptor)
    except ValueError as error:  # a NUL, or something that is not text, in the configuration
        raise OSError(errno.EINVAL, str(error)) from error


def _spawn(plan: Plan, environment: dict[str, str], descriptor: int) -> int:
    return os.posix_spawn(
        plan.path,
        plan.argv,
        environment,
        file_actions=(
            (os.POSIX_SPAWN_DUP2, descriptor, 0),
            (os.POSIX_SPAWN_DUP2, descriptor, 1),
            (os.POSIX_SPAWN_DUP2, descriptor, 2),
        ),
        setsid=True,
        setsigmask=(),
        setsigdef=_ALL_BUT_HANGUP if plan.ignores_hangup else _EVERY_SIGNAL,
    )
