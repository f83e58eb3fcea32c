"""The daemon's list of bans: which reports of workers it believes, and whom it tells."""

import time
from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from structlog.testing import capture_logs

from helpers.endpoints import inet, service
from superd.access.bans import FOREVER
from superd.config.model import Access, Config, Sensor, Service, SocketType
from superd.config.origin import Origin
from superd.errors import ProtocolViolation
from superd.privsep.channel import Channel
from superd.privsep.messages import SUPERVISOR_TO_WORKER, WORKER_TO_SUPERVISOR, Ban, Banned
from superd.supervisor.bans import BanList, announcement
from superd.supervisor.children import Child, Children, Role
from superd.supervisor.parts import COMMON
from superd.supervisor.timers import Timers

NOW = 1000.0


def sensor(key: str, minutes: int | None, kind: SocketType = SocketType.STREAM) -> Service:
    update = {"action": Sensor(), "access": Access(deny_minutes=minutes), "socket_type": kind}
    return service(key, inet(4023), line=7).model_copy(update=update)


CONFIG = Config(
    services=(
        service("echo", inet(4007)),
        sensor("trap", 10),
        sensor("for-ever", -1),
        sensor("quiet", 0),
        sensor("unset", None),
        sensor("datagrams", 10, SocketType.DGRAM),
    )
)


@pytest.fixture
def workers() -> Iterator[list[tuple[Child, Channel]]]:
    """The common worker and one of its own, each with the far end of its channel."""
    pairs = [Channel.pair(WORKER_TO_SUPERVISOR, SUPERVISOR_TO_WORKER) for _ in range(2)]
    yield [
        (Child(Role.WORKER, name, 2**31 - number, ours, 0.0, 1, ready=True), theirs)
        for number, (name, (ours, theirs)) in enumerate(zip((COMMON, "tftp"), pairs, strict=True), 1)
    ]
    for ours, theirs in pairs:
        ours.close()
        theirs.close()


@pytest.fixture
def listed(workers: list[tuple[Child, Channel]]) -> BanList:
    children = Children()
    for child, _ in workers:
        children.add(child)
    return BanList(Timers(), children)


def test_every_worker_is_told_of_a_ban(listed: BanList, workers: list[tuple[Child, Channel]]) -> None:
    listed.touched(workers[0][0], Ban("trap", "192.0.2.1"), CONFIG, NOW)
    told = [channel.receive()[0] for _, channel in workers]
    assert told == [Banned("192.0.2.1", NOW + 600.0, "trap", "test.conf", 7)] * 2


def test_a_new_worker_is_given_the_list(listed: BanList, workers: list[tuple[Child, Channel]]) -> None:
    for key, host in (("trap", "192.0.2.1"), ("for-ever", "2001:db8::1")):
        listed.touched(workers[0][0], Ban(key, host), CONFIG, NOW)
    assert [(ban.host, ban.until, ban.origin) for ban in listed.current()] == [
        ("192.0.2.1", NOW + 600.0, Origin("test.conf", 7)),
        ("2001:db8::1", FOREVER, Origin("test.conf", 7)),
    ]
    assert [announcement(ban).until for ban in listed.current()] == [NOW + 600.0, -1.0]


def test_touching_again_makes_it_longer_and_is_not_logged_again(
    listed: BanList, workers: list[tuple[Child, Channel]]
) -> None:
    with capture_logs() as logged:
        for now in (NOW, NOW + 300.0):
            listed.touched(workers[0][0], Ban("trap", "192.0.2.1"), CONFIG, now)
    assert [ban.until for ban in listed.current()] == [NOW + 900.0]
    assert [(event["event"], event["peer"], event["rule"], event["minutes"]) for event in logged] == [
        ("client.banned", "192.0.2.1", "test.conf:7", 10)
    ]


LIES = [
    ("trap", "example.org"),
    ("trap", ""),
    ("trap", "192.0.2.0/24"),
    ("trap", "192.0.2.1\n"),
    ("trap", "0x7f.1"),
    ("trap", "fe80::1%" + "\u0100" * 4000),
    ("trap", "fe80::1%0123456789abcdef"),
    ("trap", "fe80::1%a\nb"),
    ("echo", "192.0.2.1"),
    ("nosuch", "192.0.2.1"),
    ("quiet", "192.0.2.1"),
    ("unset", "192.0.2.1"),
    ("datagrams", "192.0.2.1"),
]


@pytest.mark.parametrize(("key", "host"), LIES)
def test_a_worker_without_such_a_sensor_breaks_the_protocol(
    listed: BanList, workers: list[tuple[Child, Channel]], key: str, host: str
) -> None:
    with pytest.raises(ProtocolViolation):
        listed.touched(workers[0][0], Ban(key, host), CONFIG, NOW)
    assert listed.current() == ()


def test_a_link_local_address_is_banned_on_its_interface(
    listed: BanList, workers: list[tuple[Child, Channel]]
) -> None:
    listed.touched(workers[0][0], Ban("trap", "fe80::1%br+lan.0123456"), CONFIG, NOW)
    assert [ban.host for ban in listed.current()] == ["fe80::1%br+lan.0123456"]


def test_another_workers_sensor_is_none(listed: BanList, workers: list[tuple[Child, Channel]]) -> None:
    with pytest.raises(ProtocolViolation):
        listed.touched(workers[1][0], Ban("trap", "192.0.2.1"), CONFIG, NOW)


def test_a_worker_that_drains_may_speak_of_a_sensor_that_is_gone(
    listed: BanList, workers: list[tuple[Child, Channel]]
) -> None:
    worker = workers[0][0]
    worker.draining = True
    listed.touched(worker, Ban("gone", "192.0.2.1"), CONFIG, NOW)
    assert listed.current() == ()
    listed.touched(worker, Ban("trap", "192.0.2.1"), CONFIG, NOW)
    assert len(listed.current()) == 1


def test_what_is_over_is_swept_away_and_logged(
    workers: list[tuple[Child, Channel]], monkeypatch: pytest.MonkeyPatch
) -> None:
    timers, children = Timers(), Children()
    listed = BanList(timers, children)
    for key, host in (("trap", "192.0.2.1"), ("for-ever", "192.0.2.2")):
        listed.touched(workers[0][0], Ban(key, host), CONFIG, NOW)
    with capture_logs() as logged:
        for now in (NOW + 60.0, NOW + 600.0, NOW + 660.0):
            monkeypatch.setattr(time, "monotonic", lambda now=now: now)
            timers.run(now)
    assert [str(ban) for ban in listed.current()] == ["192.0.2.2"]
    assert [(event["event"], event["peer"]) for event in logged] == [("ban.over", "192.0.2.1")]


def test_the_state_names_whom_until_when_and_why(
    listed: BanList, workers: list[tuple[Child, Channel]]
) -> None:
    for key, host in (("trap", "192.0.2.1"), ("for-ever", str(ip_address("2001:db8::1")))):
        listed.touched(workers[0][0], Ban(key, host), CONFIG, NOW)
    lines = list(listed.state(1_700_000_000.0, NOW))
    assert lines[0].startswith("192.0.2.1: until 2023-11-14 ") or "until 2023-11-15" in lines[0]
    assert lines[0].endswith(", sensor trap (test.conf:7)")
    assert lines[1] == "2001:db8::/64: for ever, sensor for-ever (test.conf:7)"
    assert len(list(listed.state(1_700_000_000.0, NOW + 600.0))) == 1
