"""Every option of hosts_options(5), as the client of a running daemon meets it."""

import os
import pwd
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from helpers import net
from helpers.daemon import Daemon, running
from helpers.programs import USER
from helpers.stanza import internal, program

OPTIONS = ("--hosts-allow", "@DIR@/hosts/hosts.allow", "--hosts-deny", "@DIR@/hosts/hosts.deny")

REPORT = """#!/bin/sh
# Tells what options can change.
echo "user $(id -u) group $(id -g) umask $(umask) nice $(nice) X ${X-unset} client $REMOTE_ADDR"
"""

UDP_ONE = r"""#!/usr/bin/perl
# Answers one datagram with the variable X.
open(my $s, '+<&=', 0) or die;
my $from = recv($s, my $data, 65536, 0);
send($s, "X $ENV{X}", 0, $from);
"""

UID = pwd.getpwnam(USER).pw_uid


@contextmanager
def ruled(
    text: str, allow: str = "", deny: str = "", files: Mapping[str, str] | None = None
) -> Iterator[Daemon]:
    """A daemon with these files of rules; commands may write into ``@DIR@/out``."""
    every = {"hosts/hosts.allow": allow, "hosts/hosts.deny": deny, "out/.keep": "", **(files or {})}
    with running(text, OPTIONS, files=every) as daemon:
        daemon.path("out").chmod(0o777)
        yield daemon


def report(port: int) -> str:
    return program("report", port, "@DIR@/report", user=USER)


def written(daemon: Daemon, name: str = "said") -> str:
    """What a command has written, when it has."""
    path = daemon.path(f"out/{name}")
    return net.wait_until(lambda: path.read_text() if path.exists() else "", f"{path}: {daemon.last_lines()}")


# Options for the program


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("umask 077", "umask 0077"),
        ("nice 7", f"nice {os.nice(0) + 7} "),
        ("nice", f"nice {os.nice(0) + 10} "),
        ("setenv X from %a to %d", "X from 127.0.0.1 to report "),
        ("keepalive: linger 5: setenv X yes: allow", "X yes "),
        ("severity local3.notice: umask 02", "umask 0002"),
        ("aclexec true: setenv X passed", "X passed "),
        (f"user {USER}", f"user {UID} "),
    ],
)
def test_options_change_the_program(option: str, expected: str) -> None:
    port = net.free_port()
    with ruled(report(port), f"report: ALL: {option}\n", "ALL: ALL\n", {"report": REPORT}) as daemon:
        assert expected in net.tcp(port).decode(), daemon.last_lines()


def test_a_client_that_another_rule_admits_has_none_of_it() -> None:
    port = net.free_port()
    allow = "report: 127.0.0.2: umask 077: setenv X yes\n"
    with ruled(report(port), allow, files={"report": REPORT}):
        assert b"umask 0077 " in net.tcp(port, source="127.0.0.2")
        assert b"umask 0022 nice 0 X unset" in net.tcp(port)


def test_setenv_reaches_the_program_of_a_datagram_service_that_waits() -> None:
    port = net.free_port()
    text = program("one", port, "@DIR@/one", user=USER, socket_type="dgram").replace(
        "wait = no", "wait = yes"
    )
    with ruled(text, "one: ALL: setenv X %a\n", "ALL: ALL\n", {"one": UDP_ONE}):
        assert net.udp(port, b"hello") == b"X 127.0.0.1"


@pytest.mark.root
def test_a_service_of_root_can_become_somebody_else() -> None:
    port = net.free_port()
    text = program("report", port, "@DIR@/report", user="root")
    with ruled(text, "report: ALL: user games.mail\n", files={"report": REPORT}):
        assert net.tcp(port).startswith(b"user 5 group 8 ")


@pytest.mark.root
def test_any_other_service_refuses_the_client_and_says_why() -> None:
    port = net.free_port()
    with ruled(report(port), "report: ALL: user games\n", files={"report": REPORT}) as daemon:
        assert net.tcp(port) == b""
        daemon.wait_for_log("only a launcher that runs as root can change ids")
        assert "hosts.allow:1" in daemon.log()


# twist


@pytest.mark.parametrize("file", ["allow", "deny"])
def test_twist_replaces_a_program(file: str) -> None:
    port = net.free_port()
    rule = "report: ALL: twist echo go away %a; id -u; echo $REMOTE_ADDR\n"
    rules = {"allow": (rule, ""), "deny": ("", rule)}[file]
    with ruled(report(port), *rules, files={"report": REPORT}) as daemon:
        assert net.tcp(port).decode().splitlines() == ["go away 127.0.0.1", str(UID), "127.0.0.1"]
        daemon.wait_for_log("connection.end")


