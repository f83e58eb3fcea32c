"""Privileges are dropped for good: in a forked child as root, with what the kernel says afterwards."""

import ctypes
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from superd.privsep import drop as module
from superd.privsep.descriptors import keep_only
from superd.privsep.drop import drop, shed

USER, GROUP, EXTRA = 5, 60, (8, 12)
"""games:games with mail and man, by number: nobody has to exist."""

REPORT = 200
"""Number of the descriptor that a forked child reports on."""


def in_child(action: Callable[[], object]) -> object:
    """Run in a forked child; return its result, or the error it raised as text."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writing, REPORT)
        try:
            result = action()
        except BaseException as error:  # noqa: BLE001  it is the result
            result = f"{type(error).__name__}: {error}"
        os.write(REPORT, json.dumps(result).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as report:
        text = report.read()
    os.waitpid(pid, 0)
    return json.loads(text)


def status() -> dict[str, str]:
    lines = Path("/proc/self/status").read_text().splitlines()
    return {name: " ".join(value.split()) for name, value in (line.split(":", 1) for line in lines)}


def dropped(**options: object) -> dict[str, str]:
    def action() -> dict[str, str]:
        drop(USER, GROUP, EXTRA, **options)  # type: ignore[arg-type]  # options come from tables
        return status() | {"nice": str(os.nice(0)), "umask": f"{os.umask(0):03o}"}

    result = in_child(action)
    assert isinstance(result, dict), result
    return result


@pytest.mark.root
@pytest.mark.parametrize("confine", [True, False], ids=["worker", "launcher"])
def test_all_ids_groups_and_capabilities_are_those_asked_for(*, confine: bool) -> None:
    got = dropped(confine=confine)
    assert got["Uid"] == "5 5 5 5"
    assert got["Gid"] == "60 60 60 60"
    assert got["Groups"] == "8 12"
    assert {int(got[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    assert got["umask"] == "077"


@pytest.mark.root
def test_a_worker_can_gain_nothing_by_executing_a_setuid_program() -> None:
    got = dropped(confine=True)
    assert got["NoNewPrivs"] == "1"
    assert int(got["CapBnd"], 16) == 0


@pytest.mark.root
def test_a_launcher_can_start_setuid_programs() -> None:
    got = dropped()
    assert got["NoNewPrivs"] == "0"
    assert got["CapBnd"] == status()["CapBnd"]


@pytest.mark.root
@pytest.mark.parametrize("nice", [5, 0, -5])
def test_nice_is_added_before_the_drop_so_that_it_may_be_negative(nice: int) -> None:
    if nice < 0 and in_child(lambda: os.nice(nice)) != os.nice(0) + nice:
        pytest.skip("this root may not raise priorities")
    assert int(dropped(nice=nice)["nice"]) == os.nice(0) + nice


@pytest.mark.root
@pytest.mark.parametrize(
    "attempt",
    [
        lambda: os.setuid(0),
        lambda: os.seteuid(0),
        lambda: os.setresuid(-1, 0, -1),
        lambda: os.setgid(0),
        lambda: os.setresgid(-1, -1, 0),
        lambda: os.setgroups([0]),
        lambda: os.setgroups([]),
        lambda: os.chroot("/"),
        lambda: os.kill(os.getppid(), 0),
    ],
)
@pytest.mark.parametrize("confine", [True, False], ids=["worker", "launcher"])
def test_nothing_brings_root_back(attempt: Callable[[], None], *, confine: bool) -> None:
    def action() -> None:
        drop(USER, GROUP, EXTRA, confine=confine)
        attempt()

    assert str(in_child(action)).startswith("PermissionError")


@pytest.mark.root
def test_supplementary_groups_of_root_are_gone_when_none_are_asked_for() -> None:
    def action() -> list[int]:
        os.setgroups([0, 4, 20])
        drop(USER, GROUP, ())
        return os.getgroups()

    assert in_child(action) == []


@pytest.mark.root
def test_a_launcher_of_root_programs_stays_root_with_exact_groups() -> None:
    def action() -> list[object]:
        os.setgroups([4, 20])
        drop(0, 0, ())
        return [os.getresuid(), os.getresgid(), os.getgroups()]

    assert in_child(action) == [[0, 0, 0], [0, 0, 0], []]


@pytest.mark.root
def test_a_group_of_0_is_not_mistaken_for_root() -> None:
    def action() -> list[object]:
        drop(USER, 0, ())
        return [os.getresuid(), os.getresgid()]

    assert in_child(action) == [[USER] * 3, [0] * 3]


def test_a_worker_is_never_root() -> None:
    assert in_child(lambda: drop(0, 0, (), confine=True)) == (
        "PrivilegeError: a worker never runs as root; configure another user"
    )


def nothing(*_arguments: object) -> None:
    """Stands in for a system call that reports success and does nothing."""


@pytest.mark.root
@pytest.mark.parametrize("call", ["setgroups", "setresgid", "setresuid"])
def test_a_step_that_silently_does_nothing_is_noticed(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def action() -> None:
        os.setgroups([4])
        monkeypatch.setattr(os, call, nothing)
        drop(USER, GROUP, EXTRA)

    assert str(in_child(action)).startswith("PrivilegeError: ")


@pytest.mark.root
def test_privileges_that_come_back_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def action() -> None:
        monkeypatch.setattr(os, "setuid", nothing)
        drop(USER, GROUP, EXTRA)

    assert in_child(action) == "PrivilegeError: setuid(0) still works after dropping privileges"


@pytest.mark.root
def test_capabilities_kept_by_securebits_are_cleared() -> None:
    keep_caps = 8

    def action() -> str:
        module._libc.prctl(keep_caps, 1, 0, 0, 0)
        drop(USER, GROUP, EXTRA)
        return status()["CapPrm"]

    assert int(str(in_child(action)), 16) == 0


def test_without_root_a_drop_is_refused() -> None:
    def action() -> None:
        if os.geteuid() == 0:
            os.setresuid(USER, USER, USER)
        drop(USER + 1, GROUP, EXTRA)

    assert str(in_child(action)).startswith("PrivilegeError: can't drop privileges to uid 6, gid 60: ")


def test_every_other_descriptor_becomes_dev_null_and_does_not_survive_exec() -> None:
    def action() -> list[object]:
        kept, other = os.pipe()
        os.set_inheritable(other, True)
        os.close(0)
        keep_only([kept, REPORT])
        null = Path("/dev/null").stat().st_rdev
        numbers = [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]
        others = [
            number for number in numbers if number > 2 and number not in (kept, REPORT) and _is_open(number)
        ]
        return [
            other in others,
            all(os.fstat(number).st_rdev == null and not os.get_inheritable(number) for number in others),
            os.fstat(kept).st_rdev == null,
            os.fstat(0).st_rdev == null,
        ]

    assert in_child(action) == [True, True, False, True]


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


PR_SET_KEEPCAPS, PR_CAP_AMBIENT, RAISE, NET_BIND_SERVICE = 8, 47, 2, 10


def become_an_ordinary_user_who_may_bind_low_ports() -> None:
    """As a service manager's User= and AmbientCapabilities= do."""
    libc, bit = ctypes.CDLL(None, use_errno=True), 1 << NET_BIND_SERVICE
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setresuid(USER, USER, USER)
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    assert libc.capset(header, sets) == 0
    assert libc.prctl(PR_CAP_AMBIENT, RAISE, NET_BIND_SERVICE, 0, 0) == 0


@pytest.mark.root
@pytest.mark.parametrize("confine", [True, False], ids=["worker", "launcher"])
def test_capabilities_of_an_ordinary_user_are_not_kept_either(*, confine: bool) -> None:
    def action() -> list[dict[str, str]]:
        become_an_ordinary_user_who_may_bind_low_ports()
        before = status()
        shed(confine=confine)
        return [before, status()]

    answer = in_child(action)
    assert isinstance(answer, list), answer
    before, after = answer
    assert int(before["CapAmb"], 16) == 1 << NET_BIND_SERVICE
    assert {int(after[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    assert after["NoNewPrivs"] == str(int(confine))


@pytest.mark.root
def test_a_program_of_the_same_user_can_not_trace_us() -> None:
    def action() -> int:
        drop(USER, GROUP, ())
        return int(Path("/proc/self/environ").stat().st_uid)

    assert in_child(action) == 0
