"""A daemon whose own processes were taken over, or whose machine has run out of something, goes on."""

import ctypes
import os
import resource
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from helpers import net, processes
from helpers.daemon import NOBODY, Daemon, command, directory, running, write_files
from helpers.stanza import internal, program, stanza

PIDFD_GETFD = 438
"""Its number in every architecture of Linux; the os module has no name for it."""

FEW = 8
"""Descriptors of which a supervisor has more open already."""


@contextmanager
def channel_of(pid: int) -> Iterator[socket.socket]:
    """A copy of a process's channel to the supervisor, which is the first it got: whoever took it over has that."""
    process = os.pidfd_open(pid)
    libc = ctypes.CDLL(None, use_errno=True)
    entries = sorted(Path(f"/proc/{pid}/fd").iterdir(), key=lambda entry: int(entry.name))
    numbers = [int(entry.name) for entry in entries if entry.readlink().name.startswith("socket:")]
    copies = [libc.syscall(PIDFD_GETFD, process, number, 0) for number in numbers]
    sockets = [socket.socket(fileno=copy) for copy in copies]
    os.close(process)
    channels = [sock for sock in sockets if sock.type == socket.SOCK_SEQPACKET]
    try:
        yield channels[0]
    finally:
        for sock in sockets:
            sock.close()


def _has_dumped(daemon: Daemon, times: int) -> bool:
    return daemon.log().count("state.dumped") == times


def pids(daemon: Daemon, title: str) -> set[int]:
    return {process.pid for process in daemon.named(f"superd: {title}")}


def test_a_supervisor_without_descriptors_lives_on_and_restarts_what_died_later() -> None:
    port = net.free_port()
    with running(internal("daytime", port), user=None) as daemon:
        before = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (FEW, before[1]))
        for worker in pids(daemon, "worker"):
            processes.kill(worker)
        daemon.wait_for_log("can't start it: Too many open files")
        daemon.send(signal.SIGHUP)
        daemon.wait_for_log("reload.refused")
        daemon.send(signal.SIGUSR1)
        daemon.wait_for_log("state.dumped")
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, before)
        assert net.tcp(port).endswith(b"\r\n")


@pytest.mark.root
class TestTakenOver:
    def test_a_launcher_can_accuse_no_other_users_launcher(self) -> None:
        text = program("one", net.free_port(), "/bin/cat", user="root")
        text += program("two", net.free_port(), "/bin/cat", user=NOBODY)
        with running(text) as daemon:
            (root, *_), bad = pids(daemon, "launcher root"), min(pids(daemon, f"launcher {NOBODY}"))
            with channel_of(bad) as channel:
                channel.send(b'["Violation",%d,"forged"]' % root)
            daemon.wait_for_log(f"it accuses process {root}, which it does not serve")
            net.wait_until(lambda: bad not in pids(daemon, "launcher"), "the liar is ended")
            assert root in pids(daemon, "launcher root")

    @pytest.mark.parametrize(
        "message",
        [
            b'["Drained"]',
            b'["Ready"]',
            b'["StateLine","a","b","c"]',
            b'["StateEnd"]',
            b'["Violation",1,"x"]',
            b"?",
        ],
    )
    def test_a_worker_that_says_what_it_must_not_is_ended_and_followed_by_another(
        self, message: bytes
    ) -> None:
        port = net.free_port()
        with running(internal("daytime", port)) as daemon:
            (bad,) = pids(daemon, "worker")
            with channel_of(bad) as channel:
                channel.send(message)
            daemon.wait_for_log("protocol.violation")
            net.wait_until(lambda: bad not in pids(daemon, "worker"), "it is ended")
            assert net.tcp(port).endswith(b"\r\n")

    def test_a_worker_cannot_end_the_daemon_with_a_ban_that_is_too_long_to_pass_on(self) -> None:
        trap = stanza("trap", type="UNLISTED", flags="SENSOR", socket_type="stream", protocol="tcp", wait="no",
                      port=net.free_port(), user=NOBODY, server="/bin/true", deny_time=5)  # fmt: skip
        port = net.free_port()
        with running(trap + internal("daytime", port)) as daemon:
            (bad,) = pids(daemon, "worker")
            with channel_of(bad) as channel:
                channel.send(b'["Ban","trap","fe80::1%' + "\u0100".encode() * 4000 + b'"]')
            daemon.wait_for_log("a ban of an address with a scope that no interface has")
            net.wait_until(lambda: bad not in pids(daemon, "worker"), "it is ended")
            assert net.tcp(port).endswith(b"\r\n")

    def test_a_worker_that_hangs_up_on_the_supervisor_is_ended(self) -> None:
        port = net.free_port()
        with running(internal("daytime", port)) as daemon:
            (bad,) = pids(daemon, "worker")
            with channel_of(bad) as channel:
                channel.shutdown(socket.SHUT_WR)
            daemon.wait_for_log("it closed its channel and lives on")
            net.wait_until(lambda: bad not in pids(daemon, "worker"), "it is ended")
            assert net.tcp(port).endswith(b"\r\n")


def test_a_worker_that_hangs_is_followed_by_another_and_ended() -> None:
    port, other = net.free_port(), net.free_port()
    with running(internal("daytime", port), ["--drain", "0"]) as daemon:
        (stuck,) = pids(daemon, "worker")
        os.kill(stuck, signal.SIGSTOP)
        daemon.reload(internal("daytime", port) + internal("echo", other))
        assert net.tcp(port).endswith(b"\r\n")
        assert net.tcp(other, b"x") == b"x"
        net.wait_until(lambda: stuck not in pids(daemon, "worker"), "it is ended", 10.0)


@pytest.mark.root
@pytest.mark.parametrize(("user", "warned"), [(NOBODY, True), ("root", False)])
def test_a_program_with_the_workers_account_is_warned_about(user: str, *, warned: bool) -> None:
    with running(program("cat", net.free_port(), "/bin/cat", user=user)) as daemon:
        assert ("worker-account-shared" in daemon.log()) is warned


def test_no_process_in_the_background_keeps_what_the_starter_reads_from() -> None:
    with directory() as home:
        write_files(home, {"superd.conf": internal("echo", net.free_port())})
        pidfile = home / "pid"
        options = ["run", "--daemon", "-c", str(home / "superd.conf"), "--pidfile", str(pidfile)]
        options += ["--user", NOBODY] if os.geteuid() == 0 else []
        options += ["--log-to", f"file:{home / 'log'}", "--state-file", str(home / "state")]
        try:
            # It reads to the end, which comes when the last process has closed the pipe.
            subprocess.run(command(options, None), cwd=home, timeout=20, check=True, capture_output=True)
        finally:
            pid = int(pidfile.read_text())
            os.kill(pid, signal.SIGTERM)
            net.wait_until(lambda: processes.read(pid) is None, "the daemon ended")


def test_a_worker_that_answers_two_state_dumps_late_is_not_taken_for_an_attacker() -> None:
    port = net.free_port()
    with running(internal("daytime", port)) as daemon:
        (slow,) = pids(daemon, "worker")
        os.kill(slow, signal.SIGSTOP)
        for count in (1, 2):
            daemon.send(signal.SIGUSR1)
            dumped = partial(_has_dumped, daemon, count)
            net.wait_until(dumped, "a dump without it")
        os.kill(slow, signal.SIGCONT)
        daemon.send(signal.SIGUSR1)
        net.wait_until(
            lambda: "worker common: did not answer" not in daemon.path("state").read_text(), "its state"
        )
        assert net.tcp(port).endswith(b"\r\n")
        assert pids(daemon, "worker") == {slow}
