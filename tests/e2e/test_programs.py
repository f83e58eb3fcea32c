"""Programs are started as they were configured: nowait and wait, streams and datagrams."""

import os
import socket

from helpers import net
from helpers.daemon import running
from helpers.programs import DGRAM_ANSWER, DGRAM_ONE, EXIT_STATUS, FACTS, INTERNAL_SIGNALS, STREAM_WAIT, USER
from helpers.stanza import program


def facts(answer: bytes) -> dict[str, list[str]]:
    """What ``FACTS`` told, by name."""
    found: dict[str, list[str]] = {}
    for line in answer.decode().splitlines():
        name, _, value = line.partition(" ")
        found.setdefault(name, []).append(value)
    return found


def environment(told: dict[str, list[str]]) -> dict[str, str]:
    """The environment that ``FACTS`` told."""
    return dict(line.split("=", 1) for line in told["env"] if "=" in line)


def test_a_stream_program_sees_what_inetds_manual_promises() -> None:
    port = net.free_port()
    text = program(
        "facts", port, "@DIR@/facts", "env = COLOUR=red", user=USER, server_args="-l two", umask="027"
    )
    with running(text, files={"facts": FACTS}, environment={"INHERITED": "yes"}):
        told = facts(net.tcp(port))
    assert told["arg"] == ["-l", "two"]
    assert told["cwd"] == ["/"]
    assert told["umask"] == ["0027"]
    assert told["session"] == ["own"]
    assert told["tty"] == ["0"]
    same = told["same"][0].split()
    assert same[0].startswith("socket:")
    assert set(same) == {same[0]}
    assert "status SigBlk" not in told
    statuses = dict(line.split(" ", 1) for line in told["status"])
    assert int(statuses["SigBlk"], 16) == 0
    assert int(statuses["SigIgn"], 16) & ~INTERNAL_SIGNALS == 0
    seen = environment(told)
    assert (seen["COLOUR"], seen["INHERITED"], seen["REMOTE_HOST"]) == ("red", "yes", "127.0.0.1")


def test_passenv_limits_what_a_program_inherits() -> None:
    port = net.free_port()
    text = program("facts", port, "@DIR@/facts", "passenv = KEPT PATH", user=USER)
    variables = {"KEPT": "1", "SECRET": "2"}
    with running(text, files={"facts": FACTS}, environment=variables):
        seen = environment(facts(net.tcp(port)))
    assert seen["KEPT"] == "1"
    assert "SECRET" not in seen
    assert "NOTIFY_SOCKET" not in seen


def test_a_program_knows_both_ends_of_its_connection() -> None:
    port = net.free_port()
    with (
        running(program("facts", port, "@DIR@/facts", user=USER), files={"facts": FACTS}),
        net.connect(port, "::1") as client,
    ):
        own = client.getsockname()[1]
        seen = environment(facts(net.receive_all(client)))
    assert (seen["REMOTE_HOST"], seen["REMOTE_PORT"]) == ("::1", str(own))
    assert (seen["TCPREMOTEIP"], seen["TCPLOCALPORT"]) == ("::1", str(port))


def test_no_descriptor_leaks_into_a_program() -> None:
    port = net.free_port()
    listing = 'print(join(",",grep{-e"/proc/self/fd/$_"}(0..999)))'
    with running(program("list", port, "/usr/bin/perl", user=USER, server_args=f"-e {listing}")):
        assert net.tcp(port) == b"0,1,2"


def test_the_exit_status_of_a_program_is_logged() -> None:
    port = net.free_port()
    with running(program("leaver", port, "@DIR@/leave", user=USER), files={"leave": EXIT_STATUS}) as daemon:
        assert net.tcp(port) == b"leaving\n"
        daemon.wait_for_log("7")


def test_a_missing_program_costs_its_client_and_nobody_else() -> None:
    missing, present = net.free_port(), net.free_port()
    text = program("gone", missing, "@DIR@/gone", user=USER) + program(
        "leaver", present, "@DIR@/leave", user=USER
    )
    with running(text, files={"leave": EXIT_STATUS, "gone": EXIT_STATUS}) as daemon:
        daemon.path("gone").unlink()
        assert net.tcp(missing) == b""
        assert net.tcp(present) == b"leaving\n"