def test_twist_replaces_a_built_in_and_counts_as_one_of_its_instances() -> None:
    port = net.free_port()
    text = internal("echo", port, instances=1)
    with ruled(text, deny="echo: ALL: twist echo hello; read x; echo $x\n") as daemon:
        with net.connect(port) as client:
            assert client.recv(100) == b"hello\n"
            assert net.tcp(port) == b""
            client.sendall(b"over\n")
            assert net.receive_all(client) == b"over\n"
        net.wait_until(lambda: net.tcp(port, b"again\n") == b"hello\nagain\n", daemon.last_lines())


def test_twist_has_the_socket_of_a_datagram_service_that_waits() -> None:
    port = net.free_port()
    text = program("true", port, "/bin/true", user=USER, socket_type="dgram").replace(
        "wait = no", "wait = yes"
    )
    with ruled(text, deny="true: ALL: setenv X twisted: twist @DIR@/one\n", files={"one": UDP_ONE}):
        assert net.udp(port, b"hello") == b"X twisted"
        assert net.udp(port, b"hello") == b"X twisted"


def test_a_twisted_client_is_served_over_a_reload() -> None:
    port = net.free_port()
    text = internal("echo", port)
    with ruled(text, deny="echo: 127.0.0.2: twist echo hello; read x; echo $x\n") as daemon:
        with net.connect(port, source="127.0.0.2") as client:
            assert client.recv(100) == b"hello\n"
            daemon.reload(text + internal("time", net.free_port()))
            assert net.tcp(port, b"untwisted") == b"untwisted"
            client.sendall(b"over\n")
            assert net.receive_all(client) == b"over\n"
        daemon.wait_for_log("connection.end")


# spawn and aclexec


def test_spawn_runs_as_the_services_user_for_granted_and_refused_clients() -> None:
    port = net.free_port()
    allow = "report: 127.0.0.1: spawn echo in %a %d $(id -u) > @DIR@/out/in\n"
    deny = "report: ALL: spawn echo out %a %d $(id -u) > @DIR@/out/out\n"
    with ruled(report(port), allow, deny, {"report": REPORT}) as daemon:
        assert net.tcp(port).startswith(b"user")
        assert net.tcp(port, source="127.0.0.2") == b""
        assert written(daemon, "in") == f"in 127.0.0.1 report {UID}\n"
        assert written(daemon, "out") == f"out 127.0.0.2 report {UID}\n"


def test_spawn_for_a_built_in_runs_as_the_workers_user() -> None:
    port = net.free_port()
    deny = "echo: 127.0.0.2: spawn id -u > @DIR@/out/said\n"
    with ruled(internal("echo", port), deny=deny) as daemon:
        assert net.tcp(port, b"x") == b"x"
        assert net.tcp(port, b"x", source="127.0.0.2") == b""
        assert written(daemon) == f"{UID}\n"


@pytest.mark.root
def test_spawn_for_a_built_in_with_a_user_runs_as_that() -> None:
    port = net.free_port()
    deny = "echo: 127.0.0.2: spawn id -u > @DIR@/out/said\n"
    with ruled(internal("echo", port, user="games"), deny=deny) as daemon:
        assert net.tcp(port, b"x", source="127.0.0.2") == b""
        assert written(daemon) == "5\n"


def test_spawn_does_not_talk_to_the_client() -> None:
    port = net.free_port()
    with ruled(report(port), "report: ALL: spawn echo leaked; cat\n", files={"report": REPORT}):
        assert net.tcp(port, b"typed").startswith(b"user")


@pytest.mark.parametrize(
    ("allow", "served"),
    [
        ("report: ALL: aclexec test %a = 127.0.0.1\n", True),
        ("report: ALL: aclexec test %a = 127.0.0.9\n", False),
        ("report: ALL: aclexec kill $$\n", False),
        ("report: ALL: aclexec /nonexistent/check\n", False),
        ("report: ALL: aclexec false: allow\n", True),
    ],
)
def test_aclexec_decides(allow: str, served: bool) -> None:
    port = net.free_port()
    with ruled(report(port), allow, "ALL: ALL\n", {"report": REPORT}):
        assert bool(net.tcp(port)) is served


@pytest.mark.parametrize(
    ("command", "served"),
    [
        ("true", False),
        ("false", True),
        ("kill $$", False),
        ("/nonexistent/check", False),
        ("@DIR@/superd.conf", False),
    ],
)
def test_aclexec_in_hosts_deny_admits_only_whom_it_clears(command: str, served: bool) -> None:
    """A command that can't be executed, or is killed, has not said no."""
    port = net.free_port()
    with ruled(report(port), deny=f"report: ALL: aclexec {command}\n", files={"report": REPORT}):
        assert bool(net.tcp(port)) is served


