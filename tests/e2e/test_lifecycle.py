"""Signals: reload, stop, quit, state dump; --daemon and --pidfile."""

import os
import signal
import socket
import subprocess

import pytest

from helpers import net, processes
from helpers.daemon import NOBODY, command, directory, running, write_files
from helpers.load import UNLIMITED, load
from helpers.programs import HOLD, USER
from helpers.stanza import defaults, internal, program


class TestReload:
    def test_adds_and_removes_services_and_keeps_the_others(self) -> None:
        kept, dropped, added = (net.free_port() for _ in range(3))
        before = internal("echo", kept) + internal("daytime", dropped)
        with running(before) as daemon, net.connect(kept) as client:
            daemon.reload(internal("echo", kept) + internal("time", added))
            assert len(net.tcp(added)) == 4
            net.wait_until(lambda: not net.is_open(dropped), "the removed service is closed")
            client.sendall(b"still here")
            assert net.receive_exactly(client, 10) == b"still here"

    def test_loses_no_connection_under_load(self) -> None:
        echo, other = net.free_port(), net.free_port()
        text = internal("echo", echo, **UNLIMITED)
        with running(text) as daemon, load(echo) as wrong:
            for _ in range(3):
                daemon.reload(internal("echo", echo, instances=500, **UNLIMITED) + internal("daytime", other))
                daemon.reload(text)
        assert wrong == []

    @pytest.mark.parametrize(
        "broken",
        [
            pytest.param("service echo\n{\n\tport = nonsense\n", id="open brace"),
            pytest.param("service { }\n", id="no name"),
            pytest.param(internal("time", 0, "acess_times = 1:00-2:00"), id="misspelt restriction"),
        ],
    )
    def test_of_a_broken_configuration_changes_nothing(self, broken: str) -> None:
        port = net.free_port()
        with running(internal("echo", port)) as daemon:
            daemon.reload(broken)
            assert net.tcp(port, b"as before") == b"as before"
            assert "superd.conf:" in daemon.log()

    def test_of_an_unchanged_configuration_keeps_the_processes(self) -> None:
        port = net.free_port()
        with running(internal("echo", port)) as daemon:
            before = {process.pid for process in daemon.family()}
            daemon.reload()
            assert {process.pid for process in daemon.family()} == before

    def test_leaves_running_programs_alone(self) -> None:
        port, other = net.free_port(), net.free_port()
        text = program("hold", port, "@DIR@/hold", user=USER)
        with running(text, files={"hold": HOLD}) as daemon, net.connect(port) as client:
            greeting = client.recv(100)
            pid = int(greeting.split()[-1])
            daemon.reload(text + internal("echo", other))
            assert net.tcp(other, b"new") == b"new"
            assert processes.read(pid)


class TestStop:
    def test_sigterm_ends_an_idle_daemon_with_status_0(self) -> None:
        with running(internal("echo", net.free_port())) as daemon:
            assert daemon.stop(signal.SIGTERM) == 0

    def test_sigterm_lets_a_connection_finish(self) -> None:
        port = net.free_port()
        with running(internal("echo", port)) as daemon, net.connect(port) as client:
            client.sendall(b"before")
            assert net.receive_exactly(client, 6) == b"before"
            daemon.send(signal.SIGTERM)
            daemon.wait_for("STOPPING=1")
            net.wait_until(lambda: not net.is_open(port), "nobody new is served")
            client.sendall(b"during")
            assert net.receive_exactly(client, 6) == b"during"
            client.shutdown(socket.SHUT_WR)
            assert net.receive_all(client) == b""
            assert daemon.stop() == 0

    def test_the_drain_is_bounded(self) -> None:
        port = net.free_port()
        with (
            running(internal("echo", port), options=["--drain", "0.5"]) as daemon,
            net.connect(port) as client,
        ):
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            daemon.send(signal.SIGTERM)
            assert net.receive_all(client) == b""
            assert daemon.stop() == 0

    def test_sigquit_ends_at_once(self) -> None:
        port = net.free_port()
        with running(internal("echo", port)) as daemon, net.connect(port) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            daemon.send(signal.SIGQUIT)
            assert net.receive_all(client) == b""
            daemon.stop(signal.SIGQUIT)


