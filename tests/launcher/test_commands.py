"""Commands of spawn and aclexec: as whom, with what, how many, and how long."""

import os
import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.launching import Launching, identity, launch, read_all, receive, receive_any, running
from helpers.net import wait_until
from helpers.programs import INTERNAL_SIGNALS
from helpers.ruling import PEER, Rules, builtin, run, service
from superd.config.model import Credentials
from superd.launcher import commands
from superd.privsep.messages import CommandEnded, Drain, Dump, Exited, Running, Started, StateEnd, StateLine


@pytest.fixture
def rules(open_path: Path) -> Rules:
    (open_path / "out").mkdir()
    (open_path / "out").chmod(0o777)
    return Rules(open_path)


def written(rules: Rules, options: str) -> str:
    """What a command writes to ``$OUT``, after options that stand before it."""
    with running(service(), rules=rules.folder) as launcher:
        out = rules.folder / "out" / "said"
        options = options.replace("$OUT", str(out))
        assert run(launcher.attach(), rules.command(deny=f"svc: ALL: {options}\n")) == 0
        return out.read_text()


@pytest.mark.parametrize(
    ("command", "status"),
    [("true", 0), ("exit 7", 7), ("kill -TERM $$", -signal.SIGTERM), ("/nonexistent", 127)],
)
@pytest.mark.parametrize("option", ["spawn", "aclexec"])
def test_the_status_of_a_command_is_reported(rules: Rules, option: str, command: str, status: int) -> None:
    with running(service(), rules=rules.folder) as launcher:
        worker = launcher.attach()
        for number, allow in enumerate((True, False)):
            text = f"svc: ALL: {option} {command}\n"
            request = rules.command(text, "", number) if allow else rules.command("", text, number)
            worker.send(request)
            ended = receive(worker, CommandEnded)
            assert (ended.number, os.waitstatus_to_exitcode(ended.status)) == (number, status)


def test_a_command_runs_as_the_service(rules: Rules) -> None:
    said = written(rules, "spawn (id -u; id -G; pwd; umask) > $OUT")
    assert said.splitlines() == [str(identity().uid), str(identity().gid), "/", "0022"]


def test_a_command_has_the_null_device_and_no_other_descriptor(rules: Rules) -> None:
    said = written(rules, "spawn (ls -l /proc/$$/fd; true) > $OUT; true")
    assert [line.split()[-3:] for line in said.splitlines()[1:]] == [[n, "->", "/dev/null"] for n in "012"]


@pytest.mark.parametrize("before", ["", "nice 1: "], ids=["spawned", "forked"])
def test_a_command_has_a_session_of_its_own_and_ignores_only_hangups(rules: Rules, before: str) -> None:
    command = "cut -d' ' -f1,5,6,7 /proc/$$/stat > $OUT; sed -n 's/SigIgn.*\\t//p' /proc/self/status >> $OUT"
    numbers, ignored = written(rules, f"{before}spawn {command}").splitlines()
    pid, group, session, terminal = numbers.split()
    assert pid == group == session
    assert terminal == "0"
    assert int(ignored, 16) & ~INTERNAL_SIGNALS == 1 << (signal.SIGHUP - 1)


def test_a_command_sees_the_facts_of_the_connection_and_what_earlier_options_set(rules: Rules) -> None:
    said = written(
        rules,
        "setenv X one: umask 077: nice 2: spawn (echo $REMOTE_ADDR $TCPLOCALPORT $X $Y; umask; nice) > $OUT: setenv Y"
        " late: umask 0",
    )
    nice = os.nice(0) + 2
    assert said.splitlines() == [f"{PEER.host} {PEER.local_port} one", "0077", str(nice)]


def test_an_earlier_command_of_a_rule_has_nothing_of_what_follows_it(rules: Rules) -> None:
    rule = f"svc: ALL: spawn echo $X- > {rules.folder}/out/said: setenv X late: spawn true\n"
    with running(service(), rules=rules.folder) as launcher:
        assert run(launcher.attach(), rules.command(deny=rule, index=0)) == 0
    assert (rules.folder / "out/said").read_text() == "-\n"


