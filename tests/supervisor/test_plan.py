"""``plan``: what a reload has to do, and how launchers are called."""

import grp
import pwd
from ipaddress import ip_network

import pytest

from helpers.endpoints import inet, service
from superd.config.model import Access, AddressPattern, Config, Credentials, Limits, Program, Service
from superd.config.origin import Origin
from superd.config.written import Written
from superd.supervisor.plan import Changes, compare, launcher_name, plan

NOBODY = Credentials(user="nobody", uid=65534, gid=65534)


def program(key: str, path: str = "/bin/true", line: int = 1) -> Service:
    action = Program(path=path, argv=(path,), env=(("A", "1"),), credentials=NOBODY, umask=0o22)
    return service(key, inet(7000), line=line).model_copy(update={"action": action})


def only_from(key: str, line: int, network: str = "192.0.2.0/24") -> Service:
    pattern = AddressPattern(text=network, origin=Origin("test.conf", line), network=ip_network(network))
    return program(key).model_copy(update={"access": Access(only_from=(pattern,))})


def config(*services: Service) -> Config:
    return Config(services=services)


def test_services_are_new_kept_changed_or_gone() -> None:
    old = config(program("a"), program("b"), program("c"))
    new = config(program("d"), program("b", "/bin/false"), program("a"))
    assert compare(old, new) == Changes(new=("d",), kept=("a",), changed=("b",), gone=("c",))


def test_nothing_to_do_is_false() -> None:
    assert not compare(config(program("a")), config(program("a")))
    assert compare(config(), config(program("a")))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (program("a", line=1), program("a", line=9)),
        (only_from("a", line=1), only_from("a", line=9)),
        (
            program("a").model_copy(
                update={"limits": Limits(instances=Written(value=5, origin=Origin("x", 1)))}
            ),
            program("a").model_copy(
                update={"limits": Limits(instances=Written(value=5, origin=Origin("x", 2)))}
            ),
        ),
    ],
)
def test_a_service_that_only_moved_is_kept(one: Service, other: Service) -> None:
    assert compare(config(one), config(other)).kept == ("a",)


def test_another_network_is_a_change() -> None:
    old, new = config(only_from("a", 1)), config(only_from("a", 1, "192.0.2.0/25"))
    assert compare(old, new).changed == ("a",)


def planned(old: Service, new: Service, touched: frozenset[str] = frozenset()) -> tuple[Changes, Changes]:
    """The changes of workers and launchers when one service becomes another, beside one that stays."""
    rest = program("rest")
    made = plan(
        config(old, rest),
        config(new, rest),
        workers=({"common": (old,), "tftp": (rest,)}, {"common": (new,), "tftp": (rest,)}),
        launchers=({"nobody": (old,), "root": (rest,)}, {"nobody": (new,), "root": (rest,)}),
        touched=touched,
    )
    return made.workers, made.launchers


def test_a_worker_whose_part_is_equal_is_left_alone() -> None:
    workers, launchers = planned(program("a"), program("a"))
    assert workers.kept == ("common", "tftp")
    assert launchers.kept == ("nobody", "root")


def test_a_new_access_list_changes_the_worker_and_not_the_launcher() -> None:
    workers, launchers = planned(program("a"), only_from("a", 1))
    assert (workers.changed, workers.kept) == (("common",), ("tftp",))
    assert launchers.kept == ("nobody", "root")


def test_another_program_changes_both() -> None:
    workers, launchers = planned(program("a"), program("a", "/bin/false"))
    assert workers.changed == ("common",)
    assert (launchers.changed, launchers.kept) == (("nobody",), ("root",))


def test_a_worker_is_changed_when_one_of_its_lines_moved() -> None:
    workers, launchers = planned(program("a", line=1), program("a", line=2))
    assert workers.changed == ("common",)
    assert launchers.kept == ("nobody", "root")


def test_a_worker_is_changed_when_a_port_of_it_was_bound_at_last() -> None:
    workers, _ = planned(program("a"), program("a"), touched=frozenset({"rest"}))
    assert (workers.changed, workers.kept) == (("tftp",), ("common",))


ROOT = pwd.getpwuid(0).pw_name
ROOT_GROUP = grp.getgrgid(0).gr_name


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        (Credentials(user=ROOT, uid=0, gid=0), ROOT),
        (Credentials(user=ROOT, uid=0, gid=0, nice=-5), f"{ROOT}+nice-5"),
        (Credentials(user="4242", uid=4242, gid=0, nice=5), f"4242:{ROOT_GROUP}+nice5"),
        (Credentials(user="4242", uid=4242, gid=4242424), "4242:4242424"),
        (Credentials(user=ROOT, uid=0, gid=0, groups=(4, 27)), f"{ROOT}+4,27"),
        (Credentials(user=ROOT, uid=77, gid=0), f"{ROOT}(77):{ROOT_GROUP}"),
        (Credentials(user="nosuch.user", uid=77, gid=0), f"nosuch.user(77):{ROOT_GROUP}"),
    ],
)
def test_a_launcher_is_called_by_what_is_not_usual(credentials: Credentials, expected: str) -> None:
    assert launcher_name(credentials) == expected


def test_different_credentials_never_share_a_name() -> None:
    every = [
        Credentials(user=user, uid=uid, gid=gid, groups=groups, nice=nice)
        for user, uid in ((ROOT, 0), (ROOT, 1), ("1", 1), ("nobody", 65534))
        for gid in (0, 1, 65534)
        for groups in ((), (1,), (1, 2))
        for nice in (0, 1, -1)
    ]
    assert len({launcher_name(credentials) for credentials in every}) == len(every)
