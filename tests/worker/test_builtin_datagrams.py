"""Built-in services for datagrams under a worker: whom they answer, from where, and with how much."""

import asyncio
import socket
from collections.abc import Iterable

import pytest
import structlog

from helpers.working import DEADLINE, DatagramClient, bound, eventually, service, working
from superd.config.model import Access, AddressPattern, Limits, SocketType
from superd.config.origin import Origin
from superd.config.written import Written
from superd.log import events
from superd.net.datagram import AMPLIFIED_BURST, Outbound
from superd.net.loops import ANSWERING_PORTS, LoopGuard
from superd.service import Datagram, Send
from superd_services.echo.protocol import EchoDatagram

DGRAM = SocketType.DGRAM
HERE = Origin("test.conf", 3)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_every_datagram_of_a_burst_is_answered(address: str) -> None:
    async with working((service("echo", kind=DGRAM), bound(DGRAM, address))) as worker:
        with DatagramClient(worker) as client:
            for number in range(100):
                client.send(b"%d" % number)
            assert [await client.receive() for _ in range(100)] == [b"%d" % number for number in range(100)]


async def test_an_empty_datagram_is_answered() -> None:
    async with working((service("echo", kind=DGRAM), bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            client.send(b"")
            assert await client.receive() == b""


async def test_the_largest_datagram_is_answered_whole() -> None:
    async with working((service("echo", kind=DGRAM), bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            data = bytes(65507)
            client.send(data)
            assert await client.receive() == data


@pytest.mark.parametrize(("name", "length"), [("time", 4), ("chargen", 444)])
async def test_services_whose_protocol_says_so_answer_with_more_than_they_were_sent(
    name: str, length: int
) -> None:
    async with working((service(name, kind=DGRAM), bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            client.send(b"")
            assert len(await client.receive()) == length


async def test_the_answer_comes_from_the_address_that_was_asked() -> None:
    async with working((service("echo", kind=DGRAM), bound(DGRAM, "0.0.0.0"))) as worker:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(DEADLINE)
            client.sendto(b"x", ("127.0.0.77", worker.address()[1]))
            _, source = await asyncio.to_thread(client.recvfrom, 100)
            assert source[0] == "127.0.0.77"


async def test_two_own_services_do_not_answer_each_other() -> None:
    first, second = bound(DGRAM), bound(DGRAM)
    async with working(
        (service("echo", key="a", kind=DGRAM), first), (service("echo", key="b", kind=DGRAM), second)
    ) as worker:
        first.sendto(b"forged", second.getsockname())  # as if somebody had forged it
        with DatagramClient(worker, 1) as client:
            client.send(b"after")
            assert await client.receive() == b"after"
        with DatagramClient(worker, 0) as client:
            client.send(b"only mine")
            assert await client.receive() == b"only mine"
        assert {line.text for line in worker.engine.state() if line.field == "refused"} == {"0", "1"}


async def test_a_refused_sender_gets_no_answer_and_others_do() -> None:
    pattern = AddressPattern(text="127.0.0.9", origin=HERE, network="127.0.0.9/32")
    svc = service("echo", kind=DGRAM, access=Access(no_access=(pattern,)))
    async with working((svc, bound(DGRAM, "0.0.0.0"))) as worker:
        with (
            DatagramClient(worker, source=("127.0.0.9", 0)) as refused,
            DatagramClient(worker, source=("127.0.0.10", 0)) as other,
        ):
            for _ in range(3):
                refused.send(b"no")
            other.send(b"yes")
            assert await other.receive() == b"yes"
            with pytest.raises(BlockingIOError):
                refused.socket.recv(10)


async def test_a_service_that_fails_says_so_once_however_many_datagrams_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    echo = EchoDatagram.handle

    def fail(machine: EchoDatagram, event: Datagram) -> Iterable[Send]:
        if event.data == b"fail":
            raise OSError("the disk is gone")
        return echo(machine, event)

    monkeypatch.setattr(EchoDatagram, "handle", fail)
    with structlog.testing.capture_logs() as logged:
        async with working((service("echo", kind=DGRAM), bound(DGRAM))) as worker:
            with DatagramClient(worker) as client:
                for _ in range(50):
                    client.send(b"fail")
                client.send(b"work")
                assert await client.receive() == b"work"

    told = [(event["event"], event["error"]) for event in logged if event["log_level"] == "error"]
    assert told == [(events.MACHINE_FAILED, "OSError: the disk is gone")]
    assert [event["event"] for event in logged].count(events.DATAGRAM_ANSWERED) == 1


async def test_what_comes_during_a_pause_is_not_answered_later() -> None:
    from superd.config.model import Rate

    rate = Rate(starts=1, window=1, pause=1)
    svc = service("echo", kind=DGRAM, limits=Limits(cps=Written(value=rate, origin=HERE)))
    async with working((svc, bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            for text in (b"served", b"one too many", b"during the pause"):
                client.send(text)
            assert await client.receive() == b"served"
            await eventually(lambda: bool(worker.engine.holds))
            await eventually(lambda: not worker.engine.holds)
            client.send(b"after")
            assert await client.receive() == b"after"


@pytest.mark.parametrize("port", sorted(ANSWERING_PORTS | {5353}))
def test_no_answer_goes_to_ports_that_might_answer(port: int) -> None:
    assert LoopGuard({5353}).reason("192.0.2.1", port)


@pytest.mark.parametrize(
    "host", ["224.0.0.1", "255.255.255.255", "0.0.0.0", "0.1.2.3", "::", "ff02::1", "192.0.2.255"]
)
def test_no_answer_goes_to_what_is_no_single_host(host: str) -> None:
    assert LoopGuard(broadcasts={"192.0.2.255"}).reason(host, 4000)


@pytest.mark.parametrize("host", ["192.0.2.1", "127.0.0.1", "::1", "2001:db8::1", "fe80::1%2"])
def test_answers_go_to_single_hosts(host: str) -> None:
    assert not LoopGuard(broadcasts={"192.0.2.255"}).reason(host, 4000)


def test_an_answer_longer_than_the_question_needs_a_service_that_declares_it() -> None:
    outbound = Outbound()
    assert outbound.forbids(4, 5, False, "192.0.2.1")
    assert not outbound.forbids(5, 5, False, "192.0.2.1")
    assert not outbound.forbids(4, 5, True, "192.0.2.1")


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
    ],
)
def test_long_answers_are_limited_per_source(first: str, second: str, shared: bool) -> None:
    outbound = Outbound()
    for _ in range(AMPLIFIED_BURST):
        assert not outbound.forbids(0, 26, True, first)
    assert outbound.forbids(0, 26, True, first)
    assert bool(outbound.forbids(0, 26, True, second)) is shared
    assert not outbound.forbids(26, 26, True, first)


def test_loopback_is_not_limited() -> None:
    outbound = Outbound()
    assert not any(outbound.forbids(0, 26, True, "127.0.0.1") for _ in range(100))
