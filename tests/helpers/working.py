"""A worker's engine inside the test's own event loop, and the far ends of its channels: ``Worker``,
``FakeLauncher``."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from superd.config.model import (
    Access,
    Banners,
    Builtin,
    Credentials,
    Endpoint,
    Family,
    FileTarget,
    Limits,
    Program,
    Service,
    ServiceLog,
    SocketType,
)
from superd.config.origin import Origin
from superd.log.files import LogFile, LogFiles
from superd.privsep.channel import Channel
from superd.privsep.messages import (
    LAUNCHER_TO_WORKER,
    SUPERVISOR_TO_WORKER,
    WORKER_TO_LAUNCHER,
    WORKER_TO_SUPERVISOR,
    Drain,
    Exited,
    Failed,
    Introduced,
    Launch,
    Message,
    Ready,
    Started,
)
from superd.processes import Listener, WorkerStart
from superd.service import Options
from superd.worker.engine import Engine

DEADLINE = 15.0
"""Seconds a test waits for something that should come at once."""

TICK = 0.05
"""The wheel's tick in tests, so that idle time-outs can be waited for."""

LAUNCHER = "nobody"


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until the condition holds; fail when it does not in time."""
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in the kernel and in the engine
            await asyncio.sleep(0.005)


def bound(kind: SocketType = SocketType.STREAM, address: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A bound socket, listening if it is a stream."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    if address.startswith("/"):
        family = socket.AF_UNIX
    number = {SocketType.STREAM: socket.SOCK_STREAM, SocketType.DGRAM: socket.SOCK_DGRAM}[kind]
    sock = socket.socket(family, number)
    if kind is SocketType.STREAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(address if family == socket.AF_UNIX else (address, port))
    if kind is SocketType.STREAM:
        sock.listen(64)
    return sock


def free_port() -> int:
    """A port that is free now, to be bound by number: a port the kernel chose itself is not kept over a pause."""
    with bound() as sock:
        return int(sock.getsockname()[1])


def program(path: str = "/bin/true") -> Program:
    credentials = Credentials(user="nobody", uid=65534, gid=65534)
    return Program(path=path, argv=(path,), env=(), credentials=credentials, umask=0o022)


def service(
    action: Builtin | Program | str = "echo",
    *,
    key: str = "svc",
    kind: SocketType = SocketType.STREAM,
    wait: bool = False,
    limits: Limits | None = None,
    access: Access | None = None,
    banners: Banners | None = None,
    log: ServiceLog | None = None,
) -> Service:
    """A service; a text as action is the name of a built-in."""
    if isinstance(action, str):
        action = Builtin(name=action, options=Options())
    return Service(
        key=key,
        id=key,
        name=key,
        origin=Origin("test.conf", 1),
        socket_type=kind,
        wait=wait,
        endpoints=(),
        action=action,
        access=access or Access(),
        limits=limits or Limits(),
        banners=banners or Banners(),
        log=log or ServiceLog(),
    )


def listener(of: Service, sock: socket.socket, port: int = 0) -> Listener:
    """A listener as the supervisor makes it."""
    families = {socket.AF_INET: Family.INET, socket.AF_INET6: Family.INET6, socket.AF_UNIX: Family.UNIX}
    sock.setblocking(of.wait)
    name = sock.getsockname()
    address = name if isinstance(name, str) else name[0]
    endpoint = Endpoint(
        family=families[sock.family], socket_type=of.socket_type, protocol="", address=str(address), port=port
    )
    return Listener(of.key, endpoint, sock)


class End:
    """The far end of a channel: messages received so far, in order, each with its descriptor."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.queue: asyncio.Queue[tuple[Message, int | None]] = asyncio.Queue()
        self.closed = False
        asyncio.get_running_loop().add_reader(channel.fileno(), self._read)

    def _read(self) -> None:
        try:
            while True:
                self.queue.put_nowait(self.channel.receive())
        except BlockingIOError:
            return
        except (EOFError, ConnectionError):
            self._shut()

    async def next(self) -> tuple[Message, int | None]:
        async with asyncio.timeout(DEADLINE):
            return await self.queue.get()

    async def message(self) -> Message:
        return (await self.next())[0]

    def pause(self) -> None:
        """Read nothing more."""
        asyncio.get_running_loop().remove_reader(self.channel.fileno())

    def _shut(self) -> None:
        self.closed = True
        if self.channel.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self.channel.fileno())
            self.channel.close()

    def close(self) -> None:
        self._shut()
        while not self.queue.empty():
            fd = self.queue.get_nowait()[1]
            if fd is not None:
                os.close(fd)