@pytest.mark.root
def test_a_command_after_user_runs_as_that_and_is_ended_in_time(
    rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "COMMAND_TIMEOUT", 0.3)
    root = Credentials(user="root", uid=0, gid=0)
    rule = f"svc: ALL: user games: spawn id -u > {rules.folder}/out/said; sleep 600\n"
    with running(service(), rules=rules.folder, credentials=root) as launcher:
        assert run(launcher.attach(), rules.command(deny=rule)) == -1
    assert (rules.folder / "out/said").read_text() == "5\n"


@pytest.mark.root
def test_a_command_after_a_user_that_the_launcher_cannot_be_is_not_run(rules: Rules) -> None:
    rule = f"svc: ALL: user games: spawn touch {rules.folder}/out/ran\n"
    with running(service(), rules=rules.folder) as launcher:
        assert run(launcher.attach(), rules.command(deny=rule)) == -1
    assert not list((rules.folder / "out").iterdir())


def test_a_command_for_a_built_in_runs_as_the_launcher(rules: Rules) -> None:
    rule = f"svc: ALL: spawn (id -u; umask; echo $SERVICE $PATH) > {rules.folder}/out/said\n"
    with running(builtin(), rules=rules.folder) as launcher:
        assert run(launcher.attach(), rules.command(deny=rule)) == 0
    user, umask, variables = (rules.folder / "out/said").read_text().splitlines()
    assert (user, umask) == (str(identity().uid), "0022")
    assert variables.startswith("svc /usr/local/sbin:")


def test_a_command_that_a_later_option_needs_a_name_for_runs_before_the_name_is_known(rules: Rules) -> None:
    """The worker has the first command run, then looks up the name for the second one."""
    rule = "svc: ALL: spawn exit 3: spawn echo %n\n"
    verdict = rules.verdict(deny=rule)
    request = rules.request(verdict.effects[0], verdict)
    with running(service(), rules=rules.folder) as launcher:
        assert run(launcher.attach(), replace(request, client_name="")) == 3


def test_a_file_of_rules_is_read_again_when_it_has_changed(rules: Rules) -> None:
    with running(service(), rules=rules.folder) as launcher:
        worker = launcher.attach()
        old = rules.command(deny="svc: ALL: spawn exit 1\n")
        assert run(worker, old) == 1
        new = rules.command(deny="# moved\nsvc: ALL: spawn exit 2\n")
        assert run(worker, new) == 2
        assert run(worker, old) == -1
        rules.write(deny="")
        assert run(worker, new) == -1
        assert run(worker, rules.command(deny="svc: ALL: spawn exit 3\n")) == 3
        gone = rules.command(deny="svc: ALL: spawn exit 3\n")
        (rules.folder / "hosts.deny").unlink()
        assert run(worker, gone) == -1


def test_a_broken_new_version_replaces_nothing(rules: Rules) -> None:
    """So it is in the workers, which go on with the rules they have."""
    with running(service(), rules=rules.folder) as launcher:
        worker = launcher.attach()
        known = rules.command(deny="svc: ALL: spawn exit 1\n")
        assert run(worker, known) == 1
        (rules.folder / "hosts.deny").write_text("a: b\nsvc: ALL: spawn exit 2")
        assert run(worker, known) == 1
        (rules.folder / "hosts.deny").unlink()
        (rules.folder / "hosts.deny").mkdir()
        assert run(worker, known) == 1


