"""What a started program sees, as a table, and the same looked at under the real xinetd."""

import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from helpers.launching import launch, program, read_all, receive, running, script, service
from helpers.net import connect, free_port, is_open, wait_until
from superd.config.model import Credentials, Program, ResourceLimit
from superd.launcher.environment import NAMES
from superd.privsep.messages import Exited, Started

XINETD = Path("/usr/sbin/xinetd")

LOOK = r"""#!/bin/sh
# Says what a program started by a super-server sees, one "name value" per line.
# Left out of the descriptors: this script, and the folder that the pattern is looked up in.
at=/proc/$$
status() { sed -n "s/^$1:[[:space:]]*//p" $at/status | tr '\t' ' '; }
stat() { sed 's/.*) //' $at/stat | cut -d ' ' -f "$1"; }
limit() { sed -n "s/^$1  *//p" $at/limits | tr -s ' ' | cut -d ' ' -f 1,2; }
for number in $at/fd/*; do
    [ -e "$number" ] && ! [ "$number" -ef "$0" ] && open="$open ${number##*/}"
done
echo "descriptors$open"
[ $at/fd/0 -ef $at/fd/1 ] && [ $at/fd/1 -ef $at/fd/2 ] && echo "same yes"
readlink $at/fd/0 | grep -q '^socket:' && echo "socket yes"
echo "flags $(sed -n 's/^flags:[[:space:]]*//p' $at/fdinfo/0)"
for word; do echo "argument $word"; done
echo "directory $(readlink $at/cwd)"
echo "umask $(umask)"
for name in Uid Gid Groups SigBlk SigIgn NoNewPrivs CapPrm CapEff CapInh CapAmb CapBnd; do
    echo "$name $(status $name)"
done
[ "$(stat 3)" = $$ ] && echo "group own"
[ "$(stat 4)" = $$ ] && echo "session own"
echo "tty $(stat 5)"
echo "nice $(stat 17)"
echo "files $(limit 'Max open files')"
echo "core $(limit 'Max core file size')"
echo "memory $(limit 'Max address space')"
echo "cpu $(limit 'Max cpu time')"
echo "stack $(limit 'Max stack size')"
tr '\0' '\n' < $at/environ | sed 's/^/variable /'
"""

GLIBC_OWN_SIGNALS = 0b11 << 31
"""SIGCANCEL and SIGSETXID, 32 and 33: glibc's posix_spawn(3) leaves them ignored, and nobody can ask it not to. No
program can tell: its own glibc takes them over as soon as it uses them."""

Seen = dict[str, list[str]]


def parse(text: bytes) -> Seen:
    seen: Seen = {}
    for line in text.decode().splitlines():
        name, _, value = line.partition(" ")
        seen.setdefault(name, []).append(value)
    seen["SigIgn"] = [f"{int(mask, 16) & ~GLIBC_OWN_SIGNALS:016x}" for mask in seen["SigIgn"]]
    return seen


GAMES = Credentials(user="games", uid=5, gid=60)


@dataclass(frozen=True)
class Setup:
    """A service, as xinetd's attributes and as a program's credentials and limits."""

    attributes: tuple[str, ...] = ()
    credentials: Credentials = GAMES
    umask: int = 0o022
    limits: tuple[ResourceLimit, ...] = ()
    env: tuple[tuple[str, str], ...] = ()


SETUPS = {
    "plain": Setup(),
    "umask": Setup(attributes=("umask = 027",), umask=0o027),
    "group": Setup(attributes=("group = mail",), credentials=GAMES.model_copy(update={"gid": 8})),
    "groups": Setup(
        attributes=("group = mail", "groups = yes"),
        credentials=GAMES.model_copy(update={"gid": 8, "groups": (60,)}),
    ),
    "number as user": Setup(
        attributes=("user = 4242",), credentials=Credentials(user="4242", uid=4242, gid=4242)
    ),
    "root": Setup(attributes=("user = root",), credentials=Credentials(user="root", uid=0, gid=0)),
    "nice": Setup(attributes=("nice = 7",), credentials=GAMES.model_copy(update={"nice": 7})),
    "variables": Setup(attributes=("env = COLOUR=blue EMPTY=",), env=(("COLOUR", "blue"), ("EMPTY", ""))),
    "limits": Setup(
        attributes=("rlimit_files = 99", "rlimit_cpu = 600", "rlimit_as = 512M", "rlimit_stack = 4M"),
        limits=(
            ResourceLimit(resource="NOFILE", value=99),
            ResourceLimit(resource="CPU", value=600),
            ResourceLimit(resource="AS", value=512 << 20),
            ResourceLimit(resource="STACK", value=4 << 20),
        ),
    ),
    "limits that can't be raised": Setup(
        attributes=("rlimit_files = 9999999",), limits=(ResourceLimit(resource="NOFILE", value=9999999),)
    ),
}


