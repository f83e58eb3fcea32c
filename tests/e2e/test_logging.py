"""What is written down: superd's events, and xinetd's lines for services with a log_type."""

import json
import re
from typing import Any

import pytest

from helpers import net
from helpers.daemon import Daemon, running
from helpers.programs import EXIT_STATUS, USER
from helpers.stanza import internal, program

JSON_LOG = ["--log", "json"]
STAMP = re.compile(r"\d\d/\d\d?/\d\d?@\d\d:\d\d:\d\d: ")


def events(daemon: Daemon, name: str) -> list[dict[str, Any]]:
    """The logged events of this name."""
    lines = [json.loads(line) for line in daemon.log().splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("event") == name]


def wait_for_event(daemon: Daemon, name: str) -> dict[str, Any]:
    """The first event of this name."""
    return net.wait_until(lambda: events(daemon, name), f"{name} in\n{daemon.log()}")[0]


def test_a_connections_start_and_end_name_both_sides() -> None:
    port = net.free_port()
    with running(internal("echo", port), JSON_LOG) as daemon:
        with net.connect(port) as client:
            client.sendall(b"12345")
            assert net.receive_exactly(client, 5) == b"12345"
            own = client.getsockname()[1]
        end = wait_for_event(daemon, "connection.end")
        start = wait_for_event(daemon, "connection.start")
    assert start["conn"] == end["conn"]
    assert (end["service"], end["peer"], end["peer_port"]) == ("echo-stream", "127.0.0.1", own)
    assert (end["local"], end["local_port"]) == ("127.0.0.1", port)
    assert (end["bytes_in"], end["bytes_out"]) == (5, 5)
    assert end["duration"] >= 0


def test_a_programs_end_names_its_status() -> None:
    port = net.free_port()
    text = program("leaver", port, "@DIR@/leave", user=USER)
    with running(text, JSON_LOG, files={"leave": EXIT_STATUS}) as daemon:
        net.tcp(port)
        assert wait_for_event(daemon, "connection.end")["status"] == 7


def test_a_refusal_names_the_rule_that_decided() -> None:
    port = net.free_port()
    text = internal("echo", port, no_access="127.0.0.0/24", only_from="127.0.0.0/8")
    with running(text, JSON_LOG) as daemon:
        assert net.tcp(port, b"x", source="127.0.0.1") == b""
        refusal = wait_for_event(daemon, "connection.refused")
        line = 1 + text.splitlines().index("\tno_access = 127.0.0.0/24")
        assert f"{daemon.conf}:{line}" in refusal["rule"]
        assert not events(daemon, "connection.start")


def test_a_tcp_client_over_ipv4_is_never_written_as_mapped_ipv6() -> None:
    port = net.free_port()
    with running(internal("echo", port), JSON_LOG) as daemon:
        net.tcp(port, b"x")
        wait_for_event(daemon, "connection.end")
        assert "::ffff:" not in daemon.log()


def service_log(text: str, port: int, clients: int = 1) -> list[str]:
    """Run a service with ``log_type = FILE @DIR@/service.log`` and return its lines without their time."""
    with running(text, files={"leave": EXIT_STATUS}) as daemon:
        for _ in range(clients):
            net.tcp(port)
        path = daemon.path("service.log")
        net.wait_until(lambda: path.exists() and "EXIT" in path.read_text(), "the EXIT line")
        lines = path.read_text().splitlines()
    assert all(STAMP.match(line) for line in lines)
    return [STAMP.sub("", line) for line in lines]


@pytest.mark.parametrize(
    ("flags", "start", "end"),
    [
        ("PID HOST EXIT DURATION", r"START: leaver pid=\d+ from=127\.0\.0\.1",
         r"EXIT: leaver status=7 pid=\d+ duration=\d+\(sec\)"),
        ("HOST EXIT", r"START: leaver from=127\.0\.0\.1", r"EXIT: leaver status=7"),
        ("EXIT", "START: leaver", "EXIT: leaver status=7"),
        ("DURATION", "START: leaver", r"EXIT: leaver duration=\d+\(sec\)"),
    ],
)  # fmt: skip
def test_a_service_log_has_xinetds_lines(flags: str, start: str, end: str) -> None:
    port = net.free_port()
    attributes = {"log_type": "FILE @DIR@/service.log", "log_on_success": flags}
    started, ended = service_log(program("leaver", port, "@DIR@/leave", user=USER, **attributes), port)
    assert re.fullmatch(start, started)
    assert re.fullmatch(end, ended)


def test_a_refusal_is_a_fail_line_without_a_start() -> None:
    port = net.free_port()
    attributes = {
        "log_type": "FILE @DIR@/service.log",
        "log_on_success": "HOST EXIT",
        "log_on_failure": "HOST",
        "no_access": "127.0.0.1",
    }
    with running(program("leaver", port, "/bin/true", user=USER, **attributes)) as daemon:
        assert net.tcp(port) == b""
        path = daemon.path("service.log")
        net.wait_until(lambda: path.exists() and path.read_text(), "a line")
        assert STAMP.sub("", path.read_text()) == "FAIL: leaver address from=127.0.0.1\n"


def test_a_rotated_service_log_is_opened_anew_by_a_reload() -> None:
    port = net.free_port()
    attributes = {"log_type": "FILE @DIR@/service.log", "log_on_success": "EXIT"}
    text = program("leaver", port, "@DIR@/leave", user=USER, **attributes)
    with running(text, files={"leave": EXIT_STATUS}) as daemon:
        log, rotated = daemon.path("service.log"), daemon.path("service.log.1")
        net.tcp(port)
        net.wait_until(lambda: log.exists() and "EXIT" in log.read_text(), "the first line")
        log.rename(rotated)
        daemon.reload()
        net.wait_until(log.exists, "a new file")
        net.tcp(port)
        net.wait_until(lambda: "EXIT" in log.read_text(), "the second line, in the new file")
        assert rotated.read_text().count("START") == 1
