"""A service whose clients may have no address yet, under a worker: what it is told, and how it answers.

Over the loopback interface, where everybody has an address; ``tests/e2e/test_bootp_clients.py`` has the others.
"""

import socket
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog

from helpers.working import DatagramClient, bound, eventually, free_port, service, working
from superd import builtins
from superd.config.model import Access, AddressPattern, SocketType
from superd.config.origin import Origin
from superd.log import events
from superd.net.link_socket import LONGER_BURST
from superd.privsep.messages import Drain, Drained
from superd.service import (
    BuiltinService,
    Link,
    LinkAction,
    LinkDatagram,
    Note,
    Peer,
    Remark,
    SendBroadcast,
    SendTo,
)

DGRAM = SocketType.DGRAM
ANSWERED = Note(Remark.ANSWERED, {"mac": "52:54"})

Answer = Callable[[LinkDatagram], Iterable[LinkAction]]


@dataclass
class Scripted:
    """A machine that answers as told and remembers what it was asked."""

    answer: Answer
    asked: list[LinkDatagram] = field(default_factory=list)

    def handle(self, event: LinkDatagram) -> Iterable[LinkAction]:
        self.asked.append(event)
        return self.answer(event)


def echo(event: LinkDatagram) -> Iterable[LinkAction]:
    return SendTo(event.data, event.peer.host, event.peer.port), ANSWERED


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], Scripted]:
    """Make every built-in this one."""

    def make(answer: Answer) -> Scripted:
        machine = Scripted(answer)
        made = BuiltinService(name="scripted", summary="", links=lambda _options: machine)
        monkeypatch.setattr(builtins, "find", lambda *_: made)
        return machine

    return make


Script = Callable[[Answer], Scripted]


async def test_an_answer_goes_to_the_host_from_the_address_that_was_asked(script: Script) -> None:
    machine = script(echo)
    async with working((service(kind=DGRAM), bound(DGRAM, "0.0.0.0"))) as worker:
        with DatagramClient(worker) as client:
            client.socket.connect(("127.0.0.77", worker.address()[1]))  # takes that address's datagrams only
            client.send(b"hello")
            assert await client.receive() == b"hello"
            [asked] = machine.asked
            port = client.socket.getsockname()[1]
            assert asked.peer == Peer("127.0.0.1", port, "127.0.0.77", worker.address()[1])
    assert asked.link == Link(socket.if_nametoindex("lo"), "lo", b"", "127.0.0.77", 8)


async def test_a_note_is_logged_with_who_was_answered_and_how(script: Script) -> None:
    script(echo)
    with structlog.testing.capture_logs() as logged:
        async with working((service(kind=DGRAM), bound(DGRAM))) as worker:
            with DatagramClient(worker) as client:
                client.send(b"hello")
                await client.receive()
            assert {line.text for line in worker.engine.state() if line.field == "served"} == {"1"}
    [event] = [entry for entry in logged if entry["event"] == events.BOOTP_ANSWERED]
    assert event["log_level"] == "info"
    wanted = {"service": "svc", "peer": "127.0.0.1", "interface": "lo", "delivery": "unicast", "mac": "52:54"}
    assert event.items() >= wanted.items()


async def asked_often(script: Script, answer: Answer, times: int = 3) -> list[MutableMapping[str, Any]]:
    """What is logged of so many questions."""
    machine = script(answer)
    with structlog.testing.capture_logs() as logged:
        async with working((service(kind=DGRAM), bound(DGRAM))) as worker:
            with DatagramClient(worker) as client:
                for _ in range(times):
                    client.send(b"hello")
                await eventually(lambda: len(machine.asked) == times)
    return logged


@pytest.mark.parametrize(
    ("remark", "event", "level"),
    [
        (Remark.IGNORED, events.BOOTP_IGNORED, "debug"),
        (Remark.PROBLEM, events.BOOTP_PROBLEM, "warning"),
    ],
)
async def test_what_was_not_answered_is_logged_once_a_minute(
    script: Script, remark: Remark, event: str, level: str
) -> None:
    logged = await asked_often(script, lambda _event: [Note(remark, {"reason": "nobody we know"})])
    assert [(entry["event"], entry["log_level"], entry["reason"]) for entry in logged] == [
        (event, level, "nobody we know")
    ]


@pytest.mark.parametrize("host", ["255.255.255.255", "224.0.0.1", "0.0.0.0"])
async def test_nothing_is_sent_to_an_address_that_is_no_single_host(script: Script, host: str) -> None:
    logged = await asked_often(script, lambda event: [SendTo(event.data, host, 68), ANSWERED], times=1)
    assert [(entry["event"], entry["reason"]) for entry in logged] == [
        (events.DATAGRAM_REFUSED, f"{host} is no single host")
    ]