def under_launcher(folder: Path, setup: Setup) -> Seen:
    """Start LOOK by a launcher on an accepted, non-blocking TCP connection."""
    action = Program(
        path=str(script(folder, "look", LOOK)),
        argv=("look", "-x", "two"),
        env=setup.env,
        credentials=setup.credentials,
        umask=setup.umask,
        limits=setup.limits,
    )
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        running(service("look", action), credentials=setup.credentials) as launcher,
        connect(listener.getsockname()[1]) as client,
    ):
        worker = launcher.attach()
        accepted, (host, port) = listener.accept()
        with accepted:
            accepted.setblocking(False)
            worker.send(replace(launch("look"), peer_host=host, peer_port=port), accepted.fileno())
        receive(worker, Started)
        return parse(read_all(client))


def under_xinetd(folder: Path, setup: Setup) -> Seen:
    """Start LOOK by the real xinetd."""
    port = free_port()
    user = () if any(line.startswith("user ") for line in setup.attributes) else ("user = games",)
    lines = (
        *("type = UNLISTED", "socket_type = stream", "protocol = tcp", "wait = no", f"port = {port}"),
        *(
            "bind = 127.0.0.1",
            f"server = {script(folder, 'look', LOOK)}",
            "server_args = -x two",
            "passenv =",
        ),
        *user,
        *setup.attributes,
    )
    conf = folder / "xinetd.conf"
    conf.write_text("service look\n{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n")
    with xinetd(folder, conf, port), connect(port) as client:
        return parse(read_all(client))


@contextlib.contextmanager
def xinetd(folder: Path, conf: Path, port: int) -> Iterator[None]:
    files = ["-f", str(conf), "-pidfile", str(folder / "pid"), "-filelog", str(folder / "log")]
    process = subprocess.Popen([XINETD, "-dontfork", *files], stdin=subprocess.DEVNULL, cwd="/", umask=0o022)
    try:
        wait_until(lambda: is_open(port), "xinetd listens")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.mark.root
@pytest.mark.peer
@pytest.mark.skipif(not XINETD.exists(), reason="xinetd is not installed")
@pytest.mark.parametrize("setup", SETUPS.values(), ids=SETUPS)
def test_a_program_sees_what_it_sees_under_xinetd_and_more_variables(open_path: Path, setup: Setup) -> None:
    theirs, ours = under_xinetd(open_path, setup), under_launcher(open_path, setup)
    their_variables, our_variables = theirs.pop("variable"), ours.pop("variable")
    assert ours == theirs
    assert set(their_variables) <= set(our_variables)
    assert {line.partition("=")[0] for line in set(our_variables) - set(their_variables)} <= NAMES
    assert "REMOTE_HOST=127.0.0.1" in their_variables


