"""Which launchers and workers a configuration needs, and as whom they run."""

import os
import pwd

import pytest

from helpers.endpoints import inet, service
from superd.config.model import Access, Builtin, Credentials, Program, Service
from superd.service import Options
from superd.supervisor import parts
from superd.supervisor.parts import COMMON, divide, worker_credentials
from superd.supervisor.plan import launched

WORKER = Credentials(user="superd", uid=4711, gid=4711)
NOBODY = Credentials(user="nobody", uid=65534, gid=65534)


@pytest.fixture(autouse=True)
def _one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LAUNCHERS_LIMIT", 1)


def builtin(key: str, daemon: str = "", credentials: Credentials | None = None) -> Service:
    action = Builtin(name="echo", options=Options(), credentials=credentials)
    return service(key, inet(7000)).model_copy(update={"action": action, "access": Access(daemon=daemon)})


def program(key: str, credentials: Credentials = NOBODY, daemon: str = "") -> Service:
    action = Program(path="/bin/true", argv=("true",), env=(), credentials=credentials, umask=0o22)
    return service(key, inet(7000)).model_copy(update={"action": action, "access": Access(daemon=daemon)})


def launchers(*services: Service, default: Credentials | None = WORKER) -> dict[Credentials, list[str]]:
    """The keys of each launcher's services, by what it becomes."""
    divided = divide(services, default)
    return {divided.credentials[name]: [one.key for one in part] for name, part in divided.launchers.items()}


def test_built_ins_without_rules_need_no_launcher() -> None:
    divided = divide([builtin("echo"), builtin("time")], WORKER)
    assert (divided.launchers, [one.key for one in divided.workers[COMMON]]) == ({}, ["echo", "time"])
    assert divided.launchers_of("echo") == ()


def test_built_ins_with_rules_share_one_as_the_workers_user() -> None:
    assert launchers(builtin("echo", "echo"), builtin("time", "timed")) == {WORKER: ["echo", "time"]}


def test_the_user_of_a_stanza_is_whom_its_commands_run_as() -> None:
    services = builtin("echo", "echo", NOBODY), builtin("time", "time")
    assert launchers(*services) == {NOBODY: ["echo"], WORKER: ["time"]}


def test_equal_credentials_share_the_launcher_of_programs() -> None:
    assert launchers(program("p"), builtin("echo", "echo", NOBODY)) == {NOBODY: ["p", "echo"]}


def test_a_program_has_a_launcher_per_processor_and_a_built_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LAUNCHERS_LIMIT", 3)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    divided = divide([program("p", daemon="p"), builtin("echo", "echo", NOBODY)], WORKER)
    assert divided.launchers_of("p") == ("nobody", "nobody (2)", "nobody (3)")
    assert divided.launchers_of("echo") == ("nobody",)
    assert set(divided.credentials.values()) == {NOBODY}


def test_without_root_everything_runs_as_the_caller() -> None:
    """The same words as for a program, so that both share a launcher."""
    account = pwd.getpwuid(os.geteuid())
    groups = tuple(sorted(os.getgroups()))
    own = Credentials(user=account.pw_name, uid=os.geteuid(), gid=os.getegid(), groups=groups)
    other = builtin("echo", "echo", NOBODY)
    assert launchers(program("p", own), other, default=None) == {own: ["p", "echo"]}


def test_a_launcher_is_replaced_when_the_name_that_rules_know_a_service_by_changes() -> None:
    assert launched(builtin("echo", "echo")) != launched(builtin("echo", "other"))
    assert launched(program("p", daemon="p")) != launched(program("p"))


ROOT = Credentials(user="root", uid=0, gid=0)


@pytest.mark.parametrize(
    ("name", "written", "default", "becomes"),
    [
        ("tftp", NOBODY, WORKER, NOBODY),
        ("tftp", None, WORKER, WORKER),
        ("tftp", ROOT, WORKER, WORKER),
        ("tftp", NOBODY, None, None),
        (COMMON, NOBODY, WORKER, WORKER),
    ],
    ids=["its user", "none written", "never root", "started without root", "the common one"],
)
def test_whom_a_worker_becomes(
    name: str, written: Credentials | None, default: Credentials | None, becomes: Credentials | None
) -> None:
    assert worker_credentials(name, (builtin("tftp", credentials=written),), default) == becomes
