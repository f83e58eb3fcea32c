"""Ident servers are asked over loopback: well-meaning, hostile and silent ones."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from helpers.ident import (
    Script,
    Server,
    closes,
    dribbles,
    hangs,
    identd,
    never_ends,
    resets,
    says,
)
from helpers.net import DEADLINE, free_port
from superd.lookup import ident as module
from superd.lookup.ident import DATAGRAM, TOTAL_LIMIT, UNKNOWN, Answer, Failure, Ident, not_asked
from superd.service import Peer

ALICE = "PORTS : USERID : UNIX : alice\r\n"
ANSWER = Answer("alice", text="UNIX : alice")
SHORT = 0.2
"""Seconds for a server that will not answer."""


def peer(host: str = "127.0.0.1", local_host: str = "127.0.0.1", port: int = 40001) -> Peer:
    return Peer(host, port, local_host, 79)


def ident(port: int, limit: int = TOTAL_LIMIT) -> Ident:
    return Ident(asyncio.get_running_loop(), port=port, limit=limit)


async def busy(server: Server, number: int) -> None:
    """Wait until the server has so many connections open."""
    await until(lambda: server.open == number)


async def hung_up(server: Server) -> None:
    """Wait until a connection to the server is over."""
    await until(lambda: server.over > 0)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what happens in the server's threads."""
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("script", [says(ALICE), dribbles(ALICE)], ids=["at once", "byte by byte"])
async def test_the_server_is_asked_about_both_ports(script: Script) -> None:
    with identd(script) as server:
        assert await ident(server.port).user(peer()) == ANSWER
    assert server.questions == [b"40001,79\r\n"]


async def test_the_question_comes_from_the_address_the_client_connected_to() -> None:
    with identd(says(ALICE)) as server:
        await ident(server.port).user(peer(local_host="127.0.0.7"))
    assert server.sources == ["127.0.0.7"]


async def test_a_client_over_ipv6_is_asked_over_ipv6() -> None:
    with identd(says(ALICE), "::1") as server:
        assert await ident(server.port).user(peer("::1", "::1")) == ANSWER
    assert server.sources == ["::1"]


@pytest.mark.parametrize(
    ("script", "failure", "why"),
    [
        (says("PORTS : ERROR : NO-USER\r\n"), Failure.BAD, "NO-USER"),
        (says("1,2 : USERID : UNIX : root\r\n"), Failure.BAD, "another connection"),
        (says(b"\0" * 50 + b"\n"), Failure.BAD, "RFC 1413"),
        (says("PORTS : USERID : UNIX : root"), Failure.RECEIVING, "in the middle"),
        (closes, Failure.RECEIVING, "without an answer"),
        (resets, Failure.RECEIVING, "connection reset by peer"),
        (never_ends, Failure.RECEIVING, "more than 1000 bytes"),
    ],
)
async def test_a_server_that_names_nobody_leaves_the_user_unknown(
    script: Script, failure: Failure, why: str
) -> None:
    with identd(script) as server:
        answer = await ident(server.port).user(peer())
    assert (answer.user, answer.failure) == (UNKNOWN, failure)
    assert why in answer.why


async def test_without_a_server_the_user_is_unknown() -> None:
    answer = await ident(free_port()).user(peer())
    assert (answer.user, answer.failure) == (UNKNOWN, Failure.NO_SERVER)
    assert "connection refused" in answer.why


async def test_a_server_that_says_nothing_is_given_up_and_hung_up_on() -> None:
    with identd(hangs) as server:
        answer = await ident(server.port).user(peer(), SHORT)
        await hung_up(server)
    assert (answer.user, answer.failure) == (UNKNOWN, Failure.TIMEOUT)
    assert "within 0.2 seconds" in answer.why


async def test_a_server_that_goes_on_sending_a_little_is_given_up_all_the_same() -> None:
    enough = threading.Event()

    def drips(connection: socket.socket, _question: bytes) -> None:
        while not enough.wait(0.02):
            connection.sendall(b" ")

    with identd(drips) as server:
        answer = await ident(server.port).user(peer(), SHORT)
        enough.set()
    assert answer.failure is Failure.TIMEOUT


async def test_a_long_time_is_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_LIMIT", SHORT)
    with identd(hangs) as server:
        assert (await ident(server.port).user(peer(), 1e30)).failure is Failure.TIMEOUT


@pytest.mark.parametrize(
    "client",
    [
        Peer("", 0, "/run/socket", 0),
        Peer("127.0.0.1", 40001, "127.0.0.1", 113),
        Peer("127.0.0.1", 113, "127.0.0.1", 79),
    ],
    ids=["Unix socket", "our ident service", "their ident service"],
)
async def test_who_can_not_or_must_not_be_asked_is_unknown_at_once(client: Peer) -> None:
    with identd(says(ALICE)) as server:
        answer = await ident(server.port).user(client)
    assert (answer.user, answer.failure, server.questions) == (UNKNOWN, Failure.NOT_ASKED, [])
    assert answer == not_asked(client)


