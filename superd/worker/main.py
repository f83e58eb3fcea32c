"""The life of a worker process: ``run``."""

import asyncio
import signal

import structlog
import uvloop

from superd import log
from superd.log import events
from superd.privsep.descriptors import keep_only
from superd.privsep.drop import drop
from superd.processes import WorkerStart
from superd.worker.engine import Engine

logger = structlog.get_logger()

_IGNORED = (
    signal.SIGPIPE,
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
"""What a terminal or an administrator may send to the whole process group is the supervisor's to act on, and a program
that runs as the workers' user must not stop them this way."""


def run(start: WorkerStart) -> int:
    """Make this forked process a worker, serve until drained, and return its exit status, 0.

    Raises:
        PrivilegeError: it could not drop its privileges; nothing was read.
    """
    log.identify(f"worker {start.name}")
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    start.logs.keep_only(start.services)
    keep_only(_own_descriptors(start))
    if start.credentials is not None:
        drop(start.credentials.uid, start.credentials.gid, start.credentials.groups, confine=True)
    uvloop.run(_serve(start))
    return 0


def _own_descriptors(start: WorkerStart) -> set[int]:
    """What this worker needs of all that it inherited."""
    channels = {channel.fileno() for channel in (start.supervisor, *start.launchers.values())}
    sockets = {listener.socket.fileno() for listener in start.listeners}
    packets = {sock.fileno() for sock in start.packets.values()}
    return channels | sockets | packets | start.logs.descriptors() | log.descriptors()


async def _serve(start: WorkerStart) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_failed)
    await Engine(start, loop).run()


def _failed(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Log what a callback raised, which the worker survives; without this, asyncio writes a traceback."""
    error = context.get("exception")
    text = f"{type(error).__name__}: {error}" if error else str(context.get("message"))
    logger.error(events.PROCESS_FAILED, name="worker", error=text)
    logger.debug(events.PROCESS_FAILED, name="worker", exc_info=error)
