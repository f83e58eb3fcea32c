"""What Debian's bootpd (CMU's, 2.4.3) answers from a table, superd answers as well, byte by byte where it matters."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers import peers
from helpers.bootp_paper import COOKIE, Reply, Server, ask, read_reply
from helpers.cable import entering
from helpers.namespace import Namespace, namespace

pytestmark = [pytest.mark.root, pytest.mark.peer]

TEMPLATES = ".t:bf=t:gw=192.0.2.254:T200=01:\n.u:hd=/u:gw=192.0.2.253:T201=02:\n"


@dataclass(frozen=True)
class Case:
    """The tags of an entry, and what its client sends."""

    tags: str
    vendor: bytes = COOKIE + b"\xff"
    file: bytes = b""


CASES = [
    Case(""),
    Case("", b""),
    Case("", b"ODD!"),
    Case("vm=auto", b""),
    Case("vm=rfc1048", b""),
    Case("vm=1.2.3.4", COOKIE),
    Case("bs=3:to=0:sw=192.0.2.3:rp=r:df=d:ds=192.0.2.4:dn=n:ys=192.0.2.5:yd=y:ns=192.0.2.6"),
    Case("rl=192.0.2.7:ts=192.0.2.8:nt=192.0.2.9:hn:lp=192.0.2.10:cs=192.0.2.12:lg=192.0.2.13"),
    Case("gw=192.0.2.9"),
    Case("sm=255.255.255.128:gw=192.0.2.1 192.0.2.2,192.0.2.3"),
    Case("to=-60"),
    Case('T224="abc":T225=0102.0x03'),
    Case("dn=a b  "),
    Case('dn="a:b"'),
    Case("hd=/d:bf=x"),
    Case("hd=/d:bf=/x"),
    Case("hd=d:bf=x"),
    Case("bf=x"),
    Case("bf=x", file=b"mine"),
    Case("hd=/d", file=b"mine"),
    Case("", file=b"mine"),
    Case("", file=b"/mine"),
    Case("ef=/e:dn=n:T200=01"),
    Case("T224=010203:T200=04"),
    Case("gw=0xc0000201:ds=192.513:lg=0300.0.2.1"),
    Case("bs=0x10"),
    Case("bs=010"),
    Case("nt=192.0.2.1:nt=192.0.2.2"),
    Case("tc=.t"),
    Case("tc=.t:tc=.u"),
    Case("bf=own:tc=.t:gw@:tc=.u"),
    Case("T202=03:tc=.t"),
    Case("gw@:tc=.t"),
]


def address(place: int) -> str:
    return f"192.0.2.{100 + place}"


def hardware(place: int) -> bytes:
    return bytes((2, 0, 0, 0, 1, place))


TABLE = TEMPLATES + "".join(
    f"h{place}:ht=ether:ha={hardware(place).hex()}:ip={address(place)}:{case.tags}:\n"
    for place, case in enumerate(CASES)
)
REQUESTS = [
    ask(vendor=case.vendor, file=case.file, mac=hardware(place), ciaddr=address(place))
    for place, case in enumerate(CASES)
]

ASKING = """
import socket, time
asked = {asked!r}
found = {{}}
deadline = time.monotonic() + 30
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.bind(("", 68))
    client.settimeout(0.5)
    while len(found) < len(asked) and time.monotonic() < deadline:
        for key, data in asked.items():
            if key not in found:
                client.sendto(data, ("192.0.2.1", 67))
                try:
                    reply = client.recv(2000)
                except TimeoutError:
                    continue
                found[reply[16:20]] = reply
for key in asked:
    print(found.get(key, b"").hex())
"""
"""Asks until each client has its answer; clients are told apart by their addresses, which they know already."""


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Reply]]:
    """What bootpd answers."""
    bootpd = peers.find("bootpd")
    table: Path = tmp_path_factory.mktemp("bootpd") / "tab"
    table.write_text(TABLE)
    with namespace() as where:
        # A whole network on lo is this host.
        where.ip("address", "add", "192.0.2.1/24", "dev", "lo")
        words = (*entering(where), bootpd, "-s", "-d4", "-h", "localhost", str(table), f"{table}.dump")
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                yield _asked(where)
            finally:
                server.kill()


def _asked(where: Namespace) -> list[Reply]:
    lines = where.python(ASKING.format(asked={data[12:16]: data for data in REQUESTS}))
    assert all(lines), [CASES[place].tags for place, line in enumerate(lines) if not line]
    return [read_reply(bytes.fromhex(line)) for line in lines]


@pytest.mark.parametrize("place", range(len(CASES)), ids=[case.tags or "nothing" for case in CASES])
def test_the_answer_is_the_same(place: int, theirs: list[Reply]) -> None:
    source = (address(place), 68)
    ours = Server(TABLE).answers(REQUESTS[place], source=source, to=("192.0.2.1", 67)).reply
    expected = theirs[place]
    assert (ours.yiaddr, ours.ciaddr, ours.file) == (expected.yiaddr, expected.ciaddr, expected.file)
    assert list(ours.options.items()) == list(expected.options.items())
    assert ours.options or ours.vendor == expected.vendor
