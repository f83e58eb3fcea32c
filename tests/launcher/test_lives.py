"""Workers come and go, launchers drain: who is told about which program, and when a launcher ends."""

import os
import select
import signal
from pathlib import Path

import pytest

from helpers.launching import (
    Launching,
    launch,
    program,
    read_all,
    receive,
    receive_any,
    receive_end,
    receive_even_the_end_of_an_introduction,
    running,
    service,
    shell,
)
from helpers.net import wait_until
from superd.privsep.channel import Channel
from superd.privsep.messages import (
    Drain,
    Dump,
    Exited,
    Failed,
    Introduced,
    Running,
    Started,
    StateEnd,
    StateLine,
)

HOLDING = service("hold", shell("read line; exit 5"))
"""Runs until its client sends a line or hangs up."""


def quiet(channel: Channel, seconds: float = 0.3) -> bool:
    """Tell whether nothing comes for so long, but the end of an introduction."""
    while select.select([channel], [], [], seconds)[0]:
        if receive_even_the_end_of_an_introduction(channel) != Introduced():
            return False
    return True


def alive(launcher: Launching) -> bool:
    return "State:\tZ" not in Path(f"/proc/{launcher.pid}/status").read_text()


def test_a_new_worker_is_told_what_runs_and_then_how_it_ends() -> None:
    with running(HOLDING) as launcher:
        first = launcher.attach(worker=1)
        given = launch("hold", conn=77)
        client = launcher.start(first, given)
        started = receive(first, Started)
        second = launcher.attach(worker=2)
        told = receive(second, Running)
        assert receive_even_the_end_of_an_introduction(second) == Introduced()
        client.sendall(b"\n")
        assert receive(first, Exited) == receive(second, Exited)
    assert (told.service, told.conn, told.pid) == ("hold", 77, started.pid)
    assert (told.peer_host, told.peer_port) == ("192.0.2.7", 40000)
    assert (told.local_host, told.local_port) == (given.local_host, given.local_port)
    assert told.since > 0


def test_programs_of_a_worker_that_is_gone_concern_the_one_attached_last() -> None:
    with running(HOLDING, service("missing", program("x", path="/nonexistent"))) as launcher:
        first, second, third = (launcher.attach(worker=number) for number in (1, 2, 3))
        launcher.start(third, launch("missing"))
        receive(third, Failed)  # so all three are attached
        client = launcher.start(first, launch("hold", conn=8))
        receive(first, Started)
        first.close()
        assert receive(third, Running).conn == 8
        client.close()
        assert os.waitstatus_to_exitcode(receive(third, Exited).status) == 5
        assert quiet(second)


def test_a_request_already_sent_by_a_worker_that_is_gone_is_served() -> None:
    """A worker that is killed costs no connection that it had admitted."""
    with running(service("works", shell("echo yes"))) as launcher:
        first = launcher.attach(worker=1)
        client = launcher.start(first, launch("works", conn=8))
        first.close()
        assert read_all(client) == b"yes\n"
        heir = launcher.attach(worker=2)
        assert receive(heir, Running).conn == 8
        assert receive(heir, Exited).conn == 8


def test_an_end_that_nobody_saw_is_told_to_the_next_worker() -> None:
    with running(HOLDING) as launcher:
        first = launcher.attach(worker=1)
        client = launcher.start(first, launch("hold", conn=8))
        pid = receive(first, Started).pid
        first.close()
        client.sendall(b"\n")
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), "the program is reaped")
        second = launcher.attach(worker=2)
        assert receive(second, Running).pid == pid
        assert receive(second, Exited).pid == pid
        assert quiet(launcher.attach(worker=3))


def test_an_idle_launcher_that_is_told_to_drain_exits_0() -> None:
    with running(HOLDING) as launcher:
        launcher.supervisor.send(Drain())
        assert launcher.wait() == 0


