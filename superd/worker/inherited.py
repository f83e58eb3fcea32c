"""``release_others``: letting go of the sockets of others that a fork inherited."""

import os
import socket
import stat
from pathlib import Path
from typing import Final

from superd.processes import WorkerStart

_OPEN: Final = Path("/proc/self/fd")


def release_others(start: WorkerStart) -> None:
    """Put /dev/null in the place of every bound or passive socket that is not this worker's.

    A port whose service was removed would stay open otherwise, and the end of another process's channel would
    never be seen. They are replaced, not closed, because objects that believe to own the numbers still exist.
    What logs are written to (files, pipes, connected sockets without a name) is left alone.
    """
    own = {0, 1, 2, start.supervisor.fileno()}
    own.update(listener.socket.fileno() for listener in start.listeners)
    own.update(channel.fileno() for channel in start.launchers.values())
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for fd in {int(entry.name) for entry in _OPEN.iterdir()} - own:
        if _is_foreign(fd):
            os.dup2(null, fd, inheritable=False)
    os.close(null)


def _is_foreign(fd: int) -> bool:
    try:
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            return False
    except OSError:
        return False  # the one that listed the others
    with socket.socket(fileno=os.dup(fd)) as sock:
        if sock.family != socket.AF_UNIX:
            return True
        return bool(sock.getsockname()) or sock.type == socket.SOCK_SEQPACKET
