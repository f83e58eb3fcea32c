"""The pid file: complete, exclusive, and nobody else's."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from superd.supervisor.pidfile import PidFile, PidFileError

HOLD = """
import sys
from pathlib import Path
from superd.supervisor.pidfile import PidFile, PidFileError
file = PidFile(Path(sys.argv[1]))
try:
    file.write()
except PidFileError as error:
    print(error, flush=True)
    raise SystemExit
print("held", flush=True)
sys.stdin.read()
file.remove()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "superd.pid"


def holder(path: Path) -> "subprocess.Popen[str]":
    words = [sys.executable, "-c", HOLD, str(path)]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextmanager
def held(path: Path) -> Iterator["subprocess.Popen[str]"]:
    with holder(path) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_it_holds_the_pid_for_all_to_read_and_goes_with_its_maker(path: Path) -> None:
    before = os.umask(0o077)
    try:
        with PidFile(path):
            assert path.read_text() == f"{os.getpid()}\n"
            assert stat.S_IMODE(path.stat().st_mode) == 0o644
    finally:
        os.umask(before)
    assert list(path.parent.iterdir()) == []


def test_a_second_daemon_is_refused_and_told_who_runs(path: Path) -> None:
    with held(path) as process:
        with pytest.raises(PidFileError) as caught:
            PidFile(path).write()
        assert str(caught.value) == f"already running as pid {process.pid} (pid file {path})"
        assert path.read_text() == f"{process.pid}\n"
        assert list(path.parent.iterdir()) == [path]


def test_the_process_that_holds_the_file_is_named_not_the_pid_in_it(path: Path) -> None:
    with held(path) as process:
        path.write_text("999999999\n")  # as in a stale file while another daemon is replacing it
        with pytest.raises(PidFileError, match=f"already running as pid {process.pid} "):
            PidFile(path).write()


@pytest.mark.parametrize("content", ["999999999\n", f"{os.getppid()}\n", "1", ""])
def test_a_file_nobody_holds_is_stale_even_if_its_pid_is_in_use_again(path: Path, content: str) -> None:
    path.write_text(content)
    with PidFile(path):
        assert path.read_text() == f"{os.getpid()}\n"


def test_the_file_of_a_killed_daemon_is_stale_even_if_its_children_live(path: Path) -> None:
    fork = HOLD.replace(
        "sys.stdin.read()", "import os, signal; os.fork() or signal.pause(); sys.stdin.read()"
    )
    words = [sys.executable, "-c", fork, str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        [child] = children(process.pid)
        try:
            process.kill()
            process.wait(10)
            assert Path(f"/proc/{child}").exists()
            with PidFile(path):
                assert path.read_text() == f"{os.getpid()}\n"
        finally:
            os.kill(child, signal.SIGKILL)


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    end = time.monotonic() + 10
    while not (found := path.read_text().split()):
        assert time.monotonic() < end
    return [int(word) for word in found]


def test_a_child_does_not_remove_it(path: Path) -> None:
    with PidFile(path) as file:
        pid = os.fork()
        if pid == 0:
            file.remove()
            os._exit(0)
        os.waitpid(pid, 0)
        assert path.exists()


def test_a_successors_file_is_not_removed(path: Path) -> None:
    with PidFile(path):
        path.rename(path.with_name("old"))
        path.write_text("4711\n")
    assert path.read_text() == "4711\n"


def test_it_can_be_gone_already(path: Path) -> None:
    with PidFile(path) as file:
        path.unlink()
    file.remove()


@pytest.mark.parametrize("content", ["root:x:0:0:root:/root:/bin/bash\n", "12 34\n", "x" * 1000])
def test_what_does_not_look_like_a_pid_file_is_left_alone(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(PidFileError, match="does not hold a pid"):
        PidFile(path).write()
    assert path.read_text() == content


def test_a_link_is_not_followed(path: Path) -> None:
    target = path.with_name("target")
    target.write_text("1\n")
    path.symlink_to(target)
    with pytest.raises(PidFileError, match="symbolic link"):
        PidFile(path).write()
    assert target.read_text() == "1\n"


def test_a_directory_is_not_a_pid_file(path: Path) -> None:
    path.mkdir()
    with pytest.raises(PidFileError, match=f"pid file {path}: "):
        PidFile(path).write()


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "superd.pid"
    with pytest.raises(PidFileError, match=f"pid file {path}: no such file or directory"):
        PidFile(path).write()


@pytest.mark.parametrize("stale", [True, False])
def test_of_many_daemons_started_at_once_one_wins(path: Path, stale: bool) -> None:
    if stale:
        path.write_text("999999999\n")
    processes = [holder(path) for _ in range(8)]
    lines = [process.stdout.readline() for process in processes if process.stdout]
    left = path.read_text()
    for process in processes:
        process.communicate("", timeout=30)
    [winner] = [process.pid for process, line in zip(processes, lines, strict=True) if line == "held\n"]
    assert left == f"{winner}\n"
    refusal = f"already running as pid {winner} (pid file {path})\n"
    assert sorted(lines) == sorted(["held\n"] + [refusal] * 7)
    assert list(path.parent.iterdir()) == []
