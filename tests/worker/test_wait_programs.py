"""Programs with ``wait = yes``: they get the socket, and no datagram, client or service is lost by it."""

import asyncio
import errno
import fcntl
import os
import socket
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from helpers.working import (
    DatagramClient,
    bound,
    connect,
    eventually,
    free_port,
    program,
    service,
    working,
)
from superd.config.model import Access, AddressPattern, Limits, SocketType
from superd.config.origin import Origin
from superd.config.written import Written
from superd.privsep.messages import Drain, Drained, Introduced, Running

DGRAM = SocketType.DGRAM
HERE = Origin("test.conf", 3)


FIRST = 0.02
"""Seconds of the first pause in these tests."""

CLOCK = 0.002
"""Seconds by which two readings of the loop's clock, which counts milliseconds, may be too close."""


def assert_ever_rarer(times: list[float]) -> None:
    """Check that the pause before the fifth start was at least eight times the first one."""
    gaps = [after - before for before, after in pairwise(times)]
    assert gaps[3] > gaps[0]
    assert gaps[3] >= 8 * FIRST - CLOCK


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("superd.worker.wait_programs.BACKOFF_FIRST", FIRST)


async def test_a_datagram_program_gets_the_socket_with_its_first_datagram_unread() -> None:
    async with working((service(program(), kind=DGRAM, wait=True), bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            client.send(b"first")
            launch, sock = await worker.launcher.launch()
            with sock:
                assert os.get_blocking(sock.fileno())
                assert (launch.peer_host, launch.peer_port) == client.socket.getsockname()
                assert sock.recvmsg(100, 100)[:2] == (b"first", [])


async def test_no_datagram_is_lost_while_a_program_ends() -> None:
    count = 60
    got: list[int] = []
    async with working((service(program(), kind=DGRAM, wait=True), bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            client.send(b"0")
            sent = 1
            while len(got) < count:
                launch, sock = await worker.launcher.launch()
                worker.launcher.started(launch)
                with sock:
                    got.append(int(sock.recv(100)))
                    while sent < count and sent < len(got) + 3:
                        client.send(b"%d" % sent)  # before, while and after the program ends
                        sent += 1
                worker.launcher.exited(launch)
    assert got == list(range(count))


async def test_a_program_that_leaves_its_datagram_unread_is_not_started_for_it_again() -> None:
    async with working((service(program(), kind=DGRAM, wait=True), bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            client.send(b"poison")
            client.send(b"good")
            launch, sock = await worker.launcher.launch()
            sock.close()
            worker.launcher.started(launch)
            worker.launcher.exited(launch)
            _, sock = await worker.launcher.launch()
            with sock:
                assert sock.recv(100) == b"good"


async def test_equal_datagrams_of_one_sender_are_told_apart() -> None:
    async with working((service(program(), kind=DGRAM, wait=True), bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            for _ in range(3):
                client.send(b"same")
            for _ in range(3):
                launch, sock = await worker.launcher.launch()
                with sock:
                    assert sock.recv(100) == b"same"
                worker.launcher.exited(launch)
            await eventually(lambda: not worker.engine.holds)
        assert worker.launcher.queue.empty()


async def test_leaving_datagrams_unread_makes_starts_rarer_but_never_ends_the_service() -> None:
    async with working((service(program(), kind=DGRAM, wait=True), bound(DGRAM))) as worker:
        loop = asyncio.get_running_loop()
        times = []
        with DatagramClient(worker) as client:
            for _ in range(5):
                client.send(b"poison")
            for _ in range(5):
                launch, sock = await worker.launcher.launch()
                sock.close()
                times.append(loop.time())
                worker.launcher.exited(launch)
            assert_ever_rarer(times)
            client.send(b"good")
            launch, sock = await worker.launcher.launch()
            with sock:
                assert sock.recv(100) == b"good"


async def test_a_refused_datagram_is_read_away_and_the_service_goes_on() -> None:
    pattern = AddressPattern(text="127.0.0.9", origin=HERE, network="127.0.0.9/32")
    svc = service(program(), kind=DGRAM, wait=True, access=Access(no_access=(pattern,)))
    async with working((svc, bound(DGRAM, "0.0.0.0"))) as worker:
        with (
            DatagramClient(worker, source=("127.0.0.9", 0)) as refused,
            DatagramClient(worker, source=("127.0.0.10", 0)) as other,
        ):
            for _ in range(200):
                refused.send(b"no")
            other.send(b"yes")
            launch, sock = await worker.launcher.launch()
            with sock:
                assert launch.peer_host == "127.0.0.10"
                assert sock.recv(100) == b"yes"


@pytest.mark.parametrize("wait", [True, False])
async def test_refused_datagrams_of_one_source_make_one_line_however_many_come(*, wait: bool) -> None:
    pattern = AddressPattern(text="127.0.0.0/8", origin=HERE, network="127.0.0.0/8")
    svc = service(program(), kind=DGRAM, wait=wait, access=Access(no_access=(pattern,)))
    async with working((svc, bound(DGRAM))) as worker:
        with capture_logs() as logged, DatagramClient(worker) as client:
            for _ in range(20):
                client.send(b"no")
            await eventually(lambda: _refused(worker) == 20)
        assert [(each["event"], each["rule"]) for each in logged if each["log_level"] == "warning"] == [
            ("datagram.refused", "test.conf:3: no_access 127.0.0.0/8")
        ]


@pytest.mark.parametrize("kind", [DGRAM, SocketType.STREAM])
async def test_a_refusal_by_instances_does_not_suspend_the_service(kind: SocketType) -> None:
    limits = Limits(instances=Written(value=0, origin=HERE))
    async with working((service(program(), kind=kind, wait=True, limits=limits), bound(kind))) as worker:
        for _ in range(3):
            if kind is DGRAM:
                with DatagramClient(worker) as client:
                    client.send(b"x")
            else:
                reader, writer = await connect(worker)
                assert await reader.read() == b""
                writer.close()
        await eventually(lambda: _refused(worker) == 3)
        assert not worker.engine.holds


def _refused(worker) -> int:  # type: ignore[no-untyped-def]
    return sum(int(line.text) for line in worker.engine.state() if line.field == "refused")


async def test_a_stream_program_gets_the_blocking_listener_and_one_program_runs_at_a_time() -> None:
    async with working((service(program(), wait=True), bound())) as worker:
        _, first = await connect(worker)
        _, second = await connect(worker)
        launch, sock = await worker.launcher.launch()
        assert launch.peer_host == ""
        assert os.get_blocking(sock.fileno())
        assert worker.engine.holds == {"suspended"}
        with sock:
            for _ in range(2):
                sock.accept()[0].close()
        worker.launcher.exited(launch)
        await eventually(lambda: not worker.engine.holds)
        assert worker.launcher.queue.empty()
        first.close()
        second.close()


async def test_a_stream_program_that_never_accepts_is_started_ever_more_rarely_but_never_given_up() -> None:
    async with working((service(program(), wait=True), bound())) as worker:
        loop = asyncio.get_running_loop()
        _, writer = await connect(worker)
        times = []
        for _ in range(5):
            launch, sock = await worker.launcher.launch()
            sock.close()
            times.append(loop.time())
            worker.launcher.exited(launch, status=1 << 8)
        assert_ever_rarer(times)
        writer.close()


async def test_a_launcher_failure_is_like_a_program_that_does_nothing() -> None:
    async with working((service(program(), kind=DGRAM, wait=True), bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            client.send(b"one")
            launch, sock = await worker.launcher.launch()
            sock.close()
            worker.launcher.failed(launch, 2)
            client.send(b"two")
            launch, sock = await worker.launcher.launch()
            with sock:
                assert sock.recv(100) == b"two"


@pytest.mark.parametrize("kind", [DGRAM, SocketType.STREAM])
async def test_a_program_of_an_earlier_worker_keeps_its_socket(kind: SocketType) -> None:
    async with working((service(program(), kind=kind, wait=True), bound(kind)), introduced=False) as worker:
        peer = "127.0.0.1" if kind is DGRAM else ""
        worker.launcher.channel.send(Running("svc", 7, 4000, peer, 99, "", 0, 0.0))
        worker.launcher.channel.send(Introduced())
        if kind is DGRAM:
            with DatagramClient(worker) as client:
                client.send(b"x")
        else:
            _, writer = await connect(worker)
            writer.close()
        await eventually(lambda: worker.engine.holds == {"suspended"})
        assert worker.launcher.queue.empty()
        from superd.privsep.messages import Launch

        worker.launcher.exited(Launch("svc", 7, "", 0, "", 0), 4000)
        (await worker.launcher.launch())[1].close()


async def test_each_address_of_a_service_has_its_own_program() -> None:
    svc = service(program(), kind=DGRAM, wait=True)
    async with working((svc, bound(DGRAM)), (svc, bound(DGRAM, "::1"))) as worker:
        for index in (0, 1):
            with DatagramClient(worker, index) as client:
                client.send(b"x")
                launch, sock = await worker.launcher.launch()
                with sock:
                    assert sock.getsockname() == worker.sockets[index].getsockname()
                worker.launcher.started(launch)


async def test_draining_leaves_the_socket_to_the_program_and_the_next_worker() -> None:
    async with working((service(program(), kind=DGRAM, wait=True), bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            client.send(b"x")
            launch, sock = await worker.launcher.launch()
            with sock:
                worker.launcher.started(launch)
                worker.supervisor.channel.send(Drain())
                assert await worker.supervisor.message() == Drained()
                await worker.ended()
                assert sock.recv(100) == b"x"


async def test_watching_never_makes_a_program_socket_non_blocking() -> None:
    async with working((service(program(), kind=DGRAM, wait=True), bound(DGRAM))) as worker:
        flags = fcntl.fcntl(worker.sockets[0], fcntl.F_GETFL)
        assert not flags & os.O_NONBLOCK


async def test_no_program_is_started_before_it_is_known_what_an_earlier_worker_left_running() -> None:
    async with working((service(program(), kind=DGRAM, wait=True), bound(DGRAM)), introduced=False) as worker:
        with DatagramClient(worker) as client:
            client.send(b"x")
            await eventually(lambda: worker.engine.holds == {"starting up"})
            assert worker.launcher.queue.empty()
            worker.launcher.channel.send(Introduced())
            (await worker.launcher.launch())[1].close()


async def test_a_stream_service_listens_again_after_its_program_shut_the_socket_down() -> None:
    async with working((service(program(), wait=True), bound(port=free_port()))) as worker:
        _, writer = await connect(worker)
        launch, sock = await worker.launcher.launch()
        with sock:
            sock.accept()[0].close()
            sock.shutdown(socket.SHUT_RDWR)
        worker.launcher.exited(launch)
        await eventually(lambda: not worker.engine.holds)
        writer.close()
        _, writer = await connect(worker)
        (await worker.launcher.launch())[1].close()
        writer.close()


async def test_a_datagram_service_hears_everybody_again_after_its_program_connected_the_socket() -> None:
    async with working((service(program(), kind=DGRAM, wait=True), bound(DGRAM, port=free_port()))) as worker:
        with DatagramClient(worker) as first, DatagramClient(worker) as second:
            first.send(b"one")
            launch, sock = await worker.launcher.launch()
            with sock:
                sock.connect(sock.recvfrom(100)[1])
            worker.launcher.exited(launch)
            await eventually(lambda: not worker.engine.holds)
            second.send(b"two")
            _, sock = await worker.launcher.launch()
            with sock:
                assert sock.recv(100) == b"two"


async def test_a_datagram_socket_that_a_program_shut_down_is_not_looked_at_all_the_time() -> None:
    async with working((service(program(), kind=DGRAM, wait=True), bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            client.send(b"x")
            launch, sock = await worker.launcher.launch()
            with sock:
                sock.recv(100)
                with pytest.raises(OSError, match="not connected"):
                    sock.shutdown(socket.SHUT_RDWR)  # what Linux says, and does it nevertheless
            worker.launcher.exited(launch)
            await eventually(lambda: worker.engine.holds == {"backing off"})


async def test_a_service_whose_socket_can_not_be_duplicated_for_its_program_tries_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_fd: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("superd.worker.wait_programs.EXHAUSTED_PAUSE", 0.02)
    async with working((service(program(), kind=DGRAM, wait=True), bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            with monkeypatch.context() as patch:
                patch.setattr("superd.worker.wait_programs.os.dup", full)
                client.send(b"x")
                await eventually(lambda: worker.engine.holds == {"backing off"})
            _, sock = await worker.launcher.launch()
            with sock:
                assert sock.recv(100) == b"x"
