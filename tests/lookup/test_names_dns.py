"""Names from a name server on loopback that a test scripts, through c-ares and its sockets."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from helpers.dns import REFUSED, SERVFAIL, SILENT, NameServer, Zone, alias, host, name_server, pointer
from helpers.net import DEADLINE
from helpers.working import eventually
from superd.access.facts import PARANOID, UNKNOWN
from superd.lookup import dns as dns_module
from superd.lookup import system as system_module
from superd.lookup.names import Answer, Names
from superd.lookup.system import Paths, System

PATIENT = 3 * DEADLINE
SOON = 0.3
"""A deadline that is meant to pass."""

ZONE: Zone = {
    **pointer("10.1.0.1", "good.test"),
    **host("good.test", "10.1.0.1"),
    **pointer("10.1.0.2", "liar.test"),
    **host("liar.test", "10.66.6.6"),
    **pointer("10.1.0.4", "alias.test"),
    **alias("alias.test", "real.test"),
    **host("real.test", "10.1.0.4"),
    **pointer("10.1.0.5", "10.1.0.5"),
    **pointer("10.1.0.6", "nowhere.test"),
    **pointer("10.1.0.7", SERVFAIL),
    **pointer("10.1.0.8", REFUSED),
    **pointer("10.1.0.9", "failing.test"),
    ("failing.test", "A"): [SERVFAIL],
    **pointer("10.1.0.10", (b"evil\n\x1b[31m", b"test")),
    **pointer("10.1.0.11", "many.test"),
    **host("many.test", *(f"10.2.0.{number}" for number in range(1, 20)), "10.1.0.11"),
    **pointer("2001:db8::1", "six.test"),
    **host("six.test", "2001:db8::1", "10.1.0.99"),
}


@pytest.fixture
def server() -> Iterator[NameServer]:
    with name_server(dict(ZONE)) as running:
        yield running


class Files:
    """The system's files, of which none exists at first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.paths = Paths(*(str(folder / name) for name in ("hosts", "nsswitch.conf", "resolv.conf")))

    def write(self, name: str, text: str) -> None:
        """Write or replace one."""
        (self._folder / name).write_text(text)

    def remove(self, name: str) -> None:
        """Remove one."""
        (self._folder / name).unlink()


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def system(files: Files, *servers: NameServer) -> System:
    return System(asyncio.get_running_loop(), files.paths, [server.address for server in servers])


def names(files: Files, *servers: NameServer) -> Names:
    return Names(asyncio.get_running_loop(), deadline=PATIENT, resolver=system(files, *servers))


async def one(names: Names, address: str) -> Answer:
    """Ask once, and close."""
    answer = await names.name(address)
    await names.close()
    return answer


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    ("address", "name", "why"),
    [
        ("10.1.0.1", "good.test", ""),
        ("::ffff:10.1.0.1", "good.test", ""),
        ("2001:db8::1", "six.test", ""),
        ("10.1.0.11", "many.test", ""),
        ("10.1.0.2", PARANOID, "host name/address mismatch: 10.1.0.2 != liar.test"),
        ("10.1.0.3", UNKNOWN, "it has no name"),
        ("10.1.0.4", PARANOID, "host name/name mismatch: alias.test != 'real.test'"),
        ("10.1.0.5", PARANOID, "reverse look-up results in '10.1.0.5'"),
        ("10.1.0.6", PARANOID, "can't verify the host name nowhere.test: it has no IPv4 address"),
        ("10.1.0.7", UNKNOWN, "SERVFAIL"),
        ("10.1.0.8", UNKNOWN, "refuses"),
        ("10.1.0.9", PARANOID, "can't verify the host name failing.test"),
        ("10.1.0.10", UNKNOWN, "it has no name"),
    ],
)
async def test_a_client_is_named_as_dns_says(
    server: NameServer, files: Files, address: str, name: str, why: str
) -> None:
    answer = await one(names(files, server), address)
    assert answer.name == name
    assert why in answer.why