@pytest.mark.root
def test_a_program_sees_exactly_this(open_path: Path) -> None:
    """The table of the fifth section of the behaviour that xinetd's servers rely on, without xinetd."""
    seen = under_launcher(open_path, SETUPS["plain"])
    hard = str(resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    expected = {
        "descriptors": "0 1 2",
        "same": "yes",
        "socket": "yes",
        "flags": "02",
        "directory": "/",
        "umask": "0022",
        "Uid": "5 5 5 5",
        "Gid": "60 60 60 60",
        "Groups": "",
        "SigBlk": "0" * 16,
        "SigIgn": "0" * 16,
        "NoNewPrivs": "0",
        "CapPrm": "0" * 16,
        "CapEff": "0" * 16,
        "group": "own",
        "session": "own",
        "tty": "0",
        "files": f"{hard} {hard}",
    }
    assert {name: " ".join(seen[name]).strip() for name in expected} == expected
    assert seen["argument"] == ["-x", "two"]


@pytest.mark.parametrize(
    "limits", [(), (ResourceLimit(resource="CPU", value=3600),)], ids=["spawned", "limited"]
)
def test_arguments_are_exactly_those_configured(limits: tuple[ResourceLimit, ...]) -> None:
    argv = ("renamed", "-c", "tr '\\0' '|' < /proc/$$/cmdline", "a b", "", "*", "$HOME", "\u00e9")
    with running(service("s", program(*argv, limits=limits))) as launcher:
        got = read_all(launcher.start(launcher.attach(), launch("s")))
    assert got.decode() == "|".join(argv) + "|"


def test_signals_ignored_or_blocked_by_whoever_started_the_daemon_are_not_passed_on(open_path: Path) -> None:
    """As under nohup, which ignores SIGHUP, and with all blocked, as the supervisor does while it forks."""
    look = program("look", path=str(script(open_path, "look", LOOK)))
    limited = program("look", path=look.path, limits=(ResourceLimit(resource="CPU", value=3600),))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN), signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        with running(service("spawned", look), service("limited", limited)) as launcher:
            worker = launcher.attach()
            for name in ("spawned", "limited"):
                seen = parse(read_all(launcher.start(worker, launch(name))))
                assert seen["SigIgn"] == seen["SigBlk"] == ["0" * 16]
                receive(worker, Started)
                receive(worker, Exited)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGHUP, before[0])
        signal.signal(signal.SIGQUIT, before[1])


def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one(open_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    try:
        with running(service("s", program("look", path=str(script(open_path, "look", LOOK))))) as launcher:
            seen = parse(read_all(launcher.start(launcher.attach(), launch("s"))))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert seen["files"] == [f"{hard} {hard}"]


def test_inheritable_descriptors_of_whoever_started_the_daemon_are_not_passed_on(open_path: Path) -> None:
    look = program("look", path=str(script(open_path, "look", LOOK)))
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    try:
        with running(service("s", look)) as launcher:
            seen = parse(read_all(launcher.start(launcher.attach(), launch("s"))))
    finally:
        os.close(reading)
        os.close(writing)
    assert seen["descriptors"] == ["0 1 2"]


def test_one_program_does_not_hold_the_connection_of_another(open_path: Path) -> None:
    """Otherwise a client would not see the end of its own."""
    with running(service("hold", program("cat", path=shutil.which("cat") or "/bin/cat"))) as launcher:
        worker = launcher.attach()
        first = launcher.start(worker, launch("hold", 1))
        launcher.start(worker, launch("hold", 2))
        for _ in range(2):
            receive(worker, Started)
        first.shutdown(socket.SHUT_WR)
        assert read_all(first) == b""


@pytest.mark.root
@pytest.mark.parametrize("nice", [-5, 3])
def test_nice_is_applied_also_where_it_is_negative(open_path: Path, nice: int) -> None:
    """xinetd lowers it after setuid, which only works for root's own programs."""
    seen = under_launcher(open_path, Setup(credentials=GAMES.model_copy(update={"nice": nice})))
    assert seen["nice"] == [str(os.nice(0) + nice)]


@pytest.mark.root
def test_a_setuid_program_gets_its_owner(open_path: Path) -> None:
    tool = open_path / "id"
    shutil.copy(shutil.which("id") or "/usr/bin/id", tool)
    tool.chmod(0o4755)
    with running(service("s", program("id", "-u", path=str(tool)))) as launcher:
        assert read_all(launcher.start(launcher.attach(), launch("s"))) == b"0\n"


def test_without_root_nothing_is_dropped_and_nice_only_goes_up(open_path: Path) -> None:
    action = program("look", path=str(script(open_path, "look", LOOK)))
    credentials = GAMES.model_copy(update={"nice": 2})
    with running(service("s", action), credentials=credentials, drop=False) as launcher:
        seen = parse(read_all(launcher.start(launcher.attach(), launch("s"))))
    assert seen["Uid"] == [" ".join([str(os.getuid())] * 4)]
    assert seen["nice"] == [str(os.nice(0) + 2)]