class FakeLauncher(End):
    """Answers for a launcher as the test says."""

    async def launch(self) -> tuple[Launch, socket.socket]:
        """The next launch and the socket the program would get."""
        message, fd = await self.next()
        assert isinstance(message, Launch)
        assert fd is not None
        return message, socket.socket(fileno=fd)

    def started(self, launch: Launch, pid: int = 4711) -> None:
        self.channel.send(Started(launch.conn, pid))

    def exited(self, launch: Launch, pid: int = 4711, status: int = 0) -> None:
        self.channel.send(Exited(launch.conn, pid, status, 0.0, 0.0, 0))

    def failed(self, launch: Launch, errno: int) -> None:
        self.channel.send(Failed(launch.conn, errno))


def launcher_pair() -> tuple[Channel, Channel]:
    """The worker's end and the launcher's."""
    return Channel.pair(LAUNCHER_TO_WORKER, WORKER_TO_LAUNCHER)


@dataclass
class Worker:
    """A running engine."""

    engine: Engine
    task: "asyncio.Task[None]"
    supervisor: End
    launcher: FakeLauncher
    log_path: Path | None = None
    sockets: list[socket.socket] = field(default_factory=list)

    def address(self, index: int = 0) -> tuple[str, int]:
        """Where a listener can be reached."""
        host, port = self.sockets[index].getsockname()[:2]
        return str(host), int(port)

    async def drain(self) -> None:
        self.supervisor.channel.send(Drain())
        await self.ended()

    async def ended(self) -> None:
        async with asyncio.timeout(DEADLINE):
            await asyncio.shield(self.task)

    def log_lines(self) -> list[str]:
        """What the service's own log says, without the time stamps."""
        assert self.log_path is not None
        return [line.split(": ", 1)[1] for line in self.log_path.read_text().splitlines()]


@asynccontextmanager
async def working(
    *listeners: tuple[Service, socket.socket],
    port: int = 0,
    generation: int = 1,
    drain_timeout: float = 2.0,
    log_path: Path | None = None,
    launcher: bool = True,
    introduced: bool = True,
    hosts: Path = Path("/nonexistent"),
) -> AsyncIterator[Worker]:
    """Run an engine for these services until the block ends.

    ``launcher``: there is one; ``introduced``: it says at once that it runs nothing; ``hosts``: where hosts.allow and
    hosts.deny are.
    """
    ours, theirs = Channel.pair(WORKER_TO_SUPERVISOR, SUPERVISOR_TO_WORKER)
    worker_end, launcher_end = launcher_pair()
    services = tuple({service.key: service for service, _ in listeners}.values())
    copies = [sock.dup() for _, sock in listeners]  # a worker that drains closes its own, as after a fork
    start = WorkerStart(
        name="common",
        generation=generation,
        services=services,
        listeners=tuple(
            listener(service, copy, port) for (service, _), copy in zip(listeners, copies, strict=True)
        ),
        supervisor=theirs,
        credentials=None,
        hosts_allow=hosts / "hosts.allow",
        hosts_deny=hosts / "hosts.deny",
        logs=LogFiles([LogFile(str(log_path))] if log_path else ()),
        launchers={LAUNCHER: worker_end} if launcher else {},
        launchers_of={
            service.key: (LAUNCHER,)
            for service in services
            if isinstance(service.action, Program) or service.access.daemon
        },
        drain_timeout=drain_timeout,
    )
    if not launcher:
        worker_end.close()
    engine = Engine(start, asyncio.get_running_loop(), TICK)
    task = asyncio.create_task(engine.run(), name="engine")
    worker = Worker(
        engine, task, End(ours), FakeLauncher(launcher_end), log_path, [sock for _, sock in listeners]
    )
    try:
        assert await worker.supervisor.message() == Ready()
        if launcher and introduced:
            worker.launcher.channel.send(Introduced())
        yield worker
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        worker.supervisor.close()
        worker.launcher.close()
        start.logs.close()
        for sock in (*worker.sockets, *copies):
            sock.close()


def file_log(path: Path) -> ServiceLog:
    """Everything, to a file."""
    return ServiceLog(
        target=FileTarget(path=str(path)),
        on_success=frozenset({"PID", "HOST", "EXIT", "DURATION"}),
        on_failure=frozenset({"HOST", "ATTEMPT"}),
    )


async def connect(worker: Worker, index: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(*worker.address(index))


async def talk(worker: Worker, data: bytes = b"", index: int = 0) -> bytes:
    """Send, close our half, and read everything."""
    reader, writer = await connect(worker, index)
    writer.write(data)
    writer.write_eof()
    try:
        async with asyncio.timeout(DEADLINE):
            return await reader.read()
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


class DatagramClient:
    """A datagram socket connected to a worker's."""

    def __init__(self, worker: Worker, index: int = 0, source: tuple[str, int] | None = None) -> None:
        self.socket = socket.socket(worker.sockets[index].family, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        if source:
            self.socket.bind(source)
        self.socket.connect(worker.sockets[index].getsockname())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.send(data)

    async def receive(self) -> bytes:
        async with asyncio.timeout(DEADLINE):
            return await asyncio.get_running_loop().sock_recv(self.socket, 65536)