def test_a_datagram_wait_program_answers_over_the_same_socket() -> None:
    port = net.free_port()
    text = program("answer", port, "@DIR@/answer", user=USER, socket_type="dgram", wait="yes")
    with running(text, files={"answer": DGRAM_ANSWER}), net.udp_socket("127.0.0.1") as client:
        for number in range(5):
            client.sendto(b"question %d" % number, ("127.0.0.1", port))
            assert client.recv(100).endswith(b" question %d" % number)


def test_no_datagram_is_lost_between_two_runs_of_a_wait_program() -> None:
    port = net.free_port()
    text = program("one", port, "@DIR@/one", user=USER, socket_type="dgram", wait="yes", cps="1000 1")
    with running(text, files={"one": DGRAM_ONE}), net.udp_socket("127.0.0.1") as client:
        sent = {b"datagram %d" % number for number in range(12)}
        for data in sent:
            client.sendto(data, ("127.0.0.1", port))
        assert {client.recv(100) for _ in sent} == {b"one " + data for data in sent}


def test_a_stream_wait_program_accepts_for_itself() -> None:
    port = net.free_port()
    text = program("acceptor", port, "@DIR@/acceptor", user=USER, wait="yes")
    with running(text, files={"acceptor": STREAM_WAIT}):
        assert net.tcp(port).startswith(b"accepted by ")
        assert net.tcp(port).startswith(b"accepted by ")


def test_a_wait_program_that_reads_nothing_does_not_loop() -> None:
    port = net.free_port()
    lazy = "#!/bin/sh\necho run >> @DIR@/runs/count\n"
    text = program("lazy", port, "@DIR@/lazy", user=USER, socket_type="dgram", wait="yes", cps="5 30")
    with (
        running(text, files={"lazy": lazy, "runs/count": ""}) as daemon,
        net.udp_socket("127.0.0.1") as client,
    ):
        count = daemon.path("runs/count")
        count.chmod(0o666)
        client.sendto(b"unread", ("127.0.0.1", port))
        net.wait_until(count.read_text, "the program ran")
        net.stays(lambda: len(count.read_text().splitlines()) <= 12, 1.0, "started a few times at most")


def test_a_service_of_an_unknown_user_does_not_start_and_the_others_do() -> None:
    broken, sound = net.free_port(), net.free_port()
    text = program("broken", broken, "/bin/true", user="no-such-user-here") + program(
        "sound", sound, "@DIR@/leave", user=USER
    )
    with running(text, files={"leave": EXIT_STATUS}) as daemon:
        assert net.tcp(sound) == b"leaving\n"
        assert not net.is_open(broken)
        assert "no-such-user-here" in daemon.log()


def test_instances_bounds_the_programs_that_run_at_once() -> None:
    port = net.free_port()
    text = program("cat", port, "/bin/cat", user=USER, instances=1)
    with running(text), net.connect(port) as first:
        first.sendall(b"held")
        assert net.receive_exactly(first, 4) == b"held"
        assert net.tcp(port, b"refused") == b""
        first.shutdown(socket.SHUT_WR)
        assert net.receive_all(first) == b""
        net.wait_until(lambda: net.tcp(port, b"again") == b"again", "the slot is free again")


def test_resource_limits_reach_the_program() -> None:
    port = net.free_port()
    text = program("facts", port, "@DIR@/facts", user=USER, rlimit_files="77")
    with running(text, files={"facts": FACTS}):
        assert facts(net.tcp(port))["nofile"] == ["77"]


def test_a_program_runs_as_the_configured_user() -> None:
    port = net.free_port()
    with running(program("facts", port, "@DIR@/facts", user=USER), files={"facts": FACTS}):
        status = dict(line.split(" ", 1) for line in facts(net.tcp(port))["status"])
    expected = 65534 if os.geteuid() == 0 else os.geteuid()
    assert {int(word) for word in status["Uid"].split()} == {expected}
    assert int(status["CapEff"], 16) == 0