def test_aclexec_says_nothing_to_the_client() -> None:
    """Debian's libwrap lets the command write to the connection."""
    port = net.free_port()
    with ruled(report(port), "report: ALL: aclexec echo leaked\n", files={"report": REPORT}):
        assert net.tcp(port).startswith(b"user")


def test_clients_behind_a_slow_aclexec_hold_up_nobody() -> None:
    port = net.free_port()
    allow = "report: 127.0.0.2: aclexec while [ ! -e @DIR@/out/go ]; do sleep 0.05; done\n"
    with (
        ruled(report(port), allow, "report: 127.0.0.2\n", {"report": REPORT}) as daemon,
        net.connect(port, source="127.0.0.2") as slow,
    ):
        assert net.tcp(port).startswith(b"user")
        daemon.path("out/go").touch()
        assert net.receive_all(slow).startswith(b"user")


def test_a_reload_with_a_command_under_way_loses_nobody() -> None:
    port = net.free_port()
    allow = (
        "report: 127.0.0.2: spawn while [ ! -e @DIR@/out/go ]; do sleep 0.05; done; touch @DIR@/out/done\n"
    )
    with ruled(report(port), allow, files={"report": REPORT}) as daemon:
        with net.connect(port, source="127.0.0.2"):
            net.wait_until(lambda: named(daemon, "sleep"), "the command runs")
            daemon.reload(report(port) + internal("echo", net.free_port()))
            assert net.tcp(port).startswith(b"user")
        daemon.path("out/go").touch()
        net.wait_until(daemon.path("out/done").exists, "the command went on")


def named(daemon: Daemon, name: str) -> bool:
    return any(name in process.title for process in daemon.family())


def test_a_launcher_that_dies_with_a_command_refuses_its_client_and_comes_back() -> None:
    port = net.free_port()
    allow = "report: 127.0.0.2: aclexec sleep 3\n"
    with ruled(report(port), allow, "report: 127.0.0.2\n", {"report": REPORT}) as daemon:
        with net.connect(port, source="127.0.0.2") as client:
            net.wait_until(lambda: named(daemon, "sleep 3"), "the command runs")
            for launcher in daemon.named("superd: launcher"):
                os.kill(launcher.pid, signal.SIGKILL)
            assert net.receive_all(client) == b""
        net.wait_until(lambda: net.tcp(port).startswith(b"user"), "served again")
        net.wait_until(lambda: not named(daemon, "sleep 3"), "the orphan has ended")


# banners and faults


def test_banners_come_before_the_program_and_before_a_refusal() -> None:
    port = net.free_port()
    allow, deny = "report: 127.0.0.1: banners @DIR@/texts\n", "ALL: ALL: banners @DIR@/texts\n"
    files = {"report": REPORT, "texts/report": "%d: hello %a\n"}
    with ruled(report(port), allow, deny, files):
        assert net.tcp(port).startswith(b"report: hello 127.0.0.1\r\nuser")
        assert net.tcp(port, source="127.0.0.2") == b"report: hello 127.0.0.2\r\n"


@pytest.mark.parametrize(
    "option", ["umask 999", "bogus", "user no-such-user", "twist true: allow", "setenv A=b"]
)
def test_a_wrong_option_refuses_and_earlier_ones_have_their_effect(option: str) -> None:
    port = net.free_port()
    allow = f"report: ALL: spawn echo %a > @DIR@/out/said: {option}\n"
    with ruled(report(port), allow, files={"report": REPORT}) as daemon:
        assert net.tcp(port) == b""
        assert written(daemon) == "127.0.0.1\n"


def test_a_built_in_is_served_while_there_is_no_launcher_for_its_rules() -> None:
    port = net.free_port()
    with ruled(internal("echo", port), deny="echo: 127.0.0.2: spawn true\n") as daemon:
        for launcher in daemon.named("superd: launcher"):
            os.kill(launcher.pid, signal.SIGSTOP)
        assert net.tcp(port, b"x") == b"x"
        for launcher in daemon.named("superd: launcher"):
            os.kill(launcher.pid, signal.SIGKILL)
        assert net.tcp(port, b"x") == b"x"


def test_a_client_of_a_datagram_built_in_can_be_refused_with_a_command() -> None:
    port = net.free_port()
    deny = "echo: 127.0.0.2: spawn echo %a > @DIR@/out/said\n"
    with (
        ruled(internal("echo", port, kind="dgram"), deny=deny) as daemon,
        net.udp_socket("127.0.0.1", "127.0.0.2") as client,
    ):
        client.sendto(b"x", ("127.0.0.1", port))
        assert written(daemon) == "127.0.0.2\n"
        assert net.udp(port, b"y") == b"y"
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(100)
