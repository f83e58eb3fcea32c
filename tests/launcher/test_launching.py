"""Programs are started, reported and reaped; a worker that breaks the protocol is cut off."""

import errno
import os
import select
import signal
import socket
from pathlib import Path

import pytest

from helpers.launching import (
    launch,
    program,
    read_all,
    receive,
    receive_any,
    receive_end,
    running,
    service,
    shell,
)
from superd.config.model import Program, ResourceLimit, Service
from superd.privsep.messages import Attach, Exited, Failed, Launch, Started, Violation

OTHERS_LIMIT = (ResourceLimit(resource="CPU", value=3600),)
"""A limit that changes nothing for a short program, but takes the way that starts limited ones."""


def both_ways(script: str) -> list[Service]:
    return [service("spawned", shell(script)), service("limited", shell(script, limits=OTHERS_LIMIT))]


@pytest.mark.parametrize("name", ["spawned", "limited"])
def test_a_program_talks_on_the_connection_and_its_end_is_reported(name: str) -> None:
    with running(*both_ways("read line; echo got $line; exit 7")) as launcher:
        worker = launcher.attach()
        client = launcher.start(worker, launch(name, conn=41))
        started = receive(worker, Started)
        client.sendall(b"hello\n")
        assert read_all(client) == b"got hello\n"
        exited = receive(worker, Exited)
    assert (started.conn, exited.conn, exited.pid) == (41, 41, started.pid)
    assert os.waitstatus_to_exitcode(exited.status) == 7
    assert exited.max_rss > 0
    assert 0 <= exited.user_time + exited.system_time < 60


@pytest.mark.parametrize("name", ["spawned", "limited"])
def test_death_by_a_signal_is_reported_as_one(name: str) -> None:
    with running(*both_ways("kill -TERM $$; sleep 600")) as launcher:
        worker = launcher.attach()
        launcher.start(worker, launch(name))
        receive(worker, Started)
        exited = receive(worker, Exited)
    assert os.WIFSIGNALED(exited.status)
    assert os.WTERMSIG(exited.status) == signal.SIGTERM