async def test_the_ttl_comes_from_dns(files: Files) -> None:
    now = 1000.0
    with name_server(dict(ZONE), ttl=77) as server:
        loop = asyncio.get_running_loop()
        ask = Names(loop, deadline=PATIENT, resolver=system(files, server), clock=lambda: now)
        await ask.name("10.1.0.1")
        now += 76
        assert ask.peek("10.1.0.1") is not None
        now += 1
        assert ask.peek("10.1.0.1") is None
        await ask.close()


async def test_a_server_that_does_not_answer_is_followed_by_the_next(
    server: NameServer, files: Files
) -> None:
    with name_server({**pointer("10.1.0.1", SILENT)}) as silent:
        answer = await one(names(files, silent, server), "10.1.0.1")
    assert answer.name == "good.test"


async def test_nobody_at_the_servers_address_leaves_the_name_unknown(files: Files) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        loop, nobody = asyncio.get_running_loop(), f"127.0.0.1:{unused.getsockname()[1]}"
    answer = await one(
        Names(loop, deadline=PATIENT, resolver=System(loop, files.paths, [nobody])), "10.1.0.1"
    )
    assert answer.name == UNKNOWN
    assert answer.why in {"no name server can be reached", "the name servers do not answer"}


async def test_hosts_comes_before_dns(server: NameServer, files: Files) -> None:
    files.write("hosts", "10.1.0.2 honest.test\n10.1.0.2 liar.test\n")
    answer = await one(names(files, server), "10.1.0.2")
    assert answer.name == "honest.test"
    assert server.questions == []


async def test_nsswitch_conf_may_turn_the_order_round(server: NameServer, files: Files) -> None:
    files.write("hosts", "10.1.0.1 from-file.test\n10.1.0.7 rescued.test\n")
    files.write("nsswitch.conf", "hosts: dns files\n")
    ask = names(files, server)
    assert (await ask.name("10.1.0.1")).name == "good.test"
    assert (await ask.name("10.1.0.7")).name == "rescued.test"
    await ask.close()


async def test_without_dns_in_nsswitch_conf_no_server_is_asked(server: NameServer, files: Files) -> None:
    files.write("nsswitch.conf", "hosts: files\n")
    assert (await one(names(files, server), "10.1.0.1")).name == UNKNOWN
    assert server.questions == []


async def test_a_changed_hosts_file_counts_at_once(
    server: NameServer, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system_module, "STAT_INTERVAL", 0.0)
    ask = names(files, server)
    assert (await ask.name("10.1.0.2")).name == PARANOID
    files.write("hosts", "10.1.0.2 honest.test\n")
    assert (await ask.name("10.1.0.2")).name == "honest.test"
    files.remove("hosts")
    assert (await ask.name("10.1.0.2")).name == PARANOID
    await ask.close()


async def test_a_changed_resolv_conf_asks_again_even_what_is_under_way(
    server: NameServer, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system_module, "STAT_INTERVAL", 0.0)
    with name_server({**pointer("10.1.0.1", SILENT)}) as silent:
        # The second reading of resolv.conf finds another server.
        servers = [silent.address]
        loop = asyncio.get_running_loop()
        ask = Names(loop, deadline=PATIENT, resolver=System(loop, files.paths, servers))
        waiting = asyncio.ensure_future(ask.name("10.1.0.1"))
        await eventually(lambda: silent.questions)
        servers[:] = [server.address]
        files.write("resolv.conf", "nameserver 192.0.2.1\n")
        assert ask.peek("10.1.0.1") is None
        assert (await waiting).name == "good.test"
        await ask.close()


