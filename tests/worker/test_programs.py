"""Stream programs under a worker: what it asks of launchers, logs, and does when one is gone."""

import asyncio
import errno
import os
import signal
import socket
from pathlib import Path

import pytest

from helpers.working import (
    LAUNCHER,
    FakeLauncher,
    bound,
    connect,
    eventually,
    file_log,
    launcher_pair,
    program,
    service,
    working,
)
from superd.config.model import Banners, Limits
from superd.config.origin import Origin
from superd.config.written import Written
from superd.privsep.messages import Channel, Drain, Drained, Exited, Running
from superd.worker.context import CONNECTION_BITS

HERE = Origin("test.conf", 3)


async def test_a_connection_becomes_a_launch_with_its_facts_and_a_blocking_socket() -> None:
    async with working((service(program()), bound()), generation=5) as worker:
        _, writer = await connect(worker)
        launch, sock = await worker.launcher.launch()
        with sock:
            host, port = writer.get_extra_info("sockname")
            assert (launch.service, launch.peer_host, launch.peer_port) == ("svc", host, port)
            assert (launch.local_host, launch.local_port) == worker.address()
            assert launch.conn >> CONNECTION_BITS == 5
            assert os.get_blocking(sock.fileno())
        writer.close()


async def test_the_worker_keeps_no_copy_of_a_connection_it_passed_on() -> None:
    async with working((service(program()), bound())) as worker:
        reader, writer = await connect(worker)
        _, sock = await worker.launcher.launch()
        sock.close()
        assert await reader.read() == b""
        writer.close()


