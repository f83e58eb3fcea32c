"""Built-in services for streams under a worker: what they send, how long they wait, whom they refuse."""

import asyncio
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.working import (
    DEADLINE,
    bound,
    connect,
    eventually,
    file_log,
    free_port,
    service,
    talk,
    working,
)
from superd.config.model import Banners, Limits, Rate, SocketType
from superd.config.origin import Origin
from superd.config.written import Written
from superd.privsep.messages import Drain, Drained, Dump, StateEnd, StateLine, Stop
from superd.worker.builtin_streams import BuiltinStreams
from superd.worker.descriptors import RESERVED, ceiling

HERE = Origin("test.conf", 3)


def lowest_free() -> int:
    fd = os.open(os.devnull, os.O_RDONLY)
    os.close(fd)
    return fd


@contextmanager
def descriptor_limit(soft: int) -> Iterator[None]:
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, max(soft, hard)))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))


def at_most(instances: int) -> Limits:
    return Limits(instances=Written(value=instances, origin=HERE))


async def test_echo_gives_everything_back_after_the_client_closed_its_half() -> None:
    data = bytes(range(256)) * 8192
    async with working((service("echo"), bound())) as worker:
        assert await talk(worker, data) == data


async def test_echo_stops_reading_from_a_client_that_does_not_read() -> None:
    async with working((service("echo"), bound())) as worker:
        _, writer = await connect(worker)
        writer.write(bytes(64 << 20))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.drain(), 0.5)
        writer.transport.abort()


async def test_daytime_is_a_line_and_the_end() -> None:
    async with working((service("daytime"), bound())) as worker:
        assert (await talk(worker)).endswith(b"\r\n")


async def test_a_client_that_sends_what_nobody_reads_gets_the_whole_answer_and_no_reset() -> None:
    async with working((service("daytime"), bound())) as worker:
        with socket.socket() as client:
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            # Both arrive before the worker has its turn.
            client.setblocking(True)
            client.connect(worker.address())
            client.send(b"unasked for")
            client.setblocking(False)
            answer = b""
            async with asyncio.timeout(DEADLINE):
                while data := await loop.sock_recv(client, 100):
                    answer += data
            assert answer.endswith(b"\r\n")
            client.send(b"more")
            await asyncio.sleep(0)
            assert await loop.sock_recv(client, 100) == b""


async def test_chargen_sends_as_long_as_somebody_reads() -> None:
    async with working((service("chargen"), bound())) as worker:
        reader, writer = await connect(worker)
        async with asyncio.timeout(DEADLINE):
            data = await reader.readexactly(2_000_000)
        writer.close()
        lines = data.split(b"\r\n")
        assert {len(line) for line in lines[:-1]} == {72}
        assert lines[0] == lines[93]
        await eventually(lambda: worker.engine.live == 0)


async def test_an_unbounded_sender_leaves_time_for_others() -> None:
    async with working(
        (service("chargen", key="a"), bound()), (service("daytime", key="b"), bound())
    ) as worker:
        reader, writer = await connect(worker, 0)
        await reader.readexactly(100_000)
        assert (await talk(worker, index=1)).endswith(b"\r\n")
        writer.close()


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not() -> None:
    limits = Limits(idle_timeout=0.3)
    async with working((service("echo", limits=limits), bound())) as worker:
        idle, idle_writer = await connect(worker)
        busy, busy_writer = await connect(worker)
        loop = asyncio.get_running_loop()
        closed = asyncio.ensure_future(idle.read())
        started = loop.time()
        while not closed.done():
            busy_writer.write(b"x")
            assert await busy.readexactly(1) == b"x"
            await asyncio.sleep(0.02)
            assert loop.time() - started < DEADLINE
        assert loop.time() - started >= 0.3 - 0.002  # the loop's clock counts milliseconds
        busy_writer.write(b"y")
        assert await busy.readexactly(1) == b"y"
        idle_writer.close()
        busy_writer.close()


async def test_over_instances_a_client_gets_the_banner_and_a_fail_line(tmp_path: Path) -> None:
    banners = Banners(always=b"all ", success=b"in", failure=b"out")
    log = tmp_path / "log"
    svc = service("echo", limits=at_most(1), banners=banners, log=file_log(log))
    async with working((svc, bound()), log_path=log) as worker:
        reader, writer = await connect(worker)
        assert await reader.readexactly(6) == b"all in"
        assert await talk(worker, b"data that nobody reads") == b"all out"
        writer.close()
        await eventually(lambda: worker.engine.live == 0)
        assert await talk(worker, b"now") == b"all innow"
        await eventually(lambda: len(worker.log_lines()) == 3)
        assert worker.log_lines() == [
            "START: svc pid=0 from=127.0.0.1",
            "FAIL: svc service_limit from=127.0.0.1",
            "START: svc pid=0 from=127.0.0.1",
        ]


async def test_a_banner_reader_that_does_not_read_holds_up_nobody() -> None:
    svc = service("echo", limits=at_most(0), banners=Banners(failure=bytes(16384)))
    sock = bound()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
    async with working((svc, sock)) as worker:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        with slow:
            await asyncio.to_thread(slow.connect, worker.address())
            assert len(await talk(worker)) == 16384


