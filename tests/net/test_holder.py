"""``Holders``: who has an address."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.endpoints import inet, unix
from superd.config.model import Endpoint, SocketType
from superd.net.holder import Holders

DGRAM = SocketType.DGRAM

HOLD = """
import os, socket, sys
family, kind, address = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
s = socket.socket(family, kind)
s.bind(address if family == socket.AF_UNIX else (address, 0))
if kind == socket.SOCK_STREAM: s.listen()
open("/proc/self/comm", "w").write("old in\\x1betd")
print(0 if family == socket.AF_UNIX else s.getsockname()[1], flush=True)
sys.stdin.read()
"""


def holder_of(endpoint: Endpoint) -> str:
    """Look at the system as it is now."""
    return Holders().of(endpoint)


@contextmanager
def held(family: int, kind: int, address: str) -> Iterator[tuple[int, int]]:
    """Another process that holds the address; yields its pid and the port."""
    words = [sys.executable, "-c", HOLD, str(int(family)), str(int(kind)), address]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize(
    ("address", "asked"),
    [("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "0.0.0.0"), ("0.0.0.0", "127.0.0.9"), ("::1", "::1")],
)
@pytest.mark.parametrize("kind", [SocketType.STREAM, DGRAM])
def test_another_process_is_named_safely(address: str, asked: str, kind: SocketType) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    number = socket.SOCK_DGRAM if kind is DGRAM else socket.SOCK_STREAM
    with held(family, number, address) as (pid, port):
        assert holder_of(inet(port, asked, kind)) == f"pid {pid} (old in?etd)"


def test_a_dual_stack_socket_holds_the_ipv4_address() -> None:
    with held(socket.AF_INET6, socket.SOCK_STREAM, "::") as (pid, port):
        assert holder_of(inet(port, "127.0.0.1")) == f"pid {pid} (old in?etd)"


def test_the_holder_of_a_unix_socket_is_named(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with held(socket.AF_UNIX, socket.SOCK_DGRAM, str(path)) as (pid, _):
        assert holder_of(unix(path)) == f"pid {pid} (old in?etd)"


@pytest.mark.parametrize("asked", [("127.0.0.2", 0), ("127.0.0.1", 1)])
def test_a_neighbouring_address_or_port_is_not_blamed(asked: tuple[str, int]) -> None:
    with held(socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1") as (_, port):
        assert holder_of(inet(port + asked[1], asked[0])) == ""


@pytest.mark.root
def test_without_root_the_owner_of_the_socket_is_named() -> None:
    with held(socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1") as (_, port):
        os.seteuid(65534)
        try:
            text = holder_of(inet(port))
        finally:
            os.seteuid(0)
    assert text == "another user's process (of root)"


LISTENING = (
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 99999999 1 0 100 0"
)
CLIENT = "   0: 0100007F:1F90 0100007F:0016 01 00000000:00000000 00:00000000 00000000 0 0 99999999 1 0 100 0"
HEADER = "  sl  local_address rem_address   st tx_queue ..."


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ([], ""),
        ([LISTENING], "the kernel, or a process outside this container"),
        ([CLIENT], "the kernel, or a process outside this container"),
        (["nonsense"], ""),
    ],
)
def test_what_no_process_holds_or_nobody_understands(tmp_path: Path, table: list[str], expected: str) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text("\n".join([HEADER, *table]) + "\n")
    if os.geteuid() and expected:
        expected = "another user's process (of root)"
    assert Holders(tmp_path).of(inet(8080)) == expected


def test_a_forking_server_is_named_by_its_first_processes(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(f"{HEADER}\n{LISTENING}\n")
    for pid in range(101, 108):
        (tmp_path / str(pid) / "fd").mkdir(parents=True)
        (tmp_path / str(pid) / "comm").write_text("httpd\n")
        (tmp_path / str(pid) / "fd" / "3").symlink_to("socket:[99999999]")
    expected = "pid 101 (httpd), pid 102 (httpd), pid 103 (httpd), 4 more"
    assert Holders(tmp_path).of(inet(8080)) == expected


def test_one_look_answers_many_questions(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    table = tmp_path / "net" / "tcp"
    table.write_text(f"{HEADER}\n{LISTENING}\n")
    holders = Holders(tmp_path)
    before = holders.of(inet(8080))
    table.unlink()
    assert holders.of(inet(8080)) == before != ""


def test_nothing_is_said_without_proc(tmp_path: Path) -> None:
    endpoint: Endpoint = inet(8080)
    assert Holders(tmp_path).of(endpoint) == ""
