"""What a reload changes, and how launchers are called."""

import grp
import pwd
from ipaddress import ip_network

import pytest

from helpers.endpoints import inet, service
from superd.config.model import Access, AddressPattern, Banners, Config, Credentials, Limits, Program, Service
from superd.config.origin import Origin
from superd.config.written import Written
from superd.supervisor.plan import Changes, compare, launched, launcher_name

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


@pytest.mark.parametrize(
    "other",
    [
        program("a", line=9),
        only_from("a", 1),
        program("a").model_copy(update={"banners": Banners(always=b"hi")}),
    ],
)
def test_a_launcher_stays_when_only_lines_access_or_banners_change(other: Service) -> None:
    assert launched(other) == launched(program("a"))


@pytest.mark.parametrize(
    "other",
    [program("b"), program("a", "/bin/false"), program("a").model_copy(update={"endpoints": (inet(7001),)})],
)
def test_a_launcher_is_replaced_when_a_program_or_its_environment_changes(other: Service) -> None:
    assert launched(other) != launched(program("a"))


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