async def test_nothing_is_sent_by_a_link_without_an_address(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("superd.net.interfaces.addresses", tuple)
    script(lambda event: [SendBroadcast(event.data, 68), ANSWERED])
    with structlog.testing.capture_logs() as logged:
        async with working((service(kind=DGRAM), bound(DGRAM, "0.0.0.0"))) as worker:
            with DatagramClient(worker) as client:
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                client.socket.connect(("127.255.255.255", worker.address()[1]))
                client.send(b"hello")
                await eventually(lambda: logged)
    assert [(entry["event"], entry["reason"]) for entry in logged] == [
        (events.DATAGRAM_REFUSED, "lo has no IPv4 address to answer from")
    ]


async def test_longer_answers_to_one_address_are_bounded(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("superd.net.link_socket.time.monotonic", lambda: 100.0)
    machine = script(lambda event: [SendTo(event.data + b"!", event.peer.host, event.peer.port)])
    async with working((service(kind=DGRAM), bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            for _ in range(LONGER_BURST):
                client.send(b"x")
                assert await client.receive() == b"x!"
            client.send(b"one too many")
            await eventually(lambda: len(machine.asked) == LONGER_BURST + 1)
            with pytest.raises(BlockingIOError):
                client.socket.recv(100)


async def test_a_service_that_fails_costs_one_answer(script: Script) -> None:
    def answer(event: LinkDatagram) -> Iterable[LinkAction]:
        if event.data == b"bad":
            raise RuntimeError("oh")
        return echo(event)

    machine = script(answer)
    with structlog.testing.capture_logs() as logged:
        async with working((service(kind=DGRAM), bound(DGRAM))) as worker:
            with DatagramClient(worker) as client:
                client.send(b"bad")
                client.send(b"good")
                assert await client.receive() == b"good"
    assert len(machine.asked) == 2
    assert [(entry["event"], entry.get("error", "")) for entry in logged] == [
        (events.MACHINE_FAILED, "RuntimeError: oh"),
        (events.MACHINE_FAILED, ""),  # the traceback, for those who debug
        (events.BOOTP_ANSWERED, ""),
    ]


async def test_a_refused_client_gets_silence_and_others_are_served(script: Script) -> None:
    machine = script(echo)
    pattern = AddressPattern(text="127.0.0.9", origin=Origin("test.conf", 3), network="127.0.0.9/32")
    refusing = service(kind=DGRAM, access=Access(no_access=(pattern,)))
    async with working((refusing, bound(DGRAM, "0.0.0.0"))) as worker:
        with (
            DatagramClient(worker, source=("127.0.0.9", 0)) as refused,
            DatagramClient(worker, source=("127.0.0.10", 0)) as other,
        ):
            refused.send(b"x")
            other.send(b"y")
            assert await other.receive() == b"y"
            assert [asked.peer.host for asked in machine.asked] == ["127.0.0.10"]


async def test_a_relay_agent_is_answered_at_the_port_of_servers(script: Script) -> None:
    """Relay agents send from the port they are answered at, which is that of the service (RFC 1542 section 4.1)."""
    port = free_port()
    script(lambda event: [SendTo(event.data, event.peer.host, event.peer.port)])
    async with working((service(kind=DGRAM), bound(DGRAM, "127.0.0.1", port))) as worker:
        with DatagramClient(worker, source=("127.0.0.5", port)) as relay:
            relay.send(b"x")
            assert await relay.receive() == b"x"


async def test_a_socket_of_another_family_is_left_alone(script: Script) -> None:
    machine = script(echo)
    svc = service(kind=DGRAM)
    async with working((svc, bound(DGRAM, "::1")), (svc, bound(DGRAM))) as worker:
        with DatagramClient(worker, 0) as six, DatagramClient(worker, 1) as four:
            six.send(b"6")
            four.send(b"4")
            assert await four.receive() == b"4"
    assert [asked.data for asked in machine.asked] == [b"4"]


async def test_a_draining_worker_leaves_the_rest_to_its_successor(script: Script) -> None:
    machine = script(echo)
    async with working((service(kind=DGRAM), bound(DGRAM))) as worker:
        worker.supervisor.channel.send(Drain())
        assert await worker.supervisor.message() == Drained()
        with DatagramClient(worker) as client:
            client.send(b"for the next one")
        assert worker.sockets[0].recv(100) == b"for the next one"
    assert machine.asked == []
