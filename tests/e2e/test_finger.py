"""Finger under the whole daemon: what real clients are told, and whom a slow client delays."""

import os
import pwd
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from helpers import net, peers
from helpers.daemon import directory, running
from helpers.namespace import run
from helpers.stanza import internal, program

SECRET = "not for others"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A directory with texts, some of them traps."""
    with directory() as path:
        (path / "info").write_text("We are open.\nCome in.\n")
        (path / "secret").write_text(SECRET)
        (path / "secret").chmod(0o600)
        (path / "link").symlink_to("/etc/passwd")
        os.mkfifo(path / "fifo", 0o666)
        yield path


@pytest.fixture(scope="module")
def ports(home: Path) -> Iterator[dict[str, int]]:
    numbers = {name: net.free_port() for name in ("texts", "accounts", "closed")}
    text = internal("finger", numbers["texts"], directory=home, list="yes", cps="0 1").replace(
        "finger-stream", "texts"
    )
    text += internal(
        "finger", numbers["accounts"], minimum_uid=0, fields="name home shell sessions last", list="yes"
    ).replace("finger-stream", "accounts")
    text += internal("finger", numbers["closed"]).replace("finger-stream", "closed")
    with running(text):
        yield numbers


def test_a_text_is_told(ports: dict[str, int]) -> None:
    assert net.tcp(ports["texts"], b"info\r\n") == b"We are open.\r\nCome in.\r\n"


@pytest.mark.parametrize("name", ["link", "fifo", "..", ".", "/etc/passwd", "nosuch"])
def test_what_is_no_text_is_nobody(ports: dict[str, int], name: str) -> None:
    assert net.tcp(ports["texts"], name.encode() + b"\r\n") == f"{name}: no such user.\r\n".encode()


@pytest.mark.root
def test_the_service_reads_no_more_than_its_account_may(ports: dict[str, int]) -> None:
    assert net.tcp(ports["texts"], b"secret\r\n") == b"secret: no such user.\r\n"


@pytest.mark.root
def test_the_texts_that_may_be_told_are_listed(ports: dict[str, int]) -> None:
    assert net.tcp(ports["texts"], b"\r\n") == b"info\r\n"


def test_an_account_is_told_about(ports: dict[str, int]) -> None:
    account = next(one for one in pwd.getpwall() if not Path(one.pw_dir).exists())
    answer = net.tcp(ports["accounts"], account.pw_name.encode() + b"\r\n").decode()
    assert answer.startswith(f"Login: {account.pw_name}")
    assert f"Directory: {account.pw_dir}" in answer
    assert f"Shell: {account.pw_shell}" in answer


def test_who_is_logged_in_is_listed_only_where_that_is_wanted(ports: dict[str, int]) -> None:
    assert net.tcp(ports["closed"], b"\r\n") == b"Finger online user list denied\r\n"
    assert net.tcp(ports["accounts"], b"\r\n").startswith((b"No one logged on.", b"Login "))


def test_nothing_is_forwarded(ports: dict[str, int]) -> None:
    assert net.tcp(ports["closed"], b"root@localhost\r\n") == b"Finger forwarding service denied\r\n"


@pytest.mark.root
def test_a_plan_is_read_from_a_home_and_a_trap_is_not(ports: dict[str, int]) -> None:
    with person() as (login, home):
        port = net.free_port()
        with running(internal("finger", port)):
            assert b"A plan.\r\n" in net.tcp(port, login.encode() + b"\r\n")
            (home / ".plan").unlink()
            (home / ".plan").symlink_to("/etc/passwd")
            assert b"No Plan." in net.tcp(port, login.encode() + b"\r\n")
            (home / ".nofinger").touch()
            assert b"no such user" in net.tcp(port, login.encode() + b"\r\n")


@contextmanager
def person() -> Iterator[tuple[str, Path]]:
    """An account that exists while the block runs, with a plan in its home: login and home."""
    login, uid = f"superd-{os.getpid()}", 29471
    with directory() as parent:
        home = parent / "home"
        home.mkdir(mode=0o755)
        (home / ".plan").write_text("A plan.\n")
        for path in (home, home / ".plan"):
            os.chown(path, uid, uid)
        comment = "Alice Liddell,Room 12,x1234"
        run("useradd", "-M", "-u", str(uid), "-d", str(home), "-c", comment, "-s", "/bin/sh", login)
        try:
            yield login, home
        finally:
            run("userdel", login)


ADDRESS = "127.0.0.79"
"""finger(1) knows no port but 79, so ours is on an address of its own."""

EVERYTHING = "name home shell office phone sessions last mail project plan pgpkey"


@pytest.mark.root
@pytest.mark.peer
def test_the_real_client_is_told_what_the_real_server_says() -> None:
    client, server = peers.find("finger"), peers.find("in.fingerd")
    port = net.free_port()
    ours = internal(
        "finger", 79, bind=ADDRESS, list="yes", match="name", minimum_uid=0, fields=EVERYTHING, cps="0 1"
    )
    theirs = program("finger", port, server, user="nobody")
    with person() as (login, _), running(ours), peers.xinetd(theirs):
        for query in (login, f"/W {login}", "liddell"):
            assert facts(net.tcp(79, query.encode() + b"\r\n", ADDRESS)) == facts(
                net.tcp(port, query.encode() + b"\r\n")
            )
        told = peers.ask(client, f"{login}@{ADDRESS}").decode()
        assert f"Login: {login}" in told
        assert "Plan:\nA plan.\n" in told.replace("\r", "")
        assert "No one logged on." in peers.ask(client, f"@{ADDRESS}").decode() or sessions()
        assert "no such user" in peers.ask(client, "-l", f"nosuch@{ADDRESS}").decode()
        assert "denied" in peers.ask(client, f"{login}@localhost@{ADDRESS}").decode()


def facts(answer: bytes) -> set[str]:
    """What an answer tells, whatever its columns and its order."""
    text = re.sub(r"\s+(?=(Name|Shell|Home Phone|Office Phone):)", "\n", answer.decode())
    return {line.strip() for line in text.splitlines()} - {""}


def sessions() -> bytes:
    """Who is logged in, by who(1)."""
    return peers.ask("who")


def test_clients_that_send_a_byte_now_and_then_delay_nobody_and_are_closed(home: Path) -> None:
    port = net.free_port()
    text = internal("finger", port, directory=home, request_timeout=3, cps="0 1", instances="UNLIMITED")
    with running(text), ExitStack() as open_clients:
        slow = [open_clients.enter_context(net.connect(port)) for _ in range(SLOW)]
        for client in slow:
            client.send(b"i")
        for _ in range(FAST):
            assert net.tcp(port, b"info\r\n") == b"We are open.\r\nCome in.\r\n"
        for client in slow:
            with suppress(OSError):
                client.send(b"n")
            assert net.receive_all(client) == b""


SLOW = FAST = 500
"""Clients at a time that are slow, and clients one after another that are not."""