async def test_over_the_rate_clients_are_refused_by_the_kernel_until_the_pause_is_over() -> None:
    rate = Rate(starts=2, window=60, pause=1)
    svc = service("daytime", limits=Limits(cps=Written(value=rate, origin=HERE)))
    port = free_port()
    async with working((svc, bound(port=port)), port=port) as worker:
        assert await talk(worker)
        assert await talk(worker)
        assert await talk(worker) == b""
        with pytest.raises(ConnectionRefusedError):
            await connect(worker)
        worker_address = ("127.0.0.1", port)
        thief = socket.socket()
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with thief, pytest.raises(OSError, match="in use"):
            thief.bind(worker_address)
        await eventually(lambda: not worker.engine.holds)
        reader, writer = await connect(worker)
        assert await reader.read() == b""  # the window of a minute is still full, so this one trips it again
        writer.close()


async def test_a_worker_reopens_what_a_crashed_one_left_closed() -> None:
    port = free_port()
    sock = bound(port=port)
    sock.shutdown(socket.SHUT_RD)
    async with working((service("daytime"), sock), port=port) as worker:
        assert await talk(worker)


async def test_without_descriptors_accepting_pauses_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    monkeypatch.setattr("superd.worker.accepting.EXHAUSTED_PAUSE", 0.2)
    async with working((service("daytime"), bound())) as worker:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        client = socket.create_connection(worker.address())  # waits to be accepted
        client.setblocking(False)
        with client:
            lowest = client.fileno() + 1
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
            try:
                await eventually(lambda: worker.engine.holds == {"out of descriptors"})
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            async with asyncio.timeout(DEADLINE):
                assert await asyncio.get_running_loop().sock_recv(client, 100)


async def test_a_drained_worker_finishes_its_connections_and_ends() -> None:
    async with working((service("echo"), bound())) as worker:
        reader, writer = await connect(worker)
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        worker.supervisor.channel.send(Drain())
        assert await worker.supervisor.message() == Drained()
        late = socket.create_connection(worker.address())  # waits for the next worker
        writer.write(b"after")
        assert await reader.readexactly(5) == b"after"
        writer.close()
        await worker.ended()
        late.setblocking(False)
        with late, pytest.raises(BlockingIOError):
            late.recv(1)


@pytest.mark.parametrize("command", [Drain(), Stop()])
async def test_connections_are_closed_when_the_drain_time_is_over(command: Drain | Stop) -> None:
    async with working((service("echo"), bound()), drain_timeout=0.2) as worker:
        reader, writer = await connect(worker)
        worker.supervisor.channel.send(command)
        assert await reader.read() == b""
        await worker.ended()
        writer.close()


async def test_without_a_supervisor_a_worker_ends() -> None:
    async with working((service("echo"), bound())) as worker:
        worker.supervisor.close()
        await worker.ended()


async def test_the_state_of_each_service_is_described() -> None:
    services = [(service("echo", key=f"svc{number}"), bound()) for number in range(100)]
    async with working(*services) as worker:
        assert await talk(worker, b"x") == b"x"
        worker.supervisor.channel.send(Dump())
        lines = []
        while isinstance(message := await worker.supervisor.message(), StateLine):
            lines.append(message)
        assert message == StateEnd()
        of_first = {line.field: line.text for line in lines if line.service == "svc0"}
        assert of_first == {"state": "active", "live": "0", "served": "1", "refused": "0"}
        assert {line.service for line in lines} == {"", *(f"svc{number}" for number in range(100))}


async def test_a_unix_socket_is_served_as_well(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    async with working((service("echo"), bound(SocketType.STREAM, path))):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        writer.close()


async def test_no_connection_is_lost_in_a_burst() -> None:
    async with working((service("echo"), bound())) as worker:
        answers = await asyncio.gather(*(talk(worker, b"%d" % number) for number in range(200)))
    assert answers == [b"%d" % number for number in range(200)]


@pytest.mark.parametrize(("limit", "left"), [(1024, 128), (4096, 128), (lowest_free() + 64, 16)])
def test_connections_of_built_ins_leave_descriptors_to_programs(limit: int, left: int) -> None:
    with descriptor_limit(limit):
        programs, builtins = ceiling(RESERVED), ceiling(BuiltinStreams.reserved)
    assert builtins < programs < limit
    assert programs - builtins == left


async def test_a_client_that_would_take_a_reserved_descriptor_is_closed_and_the_service_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("superd.worker.accepting.EXHAUSTED_PAUSE", 0.02)
    async with working((service("echo"), bound())) as worker:
        runtime = worker.engine._runtimes[0]
        assert isinstance(runtime, BuiltinStreams)
        (acceptor,) = runtime.acceptors
        acceptor._ceiling, full = 0, acceptor._ceiling
        reader, writer = await connect(worker)
        assert await reader.read() == b""
        writer.close()
        acceptor._ceiling = full
        assert await talk(worker, b"again") == b"again"
