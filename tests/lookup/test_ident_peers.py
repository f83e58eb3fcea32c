"""Real ident servers and a real client: oidentd is asked, and libwrap hears the same as superd."""

import asyncio
import os
import pwd
import random
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.ident import identd, isolated, oidentd, says
from helpers.net import DEADLINE
from helpers.peers import find
from superd.lookup.ident import UNKNOWN, Answer, Failure, Ident
from superd.service import Peer

pytestmark = [
    pytest.mark.root,
    pytest.mark.peer,
    pytest.mark.skipif(not shutil.which("ip"), reason="needs ip(8)"),
]

NOBODY = pwd.getpwnam("nobody").pw_uid
NO_ACCOUNT = 54321
ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER that makes close(2) reset the connection."""


@pytest.fixture(scope="module")
def rfc931(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A program that asks through libwrap."""
    source = Path(__file__).with_name("rfc931.c")
    program = tmp_path_factory.mktemp("libwrap") / "rfc931"
    words = [find("cc"), "-o", str(program), str(source), "-lwrap"]
    built = subprocess.run(words, capture_output=True, text=True, check=False)
    if built.returncode:
        pytest.skip(f"libwrap can't be linked: {built.stderr}")
    return str(program)


@pytest.fixture
def own_loopback() -> Iterator[None]:
    with isolated():
        yield


class Connection:
    """A connection of a user to a server on the same host."""

    def __init__(self, uid: int, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        os.seteuid(uid)
        try:
            self._client = socket.socket(family)
        finally:
            os.seteuid(0)
        self._client.settimeout(DEADLINE)
        self._client.connect(self._listener.getsockname())
        self._server, _ = self._listener.accept()
        self.peer = Peer(*self._server.getpeername()[:2], *self._server.getsockname()[:2])

    def close(self) -> None:
        """End the connection; nothing stays of it in the kernel."""
        for sock in (self._client, self._server):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            sock.close()
        self._listener.close()


async def ask(peer: Peer) -> Answer:
    return await Ident(asyncio.get_running_loop()).user(peer)


def libwrap(program: str, peer: Peer) -> bytes:
    words = [program, peer.host, str(peer.port), peer.local_host, str(peer.local_port)]
    return subprocess.run(words, capture_output=True, timeout=30, check=True).stdout


@pytest.mark.usefixtures("own_loopback")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_oidentd_names_the_user_of_a_connection(host: str, rfc931: str) -> None:
    with oidentd(host):
        connection = Connection(NOBODY, host)
        assert await ask(connection.peer) == Answer("nobody", text="UNIX:nobody")
        assert libwrap(rfc931, connection.peer) == b"nobody"
        connection.close()


@pytest.mark.usefixtures("own_loopback")
async def test_oidentd_does_not_name_who_has_no_account_or_no_connection_any_more(rfc931: str) -> None:
    with oidentd():
        stays, gone = Connection(NO_ACCOUNT), Connection(NOBODY)
        gone.close()
        for connection in (stays, gone):
            answer = await ask(connection.peer)
            assert (answer.user, answer.failure) == (UNKNOWN, Failure.BAD)
            assert "NO-USER" in answer.why
            assert libwrap(rfc931, connection.peer) == b"unknown"
        stays.close()


async def test_a_client_on_this_link_is_asked_on_this_link() -> None:
    with isolated() as space:
        space.ip("link", "add", "lan0", "type", "veth", "peer", "name", "lan1")
        for name in ("lan0", "lan1"):
            space.ip("link", "set", name, "up")
        for address in ("fe80::a", "fe80::b"):
            space.ip("addr", "add", f"{address}/64", "dev", "lan1", "nodad")
        with identd(says("PORTS:USERID:UNIX:alice\r\n"), "fe80::a%lan1", 113) as server:
            for host, local_host in (("fe80::a", "fe80::b"), ("fe80::a%lan1", "fe80::b%lan1")):
                answer = await ask(Peer(host, 40001, local_host, 79))
                assert answer == Answer("alice", text="UNIX:alice")
        assert server.sources == ["fe80::b", "fe80::b"]
        space.ip("addr", "add", "fe80::b/64", "dev", "lan0", "nodad")
        answer = await ask(Peer("fe80::a", 40001, "fe80::b", 79))
        assert "2 network interfaces have the address fe80::b" in answer.why


WORDS = [
    b"PORTS", b"40001", b"79", b"79", b",", b" ", b"\t", b" : ", b":", b":", b"USERID", b"ERROR", b"userid", b"UNIX",
    b"OTHER", b"NO-USER", b"bob", b"b\xc3\xb6b", b"\x01", b"unknown", b"a" * 100, b"\r", b"\n", b"\v",
]  # fmt: skip


def replies(count: int) -> Iterator[bytes]:
    """Well-made answers, and answers with words exchanged, dropped and added.

    All that matters is within libwrap's buffer of 512 bytes: superd reads longer lines to their end.
    """
    chance = random.Random(1413)
    yield from (
        b"PORTS : USERID : UNIX : bob\r\n",
        b"PORTS : USERID : UNIX : bob",
        b"PORTS : USERID :: bob\n",
        b"PORTS : USERID : : bob\n",
        b"\nPORTS : USERID : UNIX : bob\r\n",
        b"PORTS:USERID:UNIX:" + b"a" * 126 + b"\n",
        b"PORTS:USERID:UNIX:" + b"a" * 128 + b"\n",
        b"PORTS:USERID:UNIX:" + b"a" * 900 + b"\n",
        b"PORTS:USERID:UN\rIX:\rbob\rx\r\n",
        b"040001\v,00079:USERID:UNIX:\xa0bob\r\n",
    )
    for _ in range(count):
        words = [b"PORTS", b" : ", b"USERID", b" : ", b"UNIX", b" : ", b"bob", b"\r\n"]
        for _ in range(chance.randrange(3)):
            place = chance.randrange(len(words))
            words[place : place + chance.randrange(2)] = [chance.choice(WORDS)] * chance.randrange(3)
        yield b"".join(words)


@pytest.mark.usefixtures("own_loopback")
async def test_libwrap_takes_the_same_name_from_any_answer(rfc931: str) -> None:
    """libwrap's name is compared after the replacement of what is not printable."""
    peer, named = Peer("127.0.0.1", 40001, "127.0.0.1", 79), 0
    for reply in replies(300):
        with identd(says(reply), port=113):
            ours, theirs = (await ask(peer)).user, libwrap(rfc931, peer)
        assert ours.encode() == bytes(byte if 0x21 <= byte <= 0x7E else ord("_") for byte in theirs), reply
        named += ours != UNKNOWN
    assert named > 30
