"""Where superd and xinetd have to agree: one configuration, both programs, the same observations."""

import re
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from helpers import net, peers
from helpers.daemon import running
from helpers.programs import DGRAM_ONE, EXIT_STATUS, FACTS, HOLD, INTERNAL_SIGNALS
from helpers.stanza import defaults, internal, program

pytestmark = [pytest.mark.root, pytest.mark.peer]

USER = "nobody"
Start = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(params=["superd", "xinetd"])
def start(request: pytest.FixtureRequest) -> Start:
    """Runs a configuration: ``with start(text, files=...) as server``; ``server.path(name)`` is a file."""
    if request.param == "superd":
        return running
    peers.find("xinetd")
    return peers.xinetd


@pytest.fixture
def port() -> int:
    """A free port."""
    return net.free_port()


def without_numbers(text: str) -> list[str]:
    """Log lines without what differs in every run: time and process id."""
    lines = [re.sub(r"^\d\d/\d+/\d+@\d\d:\d\d:\d\d: ", "", line) for line in text.splitlines()]
    return [re.sub(r"pid=\d+", "pid=N", line) for line in lines]


@pytest.mark.parametrize(
    ("name", "answer"),
    [("daytime", rb"\d+ [A-Z]{3} \d{4} \d\d:\d\d:\d\d \w+\r\n"), ("echo", b"hello")],
)
def test_built_ins_answer_over_streams(start: Start, port: int, name: str, answer: bytes) -> None:
    with start(internal(name, port)):
        assert re.fullmatch(answer, net.tcp(port, b"hello" if name == "echo" else b""))


def test_chargen_sends_the_same_pattern(start: Start, port: int) -> None:
    with start(internal("chargen", port)), net.connect(port) as client:
        first = net.receive_exactly(client, 74)
        second = net.receive_exactly(client, 74)
    assert len(first.rstrip(b"\r\n")) == 72
    assert second[:71] == first[1:72]


def test_built_ins_answer_datagrams(start: Start, port: int) -> None:
    with start(internal("echo", port, kind="dgram")):
        assert net.udp(port, b"hello") == b"hello"


WANTED = {"argv0", "arg", "cwd", "umask", "session", "tty", "status"}


def test_a_program_sees_the_same(start: Start, port: int) -> None:
    attributes = {"user": USER, "group": "mail", "server_args": "-l two", "umask": "027", "bind": "127.0.0.1"}
    text = program("facts", port, "@DIR@/facts", "passenv =", "env = A=1 B=2", **attributes)
    with start(text, files={"facts": FACTS}) as server:
        told = net.tcp(port).decode().replace(str(server.path("facts")), "facts").splitlines()
    seen = {line for line in told if line.split()[0] in WANTED}
    assert {
        "arg -l", "arg two", "cwd /", "umask 0027", "session own", "tty 0",
        "status Uid 65534\t65534\t65534\t65534", "status Gid 8\t8\t8\t8",
        "status SigBlk 0000000000000000", "status CapEff 0000000000000000",
    } <= {line.rstrip() for line in seen}  # fmt: skip
    (ignored,) = (int(line.split()[-1], 16) for line in seen if "SigIgn" in line)
    assert ignored & ~INTERNAL_SIGNALS == 0
    environment = {line for line in told if line.startswith("env ")}
    assert {"env A=1", "env B=2", "env REMOTE_HOST=127.0.0.1"} <= environment


def test_the_service_log_has_the_same_lines(start: Start, port: int) -> None:
    attributes = {
        "log_type": "FILE @DIR@/service.log",
        "log_on_success": "PID HOST EXIT DURATION",
        "log_on_failure": "HOST",
        "bind": "127.0.0.1",
    }
    with start(
        program("leaver", port, "@DIR@/leave", user=USER, **attributes), files={"leave": EXIT_STATUS}
    ) as server:
        log: Path = server.path("service.log")
        assert net.tcp(port) == b"leaving\n"
        net.wait_until(lambda: log.exists() and "EXIT" in log.read_text(), "the EXIT line")
        lines = without_numbers(log.read_text())
    assert lines == [
        "START: leaver pid=N from=127.0.0.1",
        "EXIT: leaver status=7 pid=N duration=0(sec)",
    ]


def test_a_full_service_refuses_with_the_same_line(start: Start, port: int) -> None:
    attributes = {
        "instances": 1,
        "log_type": "FILE @DIR@/service.log",
        "log_on_failure": "HOST",
        "bind": "127.0.0.1",
    }
    with start(program("hold", port, "@DIR@/hold", user=USER, **attributes), files={"hold": HOLD}) as server:
        log: Path = server.path("service.log")
        with net.connect(port) as first:
            assert first.recv(100).startswith(b"held")
            assert net.tcp(port) == b""
            net.wait_until(lambda: log.exists() and log.read_text(), "the FAIL line")
        assert without_numbers(log.read_text()) == ["FAIL: hold service_limit from=127.0.0.1"]


@pytest.mark.parametrize(
    ("rule", "source", "served"),
    [
        ("only_from = 127.0.9.0", "127.0.9.7", True),
        ("only_from = 127.0.9.0", "127.0.8.7", False),
        ("only_from = 127.0.9.0/25", "127.0.9.200", False),
        ("only_from = 127.0.9.{5,6}", "127.0.9.6", True),
        ("no_access = 127.0.9.5", "127.0.9.5", False),
        ("no_access = 127.0.9.5", "127.0.9.6", True),
        ("only_from =", "127.0.0.1", False),
    ],
)
def test_addresses_decide_alike(start: Start, port: int, rule: str, source: str, served: bool) -> None:
    with start(internal("echo", port, rule)):
        assert net.tcp(port, b"hi", source=source) == (b"hi" if served else b"")


def test_a_datagram_wait_program_gets_the_socket(start: Start, port: int) -> None:
    text = program("one", port, "@DIR@/one", user=USER, socket_type="dgram", wait="yes")
    with start(text, files={"one": DGRAM_ONE}):
        assert net.udp(port, b"first") == b"one first"
        # xinetd drops what arrives before it notices that the program ended, so the client repeats itself.
        with net.udp_socket("127.0.0.1") as client:
            client.settimeout(0.2)
            net.wait_until(lambda: repeated(client, port), "the second datagram is answered")


def repeated(client: socket.socket, port: int) -> bool:
    """Send a datagram and tell whether it was answered in time."""
    client.sendto(b"second", ("127.0.0.1", port))
    try:
        return client.recv(100) == b"one second"
    except TimeoutError:
        return False


def test_banners_come_in_the_same_order(start: Start, port: int) -> None:
    text = program(
        "leaver", port, "@DIR@/leave", user=USER, banner="@DIR@/always", banner_success="@DIR@/good"
    )
    files = {"leave": EXIT_STATUS, "always": "one\n", "good": "two\n"}
    with start(text, files=files):
        assert net.tcp(port) == b"one\ntwo\nleaving\n"


def test_cps_serves_exactly_as_many_in_a_burst(start: Start, port: int) -> None:
    with start(internal("daytime", port, cps="5 30")):
        served = 0
        for _ in range(8):
            try:
                served += bool(net.tcp(port))
            except ConnectionRefusedError:
                break
        assert served == 5


def test_a_second_defaults_value_is_shared_by_the_services(start: Start, port: int) -> None:
    with start(defaults("only_from = 127.0.0.1", instances=10) + internal("echo", port)):
        assert net.tcp(port, b"x") == b"x"
        assert net.tcp(port, b"x", source="127.0.0.2") == b""