def test_what_cannot_be_started_is_answered(rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("superd.launcher.ruled.SHELL", "/nonexistent/sh")
    with running(service(), rules=rules.folder) as launcher:
        worker = launcher.attach()
        assert run(worker, rules.command(deny="svc: ALL: spawn true\n")) == -1
        assert run(worker, rules.command(deny="svc: ALL: nice: spawn true\n")) == -1


# Bounds


def alive(rules: Rules) -> list[int]:
    """The processes that commands wrote into the folder as theirs, and that live."""
    pids = [int(path.name) for path in (rules.folder / "out").iterdir()]
    return [pid for pid in pids if lives(pid)]


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def hold(rules: Rules, then: str = "wait") -> str:
    """A command that names its processes and stays."""
    folder = rules.folder / "out"
    return f"trap '' TERM; sleep 600 & touch {folder}/$$ {folder}/$!; {then}"


def test_only_so_many_commands_run_at_a_time(rules: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "COMMANDS_LIMIT", 2)
    with running(service(action="echo served"), rules=rules.folder) as launcher:
        worker = launcher.attach()
        request = rules.command(deny=f"svc: ALL: spawn {waiting(rules)}\n")
        for number in range(4):
            worker.send(replace(request, number=number))
        assert [receive(worker, CommandEnded) for _ in range(2)] == [CommandEnded(2, -1), CommandEnded(3, -1)]
        assert read_all(launcher.start(worker, launch("svc"))) == b"served\n"
        receive(worker, Started)
        receive(worker, Exited)
        release(rules)
        assert {receive(worker, CommandEnded).number for _ in range(2)} == {0, 1}
        assert run(worker, rules.command(deny="svc: ALL: spawn exit 5\n")) == 5


def test_the_clients_of_one_network_leave_room_for_others(
    rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They decide how long safe_finger(8) takes; an aclexec that is not run refuses whoever it is about."""
    monkeypatch.setattr(commands, "NETWORK_LIMIT", 2)
    with running(service(), rules=rules.folder) as launcher:
        worker = launcher.attach()
        request = rules.command(deny=f"svc: ALL: spawn {waiting(rules)}\n")
        for number in range(3):
            worker.send(replace(request, number=number, peer_host=f"192.0.2.{number}"))
        assert receive(worker, CommandEnded) == CommandEnded(2, -1)
        worker.send(replace(request, number=3, peer_host="198.51.100.1"))
        worker.send(replace(request, number=4, peer_host="2001:db8::1"))
        worker.send(replace(request, number=5, line=7))
        assert receive(worker, CommandEnded) == CommandEnded(5, -1)
        release(rules)
        assert {receive(worker, CommandEnded).status for _ in range(4)} == {0}


def waiting(rules: Rules) -> str:
    """A command that runs until it is released."""
    return f"(while [ ! -e {rules.folder}/out/go ]; do sleep 0.05; done)"


def release(rules: Rules) -> None:
    """Let every waiting command end."""
    (rules.folder / "out/go").touch()


def test_a_command_that_takes_too_long_is_ended_with_all_its_children(
    rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM is ignored here, so that SIGKILL is seen to follow."""
    monkeypatch.setattr(commands, "COMMAND_TIMEOUT", 0.3)
    monkeypatch.setattr(commands, "KILL_AFTER", 0.3)
    with running(service(), rules=rules.folder) as launcher:
        assert run(launcher.attach(), rules.command(deny=f"svc: ALL: spawn {hold(rules)}\n")) == -1
        wait_until(lambda: not alive(rules), "everything is ended")


def test_a_command_that_obeys_is_answered_as_failed_too(
    rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "COMMAND_TIMEOUT", 0.3)
    with running(service(), rules=rules.folder) as launcher:
        request = rules.command(deny="svc: ALL: aclexec trap 'exit 0' TERM; sleep 600 & wait\n")
        assert run(launcher.attach(), request) == -1


def test_what_a_shell_leaves_behind_occupies_its_place_until_it_is_gone(
    rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "COMMANDS_LIMIT", 1)
    with running(service(), rules=rules.folder) as launcher:
        worker = launcher.attach()
        request = rules.command(deny=f"svc: ALL: spawn {waiting(rules)} &\n")
        assert run(worker, request) == 0
        assert run(worker, request) == -1
        release(rules)
        later = rules.command(deny="svc: ALL: spawn exit 4\n")
        wait_until(lambda: run(worker, later) == 4, "there is room again")


def test_what_a_shell_leaves_behind_is_ended_when_its_time_is_over(
    rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "COMMAND_TIMEOUT", 0.5)
    monkeypatch.setattr(commands, "KILL_AFTER", 0.3)
    with running(service(), rules=rules.folder) as launcher:
        assert run(launcher.attach(), rules.command(deny=f"svc: ALL: spawn {hold(rules, 'exit 0')}\n")) == 0
        wait_until(lambda: not alive(rules), "everything is ended")


# Lives


def test_a_command_outlives_its_worker_and_nobody_else_hears_of_it(rules: Rules) -> None:
    with running(service(action="echo served"), rules=rules.folder) as launcher:
        first = launcher.attach(1)
        first.send(rules.command(deny=f"svc: ALL: spawn {waiting(rules)}; touch {rules.folder}/out/1\n"))
        first.close()
        second = launcher.attach(2)
        assert read_all(launcher.start(second, launch("svc"))) == b"served\n"
        assert isinstance(receive_any(second), Started)
        assert isinstance(receive_any(second), Exited)
        release(rules)
        wait_until((rules.folder / "out/1").exists, "the command has gone on")
        assert run(second, rules.command(deny="svc: ALL: spawn exit 6\n")) == 6


def test_a_launcher_that_drains_waits_for_its_commands(rules: Rules) -> None:
    with running(service(), rules=rules.folder) as launcher:
        worker = launcher.attach()
        worker.send(rules.command(deny=f"svc: ALL: spawn {waiting(rules)}; exit 3\n"))
        wait_until(lambda: dumped(launcher)[1:] == ["1 of hosts.allow and hosts.deny"], "the command runs")
        launcher.supervisor.send(Drain())
        worker.close()
        for _ in range(3):  # it has seen the end of the channel by the second
            assert dumped(launcher)[1:] == ["1 of hosts.allow and hosts.deny"]
        release(rules)
        assert launcher.wait() == 0


def dumped(launcher: Launching) -> list[str]:
    """The texts of a state dump."""
    launcher.supervisor.send(Dump())
    lines = []
    while isinstance(message := receive_any(launcher.supervisor), StateLine):
        lines.append(message.text)
    assert isinstance(message, StateEnd)
    return lines


def test_a_twisted_connection_is_told_to_the_next_worker(rules: Rules) -> None:
    with running(builtin(), rules=rules.folder) as launcher:
        first = launcher.attach(1)
        client = launcher.start(first, rules.launch(deny="svc: ALL: twist read x; echo $x\n"))
        receive(first, Started)
        first.close()
        second = launcher.attach(2)
        assert receive(second, Running).service == "svc"
        client.sendall(b"still here\n")
        assert read_all(client) == b"still here\n"
        assert receive(second, Exited).status == 0


def test_a_worker_that_asks_for_commands_without_reading_stops_only_itself(rules: Rules) -> None:
    with running(service(action="echo served"), rules=rules.folder) as launcher:
        worker, other = launcher.attach(1), launcher.attach(2)
        request = rules.command(deny="svc: ALL: spawn exit 0\n")
        with suppress(BlockingIOError):
            for _ in range(5000):
                worker.send(request)
        assert read_all(launcher.start(other, launch("svc"))) == b"served\n"


def test_no_descriptor_is_left_by_commands(rules: Rules) -> None:
    with running(service(), rules=rules.folder) as launcher:
        worker = launcher.attach()
        request = rules.command(deny="svc: ALL: spawn exit 0\n")
        assert run(worker, request) == 0
        before = len(list(Path(f"/proc/{launcher.pid}/fd").iterdir()))
        for _ in range(5):
            assert run(worker, request) == 0
        assert len(list(Path(f"/proc/{launcher.pid}/fd").iterdir())) == before
