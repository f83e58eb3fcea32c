"""Nothing that reads from the network is root; what is killed comes back without a refused connection."""

import os
import pwd
import signal
from pathlib import Path

import pytest

from helpers import net, processes
from helpers.daemon import NOBODY, running
from helpers.load import UNLIMITED, load
from helpers.programs import FACTS, HOLD
from helpers.stanza import internal, program

NOBODY_UID = pwd.getpwnam(NOBODY).pw_uid


def test_as_an_ordinary_user_everything_keeps_the_callers_ids() -> None:
    port, cat = net.free_port(), net.free_port()
    user = NOBODY if os.geteuid() == 0 else None
    owner = pwd.getpwnam(NOBODY) if user else pwd.getpwuid(os.geteuid())
    text = internal("echo", port) + program("cat", cat, "/bin/cat", user=owner.pw_name)
    with running(text, user=user) as daemon:
        assert net.tcp(port, b"built in", "::1") == b"built in"
        assert net.tcp(cat, b"a program") == b"a program"
        assert {uid for process in daemon.family() for uid in process.uids} == {owner.pw_uid}


@pytest.mark.root
def test_as_an_ordinary_user_another_users_program_is_refused_and_the_rest_runs() -> None:
    port, cat = net.free_port(), net.free_port()
    text = internal("echo", port) + program("cat", cat, "/bin/cat", user="root")
    with running(text, user=NOBODY) as daemon:
        assert net.tcp(port, b"built in") == b"built in"
        assert not net.is_open(cat) or net.tcp(cat, b"x") == b""
        assert "root" in daemon.log()


@pytest.mark.root
class TestAsRoot:
    def test_no_worker_is_root_even_when_every_program_is(self) -> None:
        echo, held = net.free_port(), net.free_port()
        text = internal("echo", echo, user="root") + program("hold", held, "@DIR@/hold", user="root")
        with running(text, files={"hold": HOLD}) as daemon, net.connect(held) as client:
            client.recv(100)
            workers = daemon.named("superd: worker")
            assert workers
            for worker in workers:
                assert worker.uids == (NOBODY_UID,) * 4
                assert worker.groups == ()
                assert (worker.cap_permitted, worker.cap_effective) == (0, 0)

    def test_only_processes_without_a_network_socket_are_root(self) -> None:
        echo, root_port = net.free_port(), net.free_port()
        text = internal("echo", echo) + program("facts", root_port, "@DIR@/facts", user="root")
        with running(text, files={"facts": FACTS}) as daemon:
            assert b"Uid" in net.tcp(root_port)
            for process in daemon.family():
                if 0 in process.uids:
                    assert process.title.startswith("superd: launcher"), process
                    assert not holds_network_socket(process.pid), process

    def test_a_worker_killed_under_load_costs_no_refused_connection(self) -> None:
        port = net.free_port()
        with running(internal("echo", port, **UNLIMITED)) as daemon:
            with load(port) as wrong:
                (worker,) = daemon.named("superd: worker")
                processes.kill(worker.pid)
                net.wait_until(
                    lambda: [one for one in daemon.named("superd: worker") if one.pid != worker.pid],
                    "a new worker",
                )
            assert [what for what in wrong if "Refused" in what] == []
            assert net.tcp(port, b"after") == b"after"

    def test_a_killed_launcher_comes_back(self) -> None:
        port = net.free_port()
        with running(program("cat", port, "/bin/cat", user=NOBODY)) as daemon:
            assert net.tcp(port, b"before") == b"before"
            before = {launcher.pid for launcher in daemon.named("superd: launcher")}
            for pid in before:
                processes.kill(pid)
            net.wait_until(
                lambda: len({one.pid for one in daemon.named("superd: launcher")} - before) == len(before),
                "new launchers",
            )
            net.wait_until(lambda: net.tcp(port, b"after") == b"after", "programs start again")

    def test_workers_end_when_the_supervisor_is_killed(self) -> None:
        with running(internal("echo", net.free_port())) as daemon:
            family = [process.pid for process in daemon.family()]
            daemon.stop(signal.SIGKILL)
            net.wait_until(lambda: not any(map(processes.read, family)), "the orphans ended")


def holds_network_socket(pid: int) -> bool:
    """Tell whether a process holds a socket that /proc/net/tcp* or udp* lists."""
    inodes = {
        line.split()[9]
        for table in ("tcp", "tcp6", "udp", "udp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    }
    links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    return any(link.removeprefix("socket:[").rstrip("]") in inodes for link in links)