def test_draining_waits_for_programs_and_for_the_workers_attached_before() -> None:
    with running(HOLDING) as launcher:
        worker = launcher.attach()
        client = launcher.start(worker, launch("hold"))
        receive(worker, Started)
        launcher.supervisor.send(Drain())
        late = launcher.start(worker, launch("hold", conn=2))
        assert receive(worker, Started).conn == 2
        client.close()
        late.close()
        assert {receive(worker, Exited).conn, receive(worker, Exited).conn} == {1, 2}
        assert quiet(worker)
        assert alive(launcher)
        worker.close()
        assert launcher.wait() == 0


def test_a_worker_attached_while_draining_counts_programs_and_keeps_nothing_alive() -> None:
    with running(HOLDING) as launcher:
        first = launcher.attach(worker=1)
        client = launcher.start(first, launch("hold", conn=5))
        receive(first, Started)
        first.close()
        launcher.supervisor.send(Drain())
        second = launcher.attach(worker=2)
        assert receive(second, Running).conn == 5
        client.close()
        assert receive(second, Exited).conn == 5
        receive_end(second)
        assert launcher.wait() == 0


def test_a_launcher_whose_supervisor_is_gone_finishes_and_ends() -> None:
    with running(HOLDING) as launcher:
        worker = launcher.attach()
        client = launcher.start(worker, launch("hold"))
        receive(worker, Started)
        launcher.supervisor.close()
        assert quiet(worker)
        client.sendall(b"\n")
        assert os.waitstatus_to_exitcode(receive(worker, Exited).status) == 5
        worker.close()
        assert launcher.wait() == 0


@pytest.mark.parametrize("number", ["HUP", "INT", "TERM", "USR1", "USR2"])
def test_signals_that_mean_the_supervisor_do_nothing(number: str) -> None:
    with running(service("works", shell("echo yes"))) as launcher:
        os.kill(launcher.pid, signal.Signals[f"SIG{number}"])
        assert read_all(launcher.start(launcher.attach(), launch("works"))) == b"yes\n"


def test_the_dump_names_each_program_with_pid_peer_and_start() -> None:
    with running(HOLDING) as launcher:
        worker = launcher.attach()
        peers = [("192.0.2.7", 40000), ("2001:db8::7", 40001), ("", 0)]
        for number, peer in enumerate(peers):
            launcher.start(worker, launch("hold", number, peer))
        pids = [receive(worker, Started).pid for _ in peers]
        launcher.supervisor.send(Dump())
        assert receive(launcher.supervisor, StateLine) == StateLine(
            "", "launcher", "test: 3 running programs"
        )
        for pid, shown in zip(pids, ["192.0.2.7:40000", "[2001:db8::7]:40001", "unknown"], strict=True):
            line = receive(launcher.supervisor, StateLine)
            assert (line.service, line.field) == ("hold", "program")
            assert line.text.startswith(f"pid {pid}, peer {shown}, started 20")
        receive(launcher.supervisor, StateEnd)


def test_dumps_larger_than_the_channel_arrive_whole() -> None:
    """The supervisor reads late; the launcher goes on working meanwhile."""
    with running(HOLDING, service("works", shell("echo yes"))) as launcher:
        worker = launcher.attach()
        pids = set()
        for number in range(40):
            launcher.start(worker, launch("hold", number))
            pids.add(receive(worker, Started).pid)
        for _ in range(20):
            launcher.supervisor.send(Dump())
        assert read_all(launcher.start(worker, launch("works"))) == b"yes\n"
        described = set()
        while isinstance(line := receive_any(launcher.supervisor), StateLine):
            if line.service == "hold":
                described.add(int(line.text.split()[1].rstrip(",")))
        assert line == StateEnd()
    assert described == pids


def test_descriptors_of_the_supervisor_are_not_kept() -> None:
    """Otherwise the channel between two other processes would never end."""
    ours, theirs = Channel.pair(frozenset(), frozenset())
    with running(HOLDING):
        theirs.close()
        receive_end(ours)
    ours.close()