async def test_an_ident_service_on_another_port_is_not_asked_about_either() -> None:
    with identd(says(ALICE)) as server:
        asked = Ident(asyncio.get_running_loop(), port=server.port, own_ports=(1113,))
        assert (await asked.user(Peer("127.0.0.1", 40001, "127.0.0.1", 1113))).failure is Failure.NOT_ASKED
    assert server.questions == []


def test_datagrams_have_an_answer_without_asking() -> None:
    assert (DATAGRAM.user, DATAGRAM.failure) == (UNKNOWN, Failure.NOT_ASKED)
    assert not_asked(peer()) is None


@pytest.mark.parametrize(
    ("host", "local_host"),
    [
        ("127.0.0.1", "192.0.2.1"),
        ("127.0.0.1", "::1"),
        ("::1", "127.0.0.1"),
        ("example.com", "127.0.0.1"),
        ("fe80::1%nowhere", "fe80::2"),
        ("fe80::1", "fe80::2"),
        ("::x", "::1"),
    ],
)
async def test_addresses_that_can_not_be_used_are_an_answer_and_not_an_exception(
    host: str, local_host: str
) -> None:
    answer = await ident(free_port()).user(peer(host, local_host))
    assert (answer.user, answer.failure) == (UNKNOWN, Failure.SYSTEM)
    assert "could not be asked: " in answer.why


async def test_no_descriptor_is_taken_that_is_reserved() -> None:
    with identd(says(ALICE)) as server:
        answer = await Ident(asyncio.get_running_loop(), port=server.port, ceiling=3).user(peer())
    assert (answer.failure, server.sources) == (Failure.SYSTEM, [])


async def test_only_so_many_questions_are_under_way() -> None:
    go = threading.Event()

    def waits(connection: socket.socket, question: bytes) -> None:
        go.wait(DEADLINE)
        says(ALICE)(connection, question)

    with identd(waits) as server:
        asked = ident(server.port, limit=2)
        tasks = [asyncio.create_task(asked.user(peer(port=40000 + number))) for number in range(6)]
        await busy(server, 2)
        assert (asked.asking, asked.networks) == (6, 1)
        go.set()
        assert await asyncio.gather(*tasks) == [ANSWER] * 6
    assert server.peak == 2
    assert len(set(server.questions)) == 6
    assert (asked.asking, asked.networks) == (0, 0)


async def test_a_host_that_lets_questions_hang_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NETWORK_LIMIT", 1)
    with identd(hangs) as hostile, identd(says(ALICE), "127.0.0.2", hostile.port):
        asked = ident(hostile.port, limit=2)
        tasks = [asyncio.create_task(asked.user(peer(), DEADLINE)) for _ in range(5)]
        await busy(hostile, 1)
        assert await asked.user(peer("127.0.0.2")) == ANSWER
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert hostile.peak == 1


@pytest.mark.parametrize("limit", ["NETWORK_WAITING", "TOTAL_WAITING"])
async def test_more_questions_than_may_wait_are_unknown_at_once(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, limit, 1)
    with identd(hangs) as server:
        asked = ident(server.port)
        first = asyncio.create_task(asked.user(peer(), DEADLINE))
        await busy(server, 1)
        assert (await asked.user(peer())).failure is Failure.SYSTEM
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
    assert asked.asking == 0


async def test_a_cancelled_question_gives_back_its_turn_and_its_socket() -> None:
    with identd(hangs) as server, identd(says(ALICE), "127.0.0.2", server.port):
        asked = ident(server.port, limit=1)
        task = asyncio.create_task(asked.user(peer(), DEADLINE))
        await busy(server, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await hung_up(server)
        assert await asked.user(peer("127.0.0.2")) == ANSWER


async def test_the_addresses_of_an_ipv6_subnet_are_one_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NETWORK_WAITING", 0)
    for host in ("2001:db8::1", "::1%1"):
        assert (await ident(free_port()).user(peer(host, "::1"))).failure is Failure.SYSTEM


LATE = """
import asyncio, sys, uvloop
from superd.lookup.ident import Ident
from superd.service import Peer
from superd.supervisor.warmup import warm_up
warm_up()

async def ask(port):
    ident = Ident(asyncio.get_running_loop(), port=port)
    known = set(sys.modules)
    answers = [await ident.user(Peer(host, 9, host, 79), 1) for host in ("127.0.0.1", "127.0.0.2", "::1", "fe80::1")]
    print(sorted(set(sys.modules) - known), answers[0].user)

uvloop.run(ask(int(sys.argv[1])))
"""


def test_nothing_is_imported_while_asking() -> None:
    with identd(says(ALICE)) as server:
        words = [sys.executable, "-c", LATE, str(server.port)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("[] alice\n", "")