async def test_an_unreadable_hosts_file_is_reported_and_counts_as_empty(
    server: NameServer, files: Files, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = str(tmp_path_factory.mktemp("hosts"))
    files.paths = replace(files.paths, hosts=folder)
    with capture_logs() as logged:
        ask = names(files, server)
    assert (await one(ask, "10.1.0.1")).name == "good.test"
    (line,) = logged
    assert (line["event"], line["path"]) == ("lookup.problem", folder)
    assert "regular file" in line["reason"]


async def test_500_clients_and_a_server_that_never_answers(files: Files) -> None:
    """Each has its answer at the deadline; nobody else waits; no descriptor, no place and no log line is lost."""
    clients = [f"10.{number % 16}.{number // 16}.1" for number in range(500)]
    files.write("hosts", "10.200.0.1 known.test\n")
    with name_server(
        {key: value for client in clients for key, value in pointer(client, SILENT).items()}
    ) as silent:
        silent.zone |= {**pointer("10.201.0.1", "quick.test"), **host("quick.test", "10.201.0.1")}
        ask = Names(asyncio.get_running_loop(), deadline=SOON, resolver=system(files, silent))
        before = descriptors()
        with capture_logs() as logged:
            waiting = [asyncio.ensure_future(ask.name(client)) for client in clients]
            await eventually(lambda: silent.questions)
            used = descriptors() - before
            assert (await ask.name("10.200.0.1")).name == "known.test"
            answers = await asyncio.gather(*waiting)
        assert {answer.name for answer in answers} == {UNKNOWN}
        assert used < 20
        assert len({name for name, _ in silent.questions}) <= dns_module.QUERIES_LIMIT
        await ask.close()
        await eventually(lambda: descriptors() <= before)
    assert logged == []


async def test_who_owns_a_network_cant_keep_others_from_being_named(files: Files) -> None:
    hostile = [f"10.66.6.{number}" for number in range(200)]
    zone = {key: value for client in hostile for key, value in pointer(client, SILENT).items()}
    with name_server({**ZONE, **zone}) as server:
        ask = names(files, server)
        waiting = [asyncio.ensure_future(ask.name(client)) for client in hostile]
        assert (await ask.name("10.1.0.1")).name == "good.test"
        asked = {name for name, _ in server.questions if "66.10.in-addr" in name}
        assert len(asked) <= dns_module.QUERIES_LIMIT // 2
        await ask.close()
        assert {(await question).name for question in waiting} == {UNKNOWN}


async def test_a_flood_from_one_network_is_turned_away_early(files: Files) -> None:
    hostile = [f"2001:db8:0:{number:x}::1" for number in range(dns_module.CROWD_LIMIT + 50)]
    zone = {key: value for client in hostile for key, value in pointer(client, SILENT).items()}
    with name_server({**ZONE, **zone}) as server:
        ask = names(files, server)
        questions = [asyncio.ensure_future(ask.name(client)) for client in hostile]
        await eventually(lambda: sum(question.done() for question in questions) == 50)
        assert (await ask.name("10.1.0.1")).name == "good.test"
        await ask.close()
    assert {(await question).why for question in questions[-50:]} == {
        "too many clients of its network are being looked up"
    }


async def test_questions_that_hang_too_long_give_their_places_to_others(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_module, "HOLD_LIMIT", 0.0)
    monkeypatch.setattr(dns_module, "QUERIES_LIMIT", 1)
    with name_server({**ZONE, **pointer("10.66.6.6", SILENT)}) as server:
        loop, shared = asyncio.get_running_loop(), system(files, server)
        assert (await Names(loop, deadline=SOON, resolver=shared).name("10.66.6.6")).name == UNKNOWN
        answer = await one(Names(loop, deadline=PATIENT, resolver=shared), "10.1.0.1")
    assert answer.name == "good.test"
    tried = server.questions.count((ip_address("10.66.6.6").reverse_pointer, "PTR"))
    assert tried < 5, "c-ares has given up by itself"


_IMPORTS = """
import asyncio, sys, uvloop
from superd.lookup.names import Names
from superd.lookup.system import Paths, System
from superd.supervisor.warmup import warm_up
warm_up()
before = set(sys.modules)

async def main():
    loop = asyncio.get_running_loop()
    names = Names(loop, resolver=System(loop, Paths("/none", "/none", "/none"), [sys.argv[1]]))
    print(*[(await names.name(address)).name for address in sys.argv[2:]])
    await names.close()

uvloop.run(main())
print(*sorted(set(sys.modules) - before))
"""


def test_nothing_is_imported_late(server: NameServer) -> None:
    """After a worker has dropped its privileges it may be unable to read the interpreter's files."""
    words = [
        sys.executable,
        "-c",
        _IMPORTS,
        server.address,
        "10.1.0.1",
        "10.1.0.7",
        "2001:db8::1",
        "10.1.0.10",
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stderr, done.stdout.splitlines()) == ("", ["good.test unknown six.test unknown", ""])
