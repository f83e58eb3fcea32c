"""A worker that was taken over, or a client with a strange name, gets nothing run that the files do not hold."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.launching import launch, read_all, receive, receive_end, running
from helpers.ruling import Rules, builtin, output, run, service
from superd.config.model import Access, Service
from superd.privsep.messages import Command, Exited, Failed, Launch, RuledLaunch, Started, Violation

MARK = "touch {folder}/out/ran"


@pytest.fixture
def rules(open_path: Path) -> Rules:
    (open_path / "out").mkdir()
    (open_path / "out").chmod(0o777)
    return Rules(open_path)


def nothing_ran(rules: Rules) -> bool:
    return not list((rules.folder / "out").iterdir())


COMMANDS = {
    "another text": {"rule": "svc: ALL: spawn touch {folder}/out/ran"},
    "another line": {"line": 2},
    "no line": {"line": 0},
    "a line before the first": {"line": -1},
    "a line far away": {"line": 2**62},
    "no text": {"rule": ""},
    "a prefix of the text": {"rule": "svc: ALL: spawn"},
    "a blank more": {"rule": "svc: ALL: spawn echo %u %n : setenv X y "},
    "the other file": {"file": "allow"},
    "an option that is not there": {"option": 2},
    "an option far away": {"option": 2**62},
    "an option before the first": {"option": -1},
}


@pytest.mark.parametrize("changes", COMMANDS.values(), ids=COMMANDS)
def test_a_command_that_is_not_in_the_file_is_refused(rules: Rules, changes: dict[str, str | int]) -> None:
    """No violation: the file may have changed a moment ago."""
    honest = rules.command("", "svc: ALL: spawn echo %u %n : setenv X y\n")
    filled = {
        key: value.format(folder=rules.folder) if isinstance(value, str) else value
        for key, value in changes.items()
    }
    with running(service(), rules=rules.folder) as launcher:
        worker = launcher.attach()
        assert run(worker, replace(honest, **filled)) == -1  # type: ignore[arg-type]  # as the table has them
        assert run(worker, honest) == 0
    assert nothing_ran(rules)


VIOLATIONS = {
    "a service that does not exist": {"service": "no-such-service"},
    "a service without rules": {"service": "unruled"},
    "a path as file": {"file": "/etc/hosts.allow"},
    "an address that is code": {"peer_host": "$(id)"},
    "a name as address": {"peer_host": "client.example"},
    "what only looks like an address": {"peer_host": "1::2::3"},
    "a port too high": {"peer_port": 65536},
    "a port without an address": {"peer_host": "", "peer_port": -1},
    "a newline in a name": {"client_name": "a\nb"},
    "an escape in a name": {"user": "a\x1b[2J"},
    "a tab in a name": {"server_name": "a\tb"},
    "a name too long": {"client_name": "x" * 256},
    "a user too long": {"user": "x" * 256},
    "facts that do not exist": {"known": 8},
    "negative facts": {"known": -1},
}


@pytest.mark.parametrize("changes", VIOLATIONS.values(), ids=VIOLATIONS)
def test_what_no_honest_worker_says_ends_it(rules: Rules, changes: dict[str, str | int]) -> None:
    honest = rules.command("", f"svc: ALL: spawn {MARK.format(folder=rules.folder)} %u\n")
    unruled = replace_access(service("unruled", "exit 0"))
    with running(service(), unruled, rules=rules.folder) as launcher:
        worker = launcher.attach(worker=4711)
        worker.send(replace(honest, **changes))  # type: ignore[arg-type]  # as the table has them
        assert receive(launcher.supervisor, Violation).worker == 4711
        receive_end(worker)
    assert nothing_ran(rules)


def replace_access(of: Service) -> Service:
    return of.model_copy(update={"access": Access()})


@pytest.mark.parametrize("option", ["setenv X y", "umask 0", "twist touch {folder}/out/ran", "banners /etc"])
def test_an_option_that_is_no_command_is_not_run_as_one(rules: Rules, option: str) -> None:
    deny = f"svc: ALL: spawn true: {option.format(folder=rules.folder)}\n"
    honest = rules.command("", deny)
    with running(service(), rules=rules.folder) as launcher:
        worker = launcher.attach(worker=4711)
        worker.send(replace(honest, option=1))
        assert receive(launcher.supervisor, Violation).worker == 4711
        receive_end(worker)
    assert nothing_ran(rules)


def test_the_rule_of_another_daemon_is_not_run(rules: Rules) -> None:
    """What sshd's rules do is no business of a worker that serves svc."""
    rules.write(deny=f"sshd: ALL: spawn {MARK.format(folder=rules.folder)}\n")
    text = (rules.folder / "hosts.deny").read_text().rstrip("\n")
    request = Command(1, "svc", 1, "192.0.2.7", 1, "", 0, "", "", "", "deny", 1, text, 0, 0)
    with running(service(), rules=rules.folder) as launcher:
        worker = launcher.attach(worker=4711)
        worker.send(request)
        assert receive(launcher.supervisor, Violation).worker == 4711
        receive_end(worker)
    assert nothing_ran(rules)


