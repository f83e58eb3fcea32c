"""The life of a worker process: ``run``."""

import asyncio
import signal

import uvloop

from superd import log
from superd.privsep.drop import drop
from superd.processes import WorkerStart
from superd.worker.engine import Engine
from superd.worker.inherited import release_others

_IGNORED = (signal.SIGPIPE, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
"""What a terminal or an administrator may send to the whole process group is the supervisor's to act on."""


def run(start: WorkerStart) -> int:
    """Make this forked process a worker, serve until drained, and return its exit status, 0.

    Raises:
        PrivilegeError: it could not drop its privileges; nothing was read.
    """
    log.identify(f"worker {start.name}")
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    start.logs.keep_only(start.services)
    release_others(start)
    if start.credentials is not None:
        drop(start.credentials.uid, start.credentials.gid, start.credentials.groups, confine=True)
    uvloop.run(_serve(start))
    return 0


async def _serve(start: WorkerStart) -> None:
    await Engine(start, asyncio.get_running_loop()).run()
