"""``daemonize``: what whoever started the daemon sees."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.net import wait_until

START = """
import os, signal, sys, time
from superd.supervisor.daemonize import daemonize
print("before", flush=True)
ready = daemonize(timeout=float(sys.argv[1]))
print("pid", os.getpid(), flush=True)
"""


def start(code: str, timeout: float = 30) -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, "-c", START + code, str(timeout)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def daemon_pid(done: "subprocess.CompletedProcess[str]") -> int:
    [line] = [line for line in done.stdout.splitlines() if line.startswith("pid ")]
    return int(line.split()[1])


def test_the_parent_returns_when_the_daemon_is_ready_and_the_daemon_lives_on(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    done = start(f"print('soon', file=sys.stderr)\nready()\nopen({str(fifo)!r}).read()")
    pid = daemon_pid(done)
    try:
        assert (done.returncode, done.stderr) == (0, "soon\n")
        assert os.getsid(pid) == pid
        links = {Path(f"/proc/{pid}/fd/{number}").readlink() for number in (0, 1, 2)}
        assert links == {Path("/dev/null")}
    finally:
        with fifo.open("w"):
            pass
        wait_until(lambda: not Path(f"/proc/{pid}").exists() or is_zombie(pid), "the daemon ended")


def is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_what_was_printed_before_comes_once() -> None:
    done = start("ready()")
    assert done.stdout.count("before") == 1


@pytest.mark.parametrize(("code", "status"), [("sys.exit(2)", 2), ("os._exit(70)", 70), ("os._exit(0)", 1)])
def test_a_daemon_that_ends_early_gives_its_status(code: str, status: int) -> None:
    assert start(code).returncode == status


def test_the_errors_of_the_start_are_seen() -> None:
    done = start("sys.exit('superd: no configuration')")
    assert (done.returncode, done.stderr) == (1, "superd: no configuration\n")


def test_a_daemon_that_is_killed_is_reported() -> None:
    done = start("os.kill(os.getpid(), signal.SIGKILL)")
    assert (done.returncode, done.stderr) == (
        137,
        "superd: the daemon was killed by SIGKILL before it was ready\n",
    )


def test_children_of_a_dead_daemon_do_not_keep_its_starter_waiting() -> None:
    begun = time.monotonic()
    done = start(
        "child = os.fork()\nif not child:\n    os.closerange(0, 3); time.sleep(60)\nos._exit(child % 100 + 5)"
    )
    assert done.returncode >= 5
    assert time.monotonic() - begun < 30
    os.kill(orphan_of(daemon_pid(done)), signal.SIGKILL)


def orphan_of(session: int) -> int:
    """The process that is left in a session."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and os.getsid(int(entry.name)) == session and int(entry.name) != session:
            return int(entry.name)
    raise AssertionError(f"nobody is left in session {session}")


def test_a_daemon_that_is_never_ready_is_told_to_stop() -> None:
    done = start("signal.pause()", timeout=0.5)
    pid = daemon_pid(done)
    assert done.returncode == 1
    assert (
        done.stderr
        == f"superd: the daemon (pid {pid}) was not ready after 0.5 seconds and was told to stop\n"
    )
    wait_until(lambda: not Path(f"/proc/{pid}").exists() or is_zombie(pid), "the daemon ended")


def test_a_daemon_whose_starter_is_gone_becomes_ready_nevertheless(tmp_path: Path) -> None:
    mark = tmp_path / "ready"
    code = f"""
parent = os.getppid()
os.kill(parent, signal.SIGKILL)
while os.getppid() == parent: pass
ready()
open({str(mark)!r}, "w").close()
"""
    assert start(code).returncode == -signal.SIGKILL
    wait_until(mark.exists, "the daemon went on")