LAUNCHES = {
    "another text": {"deny_rule": "svc: ALL: twist touch {folder}/out/ran"},
    "another line": {"deny_line": 7},
    "the text in the other file": {
        "allow_line": 1, "allow_rule": "svc: ALL: twist touch {folder}/out/ran", "deny_rule": "",
    },
}  # fmt: skip


@pytest.mark.parametrize("changes", LAUNCHES.values(), ids=LAUNCHES)
def test_a_twist_that_is_not_in_the_file_serves_nobody(rules: Rules, changes: dict[str, str | int]) -> None:
    honest = rules.launch("", "svc: ALL: twist echo honest\n")
    filled = {
        key: value.format(folder=rules.folder) if isinstance(value, str) else value
        for key, value in changes.items()
    }
    with running(service(), rules=rules.folder) as launcher:
        worker = launcher.attach()
        assert output(launcher, worker, replace(honest, **filled)) == []  # type: ignore[arg-type]  # see the table
        assert receive(worker, Failed).errno == errno.ESTALE
        assert output(launcher, worker, honest) == ["honest"]
    assert nothing_ran(rules)


@pytest.mark.parametrize("ruled", [False, True])
def test_a_built_in_has_no_program_to_start(rules: Rules, ruled: bool) -> None:
    honest = rules.launch("svc: ALL: setenv X y\n")
    request: Launch | RuledLaunch = honest if ruled else launch("svc")
    with running(builtin(), service("other", "echo served"), rules=rules.folder) as launcher:
        worker = launcher.attach(worker=4711)
        client = launcher.start(worker, request)
        assert receive(launcher.supervisor, Violation).worker == 4711
        receive_end(worker)
        assert read_all(client) == b""
        assert output(launcher, launcher.attach(), launch("other")) == ["served"]


STRANGE = [
    "$(id)",
    "`id`",
    "a;id",
    "a|id",
    "a&id",
    "'a'",
    '"a"',
    "a b",
    "a>b",
    "\\",
    "*",
    "a'$(touch x)'",
    "~",
    "{a,b}",
]


@pytest.mark.parametrize("name", STRANGE)
def test_no_name_or_user_is_ever_code(rules: Rules, name: str) -> None:
    """They hold what is in the ident answer, or the name server's: whatever a shell acts on becomes ``_``."""
    strange = Rules(rules.folder, name=name, user=name)
    request = strange.launch("", "svc: ALL: setenv X %n: twist printf '%%s\\n' %u %n \"$X\"\n")
    clean = "".join(c if c.isalnum() or c in "!@%-_=+:,./" else "_" for c in name)
    with running(service(), rules=rules.folder) as launcher:
        assert output(launcher, launcher.attach(), request) == [clean, clean, clean]


def test_no_name_or_user_is_ever_code_in_a_command_either(rules: Rules) -> None:
    out = rules.folder / "out"
    strange = Rules(rules.folder, name=f"$(touch {out}/ran)", user=f"`touch {out}/ran`;touch {out}/ran\"'")
    request = strange.command("", f"svc: ALL: spawn echo %u %n %c > {out}/said\n")
    with running(service(), rules=rules.folder) as launcher:
        assert run(launcher.attach(), request) == 0
    assert [path.name for path in out.iterdir()] == ["said"]
    assert "__touch_" in (out / "said").read_text()


def test_a_worker_that_was_ended_leaves_what_it_had_asked_for_before(rules: Rules) -> None:
    honest = rules.launch("", "svc: ALL: twist echo honest\n")
    with running(service(), rules=rules.folder) as launcher:
        worker = launcher.attach()
        client = launcher.start(worker, honest)
        launcher.start(worker, replace(honest, service="no-such-service"))
        assert read_all(client) == b"honest\n"


def test_many_violations_leave_the_launcher_as_it_was(rules: Rules) -> None:
    honest = rules.launch("", "svc: ALL: twist echo honest\n")
    with running(service(), rules=rules.folder) as launcher:
        before = len(list(Path(f"/proc/{launcher.pid}/fd").iterdir()))
        for number in range(5):
            worker = launcher.attach(worker=number)
            launcher.start(worker, replace(honest, user="\n"))
            assert receive(launcher.supervisor, Violation).worker == number
            receive_end(worker)
        assert len(list(Path(f"/proc/{launcher.pid}/fd").iterdir())) == before
        worker = launcher.attach()
        assert output(launcher, worker, honest) == ["honest"]
        assert receive(worker, Started).pid
        assert os.waitstatus_to_exitcode(receive(worker, Exited).status) == 0