def test_cpu_time_is_that_of_the_program() -> None:
    with running(service("busy", shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"))) as launcher:
        worker = launcher.attach()
        launcher.start(worker, launch("busy"))
        receive(worker, Started)
        assert receive(worker, Exited).user_time > 0.01


@pytest.mark.parametrize("limits", [(), OTHERS_LIMIT], ids=["spawned", "limited"])
@pytest.mark.parametrize(
    ("name", "number"),
    [("missing", errno.ENOENT), ("text", errno.EACCES), ("nothing", errno.ENOEXEC), ("lost", errno.ENOENT)],
)
def test_a_program_that_cannot_be_executed_is_reported_with_the_reason(
    open_path: Path, name: str, number: int, limits: tuple[ResourceLimit, ...]
) -> None:
    (open_path / "text").write_text("not executable")
    (open_path / "nothing").write_bytes(b"\x01\x02")
    (open_path / "nothing").chmod(0o755)
    (open_path / "lost").write_text("#!/nonexistent/interpreter\n")
    (open_path / "lost").chmod(0o755)
    with running(service("broken", program(name, path=str(open_path / name), limits=limits))) as launcher:
        worker = launcher.attach()
        client = launcher.start(worker, launch("broken", conn=9))
        assert receive(worker, Failed) == Failed(9, number)
        assert read_all(client) == b""


@pytest.mark.parametrize(
    "broken",
    [shell("exit\0"), program("sh", env=(("A", "b\0c"),))],
    ids=["argument with a NUL", "variable with a NUL"],
)
def test_what_no_program_can_be_given_is_an_invalid_argument(broken: Program) -> None:
    with running(service("broken", broken)) as launcher:
        worker = launcher.attach()
        launcher.start(worker, launch("broken"))
        assert receive(worker, Failed).errno == errno.EINVAL


def test_a_failed_start_leaves_no_process_and_no_descriptor_behind() -> None:
    services = [
        service(name, program("x", path="/nonexistent", limits=limits)) for name, limits in BOTH.items()
    ]
    with running(*services, service("works", shell("echo yes"))) as launcher:
        worker = launcher.attach()
        assert read_all(launcher.start(worker, launch("works"))) == b"yes\n"
        receive(worker, Started)
        receive(worker, Exited)
        before = _descriptors(launcher.pid)
        for number, name in enumerate([*BOTH] * 5):
            launcher.start(worker, launch(name, conn=number))
            receive(worker, Failed)
        assert _descriptors(launcher.pid) == before
        assert Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text() == ""
        assert read_all(launcher.start(worker, launch("works"))) == b"yes\n"


BOTH = {"spawned": (), "limited": OTHERS_LIMIT}


def _descriptors(pid: int) -> list[str]:
    return sorted(entry.name for entry in Path(f"/proc/{pid}/fd").iterdir())


VIOLATIONS = {
    "unknown service": launch("no-such-service"),
    "a path as service": launch("/bin/sh"),
    "code as address": Launch("works", 1, "() { :;}; id", 1, "", 0),
    "newline in address": Launch("works", 1, "192.0.2.1\nX=1", 1, "", 0),
    "name as local address": Launch("works", 1, "192.0.2.1", 1, "host.example", 0),
    "port too high": Launch("works", 1, "192.0.2.1", 65536, "", 0),
    "negative port": Launch("works", 1, "192.0.2.1", 1, "192.0.2.1", -1),
}


@pytest.mark.parametrize("request_", VIOLATIONS.values(), ids=VIOLATIONS)
def test_a_worker_that_asks_for_what_is_not_configured_is_cut_off(request_: Launch) -> None:
    with running(service("works", shell("echo yes"))) as launcher:
        worker = launcher.attach(worker=4711)
        client = launcher.start(worker, request_)
        violation = receive(launcher.supervisor, Violation)
        assert violation.worker == 4711
        receive_end(worker)
        assert read_all(client) == b""
        assert read_all(launcher.start(launcher.attach(), launch("works"))) == b"yes\n"


def test_a_worker_that_sends_garbage_is_cut_off() -> None:
    with running(service("works", shell("echo yes"))) as launcher:
        worker = launcher.attach(worker=4711)
        with socket.socket(fileno=os.dup(worker.fileno())) as raw:
            raw.send(b'["Launch","works"')
        assert receive(launcher.supervisor, Violation).worker == 4711
        receive_end(worker)


def test_what_was_asked_before_the_violation_still_runs() -> None:
    with running(service("works", shell("echo yes"))) as launcher:
        worker = launcher.attach()
        client = launcher.start(worker, launch("works"))
        launcher.start(worker, launch("no-such-service"))
        assert read_all(client) == b"yes\n"


def test_a_descriptor_that_is_no_channel_is_not_attached() -> None:
    with running(service("works", shell("echo yes"))) as launcher, Path("/dev/null").open("rb") as null:
        launcher.supervisor.send(Attach(12), null.fileno())
        assert receive(launcher.supervisor, Violation).worker == 12
        assert read_all(launcher.start(launcher.attach(), launch("works"))) == b"yes\n"


def test_a_worker_that_does_not_read_stops_only_itself() -> None:
    """400 answers do not fit into the channel; they are held back, in order, until they are read."""
    with running(service("works", shell("exit 0"))) as launcher:
        worker, other = launcher.attach(), launcher.attach(worker=2)
        asked = 0
        with Path("/dev/null").open("r+b") as connection:
            while asked < 400:
                try:
                    worker.send(launch("works", conn=asked), connection.fileno())
                except BlockingIOError:
                    break
                asked += 1
        assert asked > 100
        assert read_all(launcher.start(other, launch("works"))) == b""
        ended: set[int] = set()
        while len(ended) < asked:
            message = receive_any(worker)
            if isinstance(message, Exited):
                ended.add(message.conn)
        assert ended == set(range(asked))


def test_a_worker_that_does_not_read_cannot_ask_without_end() -> None:
    """Its requests stay in the channel while answers to it wait, so nothing grows in the launcher."""
    with running(service("missing", program("x", path="/nonexistent"))) as launcher:
        worker = launcher.attach()
        asked = 0
        with Path("/dev/null").open("r+b") as connection:
            while asked < 3000 and select.select([], [worker], [], 0.5)[1]:
                worker.send(launch("missing", conn=asked), connection.fileno())
                asked += 1
        assert asked < 1500
        assert [receive(worker, Failed).conn for _ in range(asked)] == list(range(asked))
