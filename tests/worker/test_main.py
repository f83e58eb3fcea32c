"""A worker as a process: forked, without privileges, and talked to over its channel."""

import os
import pwd
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers.working import DEADLINE, bound, listener, service
from superd.config.model import Credentials
from superd.log.files import LogFiles
from superd.privsep.channel import Channel
from superd.privsep.messages import SUPERVISOR_TO_WORKER, WORKER_TO_SUPERVISOR, Drain, Drained, Message, Ready
from superd.processes import WorkerStart
from superd.worker.main import run

CRASHED = 70


@dataclass
class Process:
    """A forked worker and our end of its channel."""

    pid: int
    channel: Channel
    address: tuple[str, int]

    def message(self) -> Message:
        assert select.select([self.channel], [], [], DEADLINE)[0], "no message in time"
        return self.channel.receive()[0]

    def status(self) -> dict[str, str]:
        """The fields of /proc/PID/status."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    def wait(self) -> int:
        pidfd = os.pidfd_open(self.pid)
        try:
            assert select.select([pidfd], [], [], DEADLINE)[0], "the worker did not end in time"
        finally:
            os.close(pidfd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@contextmanager
def forked(credentials: Credentials | None, *foreign: socket.socket) -> Iterator[Process]:
    """A worker that serves daytime; it inherits the ``foreign`` sockets, as from a supervisor."""
    ours, theirs = Channel.pair(WORKER_TO_SUPERVISOR, SUPERVISOR_TO_WORKER)
    sock = bound()
    svc = service("daytime")
    start = WorkerStart(
        name="common",
        generation=1,
        services=(svc,),
        listeners=(listener(svc, sock),),
        supervisor=theirs,
        credentials=credentials,
        hosts_allow=Path("/nonexistent/allow"),
        hosts_deny=Path("/nonexistent/deny"),
        logs=LogFiles(),
    )
    pid = os.fork()
    if pid == 0:
        status = CRASHED
        try:
            ours.close()
            status = run(start)
        finally:
            os._exit(status)
    theirs.close()
    process = Process(pid, ours, sock.getsockname())
    with sock, ExitStack() as cleanup:
        cleanup.callback(ours.close)
        try:
            assert process.message() == Ready()
            yield process
        finally:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ChildProcessError, ProcessLookupError):
                pass


def ask(address: tuple[str, int]) -> bytes:
    with socket.create_connection(address, DEADLINE) as client:
        return client.recv(100)


def test_a_worker_serves_drains_and_exits_with_0() -> None:
    with forked(None) as worker:
        assert ask(worker.address).endswith(b"\r\n")
        worker.channel.send(Drain())
        assert worker.message() == Drained()
        assert worker.wait() == 0


def test_a_worker_ends_when_its_supervisor_is_gone() -> None:
    with forked(None) as worker:
        worker.channel.close()
        assert worker.wait() == 0


def test_a_worker_ignores_signals_for_only_its_supervisor_may_stop_it() -> None:
    with forked(None) as worker:
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE, signal.SIGTERM):
            os.kill(worker.pid, number)
        assert ask(worker.address).endswith(b"\r\n")


def test_sockets_of_others_are_not_kept_open() -> None:
    stranger = bound()
    with forked(None):
        address = stranger.getsockname()
        stranger.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, DEADLINE)


@pytest.mark.root
def test_a_worker_is_not_root_has_no_capabilities_and_can_gain_none() -> None:
    nobody = pwd.getpwnam("nobody")
    with forked(Credentials(user="nobody", uid=nobody.pw_uid, gid=nobody.pw_gid)) as worker:
        status = worker.status()
        assert status["Uid"].split() == [str(nobody.pw_uid)] * 4
        assert status["Gid"].split() == [str(nobody.pw_gid)] * 4
        assert status["Groups"].strip() == ""
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        assert ask(worker.address).endswith(b"\r\n")


@pytest.mark.root
def test_a_worker_never_serves_as_root() -> None:
    with pytest.raises(EOFError), forked(Credentials(user="root", uid=0, gid=0)):
        pass