class TestStateDump:
    def test_sigusr1_writes_what_runs(self) -> None:
        held, echo = net.free_port(), net.free_port()
        text = (
            defaults(instances=40) + program("hold", held, "@DIR@/hold", user=USER) + internal("echo", echo)
        )
        with running(text, files={"hold": HOLD}) as daemon, net.connect(held) as client:
            pid = int(client.recv(100).split()[-1])
            daemon.send(signal.SIGUSR1)
            state = daemon.path("state")
            net.wait_until(lambda: state.exists() and state.stat().st_size, "the state is written")
            dump = state.read_text()
        facts = ["hold", "echo-stream", held, echo, pid, "127.0.0.1", daemon.conf, USER, 40]
        assert [fact for fact in facts if str(fact) not in dump] == []


class TestBackground:
    def test_daemon_returns_once_it_serves_and_writes_its_pid(self) -> None:
        port = net.free_port()
        with directory() as home:
            write_files(home, {"superd.conf": internal("echo", port)})
            pidfile = home / "pid"
            options = ["run", "--daemon", "-c", str(home / "superd.conf"), "--pidfile", str(pidfile)]
            options += ["--user", NOBODY] if os.geteuid() == 0 else []
            options += ["--log-to", f"file:{home / 'log'}", "--state-file", str(home / "state")]
            started = subprocess.run(command(options, None), cwd=home, timeout=60, check=False)
            assert started.returncode == 0
            pid = int(pidfile.read_text())
            try:
                assert net.tcp(port, b"served") == b"served"
                assert os.getsid(pid) != os.getsid(0)
            finally:
                os.kill(pid, signal.SIGTERM)
                net.wait_until(lambda: processes.read(pid) is None, "the daemon ended")
            assert not pidfile.exists()

    def test_daemon_says_on_standard_error_what_is_not_served(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as holder, directory() as home:
            taken = holder.getsockname()[1]
            text = internal("echo", net.free_port()) + internal("daytime", taken, bind="127.0.0.1")
            write_files(home, {"superd.conf": text + "service broken\n{\n}\n"})
            options = ["run", "--daemon", "-c", str(home / "superd.conf"), "--pidfile", str(home / "pid")]
            options += ["--user", NOBODY] if os.geteuid() == 0 else []
            options += ["--log-to", f"file:{home / 'log'}", "--state-file", str(home / "state")]
            with (home / "errors").open("wb") as errors:
                subprocess.run(command(options, None), cwd=home, timeout=60, check=True, stderr=errors)
            pid = int((home / "pid").read_text())
            os.kill(pid, signal.SIGTERM)
            net.wait_until(lambda: processes.read(pid) is None, "the daemon ended")
            said = (home / "errors").read_text()
            assert "error: service broken needs the attribute wait" in said
            assert f"127.0.0.1:{taken}/tcp: already in use" in said

    def test_daemon_fails_visibly_when_nothing_can_be_read(self) -> None:
        with directory() as home:
            options = ["run", "--daemon", "-c", str(home / "absent.conf"), "--pidfile", str(home / "pid")]
            started = subprocess.run(
                command(options, None), cwd=home, timeout=60, check=False, capture_output=True
            )
            assert started.returncode == 2
            assert b"absent.conf" in started.stderr
            assert b"Traceback" not in started.stderr


def test_a_port_that_is_taken_is_named_and_the_others_are_served() -> None:
    free = net.free_port()
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = holder.getsockname()[1]
        text = internal("daytime", taken, bind="127.0.0.1") + internal("echo", free)
        with running(text) as daemon:
            assert net.tcp(free, b"served") == b"served"
            assert f":{taken}" in daemon.log()


def test_the_log_of_a_quiet_day_has_no_error() -> None:
    port = net.free_port()
    with running(internal("echo", port), options=["--log", "json"]) as daemon:
        assert net.tcp(port, b"x") == b"x"
        daemon.stop()
        assert '"error"' not in daemon.log()