async def test_start_and_exit_are_logged_when_they_happen(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with working((service(program(), log=file_log(log)), bound()), log_path=log) as worker:
        for status in (3 << 8, signal.SIGKILL):
            _, writer = await connect(worker)
            launch, sock = await worker.launcher.launch()
            sock.close()
            worker.launcher.started(launch, 42)
            worker.launcher.exited(launch, 42, status)
            writer.close()
        await eventually(lambda: len(worker.log_lines()) == 4)
        assert worker.log_lines() == [
            "START: svc pid=42 from=127.0.0.1",
            "EXIT: svc status=3 pid=42 duration=0(sec)",
            "START: svc pid=42 from=127.0.0.1",
            "EXIT: svc signal=9 pid=42 duration=0(sec)",
        ]


async def test_a_program_that_can_not_be_started_is_a_fail_line_and_frees_its_place(tmp_path: Path) -> None:
    log = tmp_path / "log"
    limits = Limits(instances=Written(value=1, origin=HERE))
    async with working(
        (service(program(), limits=limits, log=file_log(log)), bound()), log_path=log
    ) as worker:
        for _ in range(2):
            _, writer = await connect(worker)
            launch, sock = await worker.launcher.launch()
            sock.close()
            worker.launcher.failed(launch, errno.ENOENT)
            await eventually(lambda: worker.engine.live == 0)
            writer.close()
        assert worker.log_lines() == ["FAIL: svc fork from=127.0.0.1"] * 2


async def test_a_banner_comes_before_what_the_program_says() -> None:
    banners = Banners(always=b"one ", success=b"two ")
    async with working((service(program(), banners=banners), bound())) as worker:
        reader, writer = await connect(worker)
        _, sock = await worker.launcher.launch()
        with sock:
            sock.send(b"three")
        assert await reader.read() == b"one two three"
        writer.close()


async def test_programs_of_an_earlier_worker_count_as_live() -> None:
    limits = Limits(instances=Written(value=1, origin=HERE))
    async with working((service(program(), limits=limits), bound())) as worker:
        old = Running("svc", 7, 4000, "192.0.2.1", 99, "192.0.2.9", 7, 0.0)
        worker.launcher.channel.send(old)
        worker.launcher.channel.send(Running("gone", 8, 4001, "192.0.2.1", 99, "", 0, 0.0))
        await eventually(lambda: worker.engine.live == 1)
        reader, writer = await connect(worker)
        assert await reader.read() == b""
        writer.close()
        worker.launcher.exited(_launch_of(old), 4000)
        await eventually(lambda: worker.engine.live == 0)
        _, writer = await connect(worker)
        (await worker.launcher.launch())[1].close()
        writer.close()


async def test_while_a_launcher_is_gone_clients_wait_and_are_served_by_its_successor() -> None:
    async with working((service(program()), bound())) as worker:
        _, running = await connect(worker)
        (await worker.launcher.launch())[1].close()
        worker.launcher.close()
        await eventually(lambda: worker.engine.holds == {"waiting for a launcher"})
        assert worker.engine.live == 0
        _, writer = await connect(worker)
        worker_end, launcher_end = launcher_pair()
        worker.supervisor.channel.send(Channel(LAUNCHER), worker_end.fileno())
        worker_end.close()
        successor = FakeLauncher(launcher_end)
        launch, sock = await successor.launch()
        sock.close()
        assert launch.peer_port == writer.get_extra_info("sockname")[1]
        successor.close()
        running.close()
        writer.close()


async def test_a_replaced_launcher_is_still_listened_to() -> None:
    async with working((service(program()), bound())) as worker:
        _, writer = await connect(worker)
        launch, sock = await worker.launcher.launch()
        sock.close()
        worker.launcher.started(launch)
        worker_end, launcher_end = launcher_pair()
        worker.supervisor.channel.send(Channel(LAUNCHER), worker_end.fileno())
        worker_end.close()
        successor = FakeLauncher(launcher_end)
        _, other = await connect(worker)
        (await asyncio.wait_for(successor.launch(), 5))[1].close()
        assert worker.engine.live == 2
        worker.launcher.exited(launch)
        await eventually(lambda: worker.engine.live == 1)
        worker.launcher.close()
        _, third = await connect(worker)
        (await successor.launch())[1].close()
        successor.close()
        for each in (writer, other, third):
            each.close()


async def test_when_a_launcher_does_not_read_accepting_stops_and_nothing_is_lost() -> None:
    async with working((service(program()), bound())) as worker:
        worker.launcher.pause()
        clients = []
        async with asyncio.timeout(20):
            while "waiting for a launcher" not in worker.engine.holds:
                clients.append(socket.create_connection(worker.address()))
                await asyncio.sleep(0)
        clients += [socket.create_connection(worker.address()) for _ in range(10)]
        wanted = {client.getsockname()[1] for client in clients}
        again = FakeLauncher(worker.launcher.channel)
        got: set[int] = set()
        while got != wanted:
            launch, sock = await again.launch()
            sock.close()
            got.add(launch.peer_port)
        assert not worker.engine.holds
        for client in clients:
            client.close()


async def test_draining_lets_go_of_the_launcher_only_when_every_launch_was_answered(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with working((service(program(), log=file_log(log)), bound()), log_path=log) as worker:
        _, writer = await connect(worker)
        launch, sock = await worker.launcher.launch()
        sock.close()
        worker.supervisor.channel.send(Drain())
        await eventually(lambda: "draining" in worker.engine.holds)
        worker.launcher.started(launch, 42)
        assert await worker.supervisor.message() == Drained()
        await worker.ended()
        await eventually(lambda: worker.launcher.closed)
        assert worker.log_lines() == ["START: svc pid=42 from=127.0.0.1"]
        writer.close()


def _launch_of(running: Running):  # type: ignore[no-untyped-def]
    from superd.privsep.messages import Launch

    return Launch(running.service, running.conn, "", 0, "", 0)


async def test_the_end_of_a_program_is_logged_though_its_service_has_left_the_configuration(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with working((service(program()), bound())) as worker:
        worker.launcher.channel.send(Running("gone", 8, 4001, "192.0.2.1", 99, "192.0.2.9", 7, 0.0))
        worker.launcher.channel.send(Exited(8, 4001, signal.SIGKILL, 0.0, 0.0, 0))
        seen: list[str] = []

        def ended() -> bool:
            seen.append(capsys.readouterr().out)
            return "connection.end" in "".join(seen)

        await eventually(ended)
        assert "service=gone" in "".join(seen)
