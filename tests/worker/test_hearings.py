"""Clients that have to be looked up: they wait, nobody else does, and nobody is let in for want of an answer."""

import asyncio
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from helpers.working import (
    DEADLINE,
    DatagramClient,
    bound,
    connect,
    eventually,
    program,
    service,
    talk,
    working,
)
from superd.config.model import Access, AddressPattern, Limits, SocketType
from superd.config.origin import Origin
from superd.config.written import Written
from superd.lookup.names import Answer
from superd.privsep.messages import Drain, Drained, Launch
from superd.worker.sources import Lookups

DGRAM = SocketType.DGRAM
HERE = Origin("test.conf", 3)
FRIEND = AddressPattern(text="friend.example", origin=HERE, name="friend.example")
FRIENDS = Access(only_from=(FRIEND,), only_from_origin=HERE)


class SlowNames:
    """A resolver that answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def name(self, address: str, seconds: float) -> Answer:
        self.asked.append(address)
        try:
            name = await asyncio.wait_for(asyncio.shield(self.answer), seconds)
            return Answer(name, "" if "." in name else "it is not known")
        except TimeoutError:
            return Answer("unknown", "no answer in time")

    async def close(self) -> None:
        self.answer.cancel()


@pytest.fixture
async def names(monkeypatch: pytest.MonkeyPatch) -> SlowNames:
    slow = SlowNames()
    monkeypatch.setattr(Lookups, "names", property(lambda _self: slow))
    return slow


async def test_a_client_waits_for_its_name_and_is_served_when_it_is_the_right_one(names: SlowNames) -> None:
    async with working((service("echo", access=FRIENDS), bound())) as worker:
        answer = asyncio.ensure_future(talk(worker, b"hello"))
        await eventually(lambda: names.asked == ["127.0.0.1"])
        assert not answer.done()
        names.answer.set_result("Friend.Example")
        assert await answer == b"hello"


@pytest.mark.parametrize("name", ["foe.example", "unknown", "paranoid"])
async def test_a_client_with_another_name_is_refused(names: SlowNames, name: str) -> None:
    async with working((service("echo", access=FRIENDS), bound())) as worker:
        names.answer.set_result(name)
        with suppress(ConnectionResetError):
            assert await talk(worker, b"hello") == b""
        assert [runtime.refused for runtime in worker.engine._runtimes] == [1]


async def test_five_hundred_clients_without_an_answer_hold_up_nobody_and_are_refused_at_the_deadline(
    names: SlowNames,
) -> None:
    hurried = FRIENDS.model_copy(update={"lookup_seconds": 3.0})
    slow, quick = service("echo", key="slow", access=hurried), service("echo", key="quick")
    async with working((slow, bound(address="0.0.0.0")), (quick, bound())) as worker:
        sources = [f"127.0.{number // 50}.{number % 50 + 1}" for number in range(500)]
        waiting = [
            await asyncio.open_connection(*worker.address(), local_addr=(source, 0)) for source in sources
        ]
        await eventually(lambda: len(names.asked) == 500)
        assert await talk(worker, b"hello", 1) == b"hello"
        assert worker.engine._runtimes[0].undecided == 500
        for reader, writer in waiting:
            async with asyncio.timeout(DEADLINE):
                assert await reader.read() == b""
            writer.close()
        assert worker.engine._runtimes[0].refused == 500


async def test_over_the_limit_a_client_is_refused_at_once(
    names: SlowNames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("superd.worker.runtime.Runtime.undecided_limit", 2)
    async with working((service("echo", access=FRIENDS), bound())) as worker:
        first = [await connect(worker) for _ in range(2)]
        await eventually(lambda: len(names.asked) == 2)
        with suppress(ConnectionResetError):
            assert await talk(worker) == b""
        names.answer.set_result("friend.example")
        for reader, writer in first:
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"
            writer.close()


async def test_the_clients_of_one_network_leave_room_for_others(
    names: SlowNames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("superd.worker.hearings.CROWD_LIMIT", 2)
    async with working((service("echo", access=FRIENDS), bound(address="0.0.0.0"))) as worker:

        async def connected(source: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection(*worker.address(), local_addr=(source, 0))

        first = [await connected(source) for source in ("127.0.1.1", "127.0.1.2", "127.0.2.1")]
        await eventually(lambda: len(names.asked) == 3)
        reader, writer = await connected("127.0.1.3")
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        names.answer.set_result("friend.example")
        for reader, writer in first:
            writer.write(b"x")
            assert await reader.readexactly(1) == b"x"
            writer.close()
        assert not worker.engine._context.hearings._crowds


async def test_clients_that_waited_for_the_same_answer_count_one_after_the_other(names: SlowNames) -> None:
    one = Limits(instances=Written(value=1, origin=HERE))
    async with working((service("echo", access=FRIENDS, limits=one), bound())) as worker:
        waiting = [await connect(worker) for _ in range(5)]
        await eventually(lambda: len(names.asked) == 5)
        names.answer.set_result("friend.example")
        (runtime,) = worker.engine._runtimes
        await eventually(lambda: not runtime.undecided)
        assert (runtime.live, runtime.refused) == (1, 4)
        for _, writer in waiting:
            writer.close()


async def test_who_comes_in_meanwhile_counts(names: SlowNames) -> None:
    one = Limits(instances=Written(value=1, origin=HERE))
    local = AddressPattern(text="127.0.0.2", origin=HERE, network="127.0.0.2/32")
    access = Access(only_from=(local, FRIEND), only_from_origin=HERE)
    async with working((service("echo", access=access, limits=one), bound())) as worker:
        late = asyncio.ensure_future(talk(worker, b"late"))
        await eventually(lambda: names.asked)
        reader, writer = await asyncio.open_connection(*worker.address(), local_addr=("127.0.0.2", 0))
        writer.write(b"first")
        assert await reader.readexactly(5) == b"first"
        names.answer.set_result("friend.example")
        with suppress(ConnectionResetError):
            assert await late == b""
        writer.close()


async def test_a_reload_does_not_wait_for_a_name_server(
    names: SlowNames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("superd.worker.engine.HANDOVER_LIMIT", 0.1)
    async with working((service(program(), access=FRIENDS), bound())) as worker:
        reader, writer = await connect(worker)
        await eventually(lambda: names.asked)
        worker.supervisor.channel.send(Drain())
        assert await worker.supervisor.message() == Drained()
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        await worker.ended()
        writer.close()


async def test_a_datagram_is_answered_when_its_sender_is_known_and_others_need_not_wait(
    names: SlowNames,
) -> None:
    local = AddressPattern(text="127.0.0.2", origin=HERE, network="127.0.0.2/32")
    access = Access(only_from=(local, FRIEND), only_from_origin=HERE)
    async with working((service("echo", kind=DGRAM, access=access), bound(DGRAM, "0.0.0.0"))) as worker:
        with ExitStack() as stack:
            slow, quick = (
                stack.enter_context(DatagramClient(worker, source=(address, 0)))
                for address in ("127.0.0.1", "127.0.0.2")
            )
            slow.send(b"slow")
            await eventually(lambda: names.asked)
            quick.send(b"quick")
            assert await quick.receive() == b"quick"
            names.answer.set_result("friend.example")
            assert await slow.receive() == b"slow"


async def test_a_flood_of_datagrams_from_a_nameless_source_makes_one_line_about_its_name(
    names: SlowNames,
) -> None:
    names.answer.set_result("unknown")
    async with working((service("echo", kind=DGRAM, access=FRIENDS), bound(DGRAM))) as worker:

        def refused(number: int) -> bool:
            return worker.engine._runtimes[0].refused == number

        with capture_logs() as logged, DatagramClient(worker) as client:
            for number in range(1, 21):
                client.send(b"x")
                await eventually(partial(refused, number))
        assert [each["event"] for each in logged].count("name.doubtful") == 1


async def test_datagrams_that_come_before_the_name_are_passed_on_in_order(names: SlowNames) -> None:
    async with working((service(program(), kind=DGRAM, access=FRIENDS), bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            for data in (b"one", b"two"):
                client.send(data)
            await eventually(lambda: names.asked)
            names.answer.set_result("friend.example")
            _, sock = await worker.launcher.launch()
            with sock:
                assert [sock.recv(100) for _ in range(2)] == [b"one", b"two"]


@pytest.mark.parametrize("name", ["friend.example", "foe.example"])
async def test_a_wait_program_is_started_when_the_sender_of_the_first_datagram_is_known(
    names: SlowNames, name: str
) -> None:
    svc = service(program(), kind=DGRAM, wait=True, access=FRIENDS)
    async with working((svc, bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            client.send(b"asks")
            await eventually(lambda: names.asked)
            assert worker.engine.holds == {"finding out who asks"}
            names.answer.set_result(name)
            if name == "friend.example":
                _, sock = await worker.launcher.launch()
                with sock:
                    assert sock.recv(100) == b"asks"
            else:
                await eventually(lambda: not worker.engine.holds)
                assert worker.engine._runtimes[0].refused == 1


async def test_a_rule_with_a_name_is_asked_for_only_by_whom_it_can_concern(
    names: SlowNames, tmp_path: Path
) -> None:
    (tmp_path / "hosts.allow").write_text("svc: 127.0.0.1\nsvc: .friend.example\n")
    (tmp_path / "hosts.deny").write_text("ALL: ALL\n")
    svc = service("echo", access=Access(daemon="svc"))
    async with working((svc, bound(address="0.0.0.0")), hosts=tmp_path) as worker:
        assert await talk(worker, b"known") == b"known"
        assert names.asked == []
        names.answer.set_result("gw.friend.example")
        reader, writer = await asyncio.open_connection(*worker.address(), local_addr=("127.0.0.2", 0))
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        assert names.asked == ["127.0.0.2"]
        writer.close()


async def test_banners_of_rules_are_sent_to_whom_they_refuse_and_to_whom_they_admit(tmp_path: Path) -> None:
    (tmp_path / "svc").write_text("hello %a\n")
    (tmp_path / "hosts.allow").write_text(f"svc: 127.0.0.1: banners {tmp_path}\n")
    (tmp_path / "hosts.deny").write_text(f"svc: ALL: banners {tmp_path}\n")
    svc = service("echo", access=Access(daemon="svc"))
    async with working((svc, bound(address="0.0.0.0")), hosts=tmp_path) as worker:
        assert await talk(worker, b"x") == b"hello 127.0.0.1\r\nx"
        reader, writer = await asyncio.open_connection(*worker.address(), local_addr=("127.0.0.2", 0))
        assert await reader.read() == b"hello 127.0.0.2\r\n"
        writer.close()


async def test_a_program_behind_a_banner_of_a_rule_gets_its_connection_after_it(tmp_path: Path) -> None:
    (tmp_path / "svc").write_text("hello\n")
    (tmp_path / "hosts.allow").write_text(f"svc: ALL: banners {tmp_path}: keepalive\n")
    svc = service(program(), access=Access(daemon="svc"))
    async with working((svc, bound()), hosts=tmp_path) as worker:
        reader, writer = await connect(worker)
        launch, sock = await worker.launcher.launch()
        assert isinstance(launch, Launch)
        with sock:
            assert sock.getsockopt(1, 9) == 1  # SOL_SOCKET, SO_KEEPALIVE
            assert await reader.readexactly(7) == b"hello\r\n"
        writer.close()


async def test_a_twist_of_a_built_in_waits_for_no_launcher(tmp_path: Path) -> None:
    """A built-in goes on accepting without one: whoever waits for it would hold a descriptor, in any number."""
    (tmp_path / "hosts.allow").write_text("svc: ALL: twist true\n")
    svc = service("echo", access=Access(daemon="svc"))
    async with working((svc, bound()), hosts=tmp_path, launcher=False) as worker:
        with suppress(ConnectionResetError):
            assert await talk(worker) == b""
        assert (worker.engine._runtimes[0].live, worker.engine._runtimes[0].refused) == (0, 1)


async def test_without_an_answer_nobody_is_served_under_other_ids_than_its_rule_has(
    names: SlowNames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("superd.worker.runtime.Runtime.undecided_limit", 0)
    (tmp_path / "hosts.allow").write_text("svc: ALL: spawn true %n: user nobody\n")
    async with working((service(program(), access=Access(daemon="svc")), bound()), hosts=tmp_path) as worker:
        with suppress(ConnectionResetError):
            assert await talk(worker) == b""
        assert worker.engine._runtimes[0].refused == 1
    assert names.asked == []
