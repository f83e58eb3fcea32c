"""A real launcher process for tests: ``running(services)``, and the supervisor's and workers' ends of its channels."""

import contextlib
import os
import pwd
import select
import signal
import socket
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from helpers.net import DEADLINE
from superd.config.model import Credentials, Endpoint, Family, Program, ResourceLimit, Service, SocketType
from superd.config.origin import Origin
from superd.launcher.main import run
from superd.privsep.channel import Channel
from superd.privsep.messages import (
    LAUNCHER_TO_SUPERVISOR,
    LAUNCHER_TO_WORKER,
    SUPERVISOR_TO_LAUNCHER,
    WORKER_TO_LAUNCHER,
    Attach,
    Introduced,
    Launch,
    Message,
    Ready,
    RuledLaunch,
)
from superd.processes import LauncherStart
from superd.supervisor.warmup import warm_up

M = TypeVar("M", bound=Message)

_CRASHED = 70


def identity() -> Credentials:
    """Whom programs run as: nobody, or with less than root the caller."""
    entry = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    return Credentials(user=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def program(
    *argv: str,
    path: str = "/bin/sh",
    env: tuple[tuple[str, str], ...] = (("PATH", "/usr/bin:/bin"),),
    umask: int = 0o022,
    limits: tuple[ResourceLimit, ...] = (),
) -> Program:
    return Program(path=path, argv=argv, env=env, credentials=identity(), umask=umask, limits=limits)


def shell(script: str, *, limits: tuple[ResourceLimit, ...] = ()) -> Program:
    return program("sh", "-c", script, limits=limits)


def service(
    key: str,
    action: Program,
    *,
    socket_type: SocketType = SocketType.STREAM,
    family: Family = Family.INET,
    address: str = "127.0.0.1",
    wait: bool = False,
) -> Service:
    protocol = {SocketType.STREAM: "tcp", SocketType.DGRAM: "udp"}[socket_type]
    endpoint = Endpoint(
        family=family,
        socket_type=socket_type,
        protocol="" if family is Family.UNIX else protocol,
        address=address,
    )
    return Service(
        key=key,
        id=key,
        name=key,
        origin=Origin("test", 1),
        socket_type=socket_type,
        wait=wait,
        endpoints=(endpoint,),
        action=action,
    )


def launch(name: str, conn: int = 1, peer: tuple[str, int] = ("192.0.2.7", 40000)) -> Launch:
    return Launch(name, conn, *peer, "198.51.100.1", 13)


def receive_any(channel: Channel) -> Message:
    """The next message, which carries no descriptor; of an introduction, only what runs."""
    message = receive_even_the_end_of_an_introduction(channel)
    return receive_any(channel) if message == Introduced() else message


def receive_even_the_end_of_an_introduction(channel: Channel) -> Message:
    """The next message."""
    readable, _, _ = select.select([channel], [], [], DEADLINE)
    assert readable, f"no message within {DEADLINE:g} s"
    message, descriptor = channel.receive()
    assert descriptor is None
    return message


def receive(channel: Channel, kind: type[M]) -> M:
    """The next message, which must be of this kind."""
    message = receive_any(channel)
    assert isinstance(message, kind), message
    return message


def receive_end(channel: Channel) -> None:
    """Check that the other end has closed the channel and said nothing more."""
    readable, _, _ = select.select([channel], [], [], DEADLINE)
    assert readable, "the channel is still open"
    with contextlib.suppress(EOFError):
        message, _ = channel.receive()
        assert message == Introduced(), message
        receive_end(channel)


def read_all(connection: socket.socket) -> bytes:
    """Everything the program writes until it closes."""
    connection.settimeout(DEADLINE)
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


@dataclass
class Launching:
    """A running launcher, from its supervisor's point of view."""

    pid: int
    supervisor: Channel
    stack: contextlib.ExitStack

    def attach(self, worker: int = 1000) -> Channel:
        """Attach a worker and return its end."""
        ours, theirs = Channel.pair(LAUNCHER_TO_WORKER, WORKER_TO_LAUNCHER)
        self.stack.callback(ours.close)
        with contextlib.closing(theirs):
            self.supervisor.send(Attach(worker), theirs.fileno())
        return ours

    def start(self, worker: Channel, request: Launch | RuledLaunch) -> socket.socket:
        """Ask for a program on one end of a fresh socket pair; return the other end."""
        ours, theirs = socket.socketpair()
        self.stack.callback(ours.close)
        with theirs:
            worker.send(request, theirs.fileno())
        return ours

    def wait(self) -> int:
        """The launcher's wait(2) status, once it has ended."""
        descriptor = os.pidfd_open(self.pid)
        try:
            ended, _, _ = select.select([descriptor], [], [], DEADLINE)
            assert ended, "the launcher still runs"
        finally:
            os.close(descriptor)
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return status

    def end(self) -> None:
        """Kill whatever is left."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


@contextlib.contextmanager
def running(
    *services: Service,
    credentials: Credentials | None = None,
    drop: bool | None = None,
    rules: Path = Path("/nonexistent"),
) -> Iterator[Launching]:
    """A launcher for these services that is ready; killed at the end if it still runs.

    ``rules`` is the folder with hosts.allow and hosts.deny.
    """
    warm_up()
    ours, theirs = Channel.pair(LAUNCHER_TO_SUPERVISOR, SUPERVISOR_TO_LAUNCHER)
    root = os.geteuid() == 0 if drop is None else drop
    files = rules / "hosts.allow", rules / "hosts.deny"
    start = LauncherStart("test", credentials or identity(), root, services, theirs, *files)
    pid = os.fork()
    if pid == 0:
        _child(start, ours)
    theirs.close()
    with contextlib.ExitStack() as stack:
        stack.callback(ours.close)
        launching = Launching(pid, ours, stack)
        stack.callback(launching.end)
        receive(ours, Ready)
        yield launching


def _child(start: LauncherStart, supervisor: Channel) -> None:
    status = _CRASHED
    try:
        supervisor.close()
        status = run(start)
    except BaseException:  # noqa: BLE001  whatever it was, this process ends here
        traceback.print_exc()
    finally:
        os._exit(status)


def script(folder: Path, name: str, text: str) -> Path:
    """Write a program that every user may run, below a folder every user may enter."""
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path
