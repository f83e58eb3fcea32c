"""The gate of one service: order of the steps, which rule is named, and what happens without names or addresses."""

import time
from pathlib import Path
from typing import Any

import pytest

from superd.access import addresses, times
from superd.access.admission import Gate
from superd.access.hosts_access import HostsAccess
from superd.access.verdict import ALLOWED, Step, Verdict
from superd.config.model import Access, AddressPattern, Builtin, Limits, Rate, Service, SocketType
from superd.config.origin import Origin
from superd.config.written import Written
from superd.service import Options, Peer

FILE = "/etc/xinetd.d/echo"
PEER = Peer("10.1.2.3", 40000, "10.0.0.1", 7)
UNIX = Peer("", 0, "/run/echo", 0)
NOON = time.mktime((2026, 3, 2, 12, 0, 0, 0, 0, -1))


def written(value: Any, line: int) -> Written[Any]:
    return Written[Any](value=value, origin=Origin(FILE, line))


def service(access: Access | None = None, **limits: Written[Any]) -> Service:
    return Service(
        key="echo",
        id="echo",
        name="echo",
        origin=Origin(FILE, 1),
        socket_type=SocketType.STREAM,
        wait=False,
        endpoints=(),
        action=Builtin(name="echo", options=Options()),
        access=access or Access(),
        limits=Limits.model_validate({name: limit.model_dump() for name, limit in limits.items()}),
    )


def patterns(words: str, line: int) -> tuple[AddressPattern, ...]:
    return tuple(p for word in words.split() for p in addresses.parse(word, Origin(FILE, line), {}))


def gate(
    access: Access | None = None, hosts: HostsAccess | None = None, load: float = 0.0, **limits: Any
) -> Gate:
    return Gate(service(access, **limits), hosts, lambda: load)


def ask(gate: Gate, peer: Peer = PEER, wall: float = NOON, monotonic: float = 0.0) -> Verdict:
    return gate.decide(peer, wall, monotonic)


def test_without_rules_everybody_comes_in_and_no_rule_is_named() -> None:
    assert ask(gate()) is ALLOWED
    assert ask(gate(), UNIX) is ALLOWED


def test_cps_refuses_the_start_too_many_and_pauses_the_service() -> None:
    paused = gate(cps=written(Rate(starts=2, window=None, pause=10), 4))
    assert [ask(paused, monotonic=100.0).allowed for _ in range(2)] == [True, True]
    assert ask(paused, monotonic=100.5) == Verdict(False, Step.RATE, "cps = 2 10", Origin(FILE, 4))
    assert paused.paused_until == 110.5
    assert not ask(paused, monotonic=110.4).allowed
    assert ask(paused, monotonic=110.5).allowed


def test_load_at_the_limit_refuses() -> None:
    refused = Verdict(False, Step.LOAD, "max_load = 2.5", Origin(FILE, 5))
    assert ask(gate(load=2.5, max_load=written(2.5, 5))) == refused
    assert ask(gate(load=2.4, max_load=written(2.5, 5))).allowed


@pytest.mark.parametrize(
    ("words", "allowed"), [("8:00-12:00", True), ("12:01-13:00", False), ("8:00-9:00 11:00-13:00", True)]
)
def test_access_times_are_local_minutes_of_the_day(words: str, allowed: bool) -> None:
    spans = tuple(times.parse(word, Origin(FILE, 6)) for word in words.split())
    verdict = ask(gate(Access(times=spans)))
    refused = Verdict(False, Step.TIME, "access_times", Origin(FILE, 6))
    assert verdict == (ALLOWED if allowed else refused)


def test_instances_and_per_source_count_what_entered_and_left() -> None:
    counted = gate(instances=written(3, 7), per_source=written(2, 8))
    counted.enter(PEER.host)
    counted.enter(PEER.host)
    assert ask(counted) == Verdict(False, Step.PER_SOURCE, "per_source = 2", Origin(FILE, 8))
    other = Peer("10.9.9.9", 1, "10.0.0.1", 7)
    assert ask(counted, other).allowed
    counted.enter(other.host)
    assert ask(counted, other) == Verdict(False, Step.INSTANCES, "instances = 3", Origin(FILE, 7))
    counted.leave(PEER.host)
    assert ask(counted).allowed


def test_clients_of_unix_sockets_are_not_bounded_per_source() -> None:
    counted = gate(per_source=written(0, 8), source_rate=written(0, 9))
    assert ask(counted, UNIX).allowed
    assert not ask(counted).allowed


def test_source_rate_refuses_only_the_source() -> None:
    rated = gate(source_rate=written(1, 9))
    assert ask(rated).allowed
    assert ask(rated).step is Step.PER_SOURCE
    assert ask(rated, Peer("10.9.9.9", 1, "", 0)).allowed


@pytest.mark.parametrize(
    ("only_from", "no_access", "allowed", "rule", "line"),
    [
        ("10.1.0.0", None, True, "only_from 10.1.0.0", 2),
        ("10.2.0.0 10.1.2.3", None, True, "only_from 10.1.2.3", 2),
        ("10.2.0.0", None, False, "only_from", 2),
        ("", None, False, "only_from", 2),
        (None, "10.1.2.0/24", False, "no_access 10.1.2.0/24", 3),
        (None, "10.1.3.0/24", True, "", 0),
        (None, "", True, "", 0),
        ("10.1.2.3", "10.0.0.0", False, "no_access 10.0.0.0", 3),
        ("10.0.0.0", "10.1.2.3", False, "no_access 10.1.2.3", 3),
    ],
)
def test_the_rule_about_an_address_is_named(
    only_from: str | None, no_access: str | None, allowed: bool, rule: str, line: int
) -> None:
    access = Access(
        only_from=None if only_from is None else patterns(only_from, 2),
        no_access=None if no_access is None else patterns(no_access, 3),
        only_from_origin=Origin(FILE, 2),
    )
    origin = Origin(FILE, line) if line else None
    assert ask(gate(access)) == Verdict(allowed, None if allowed else Step.ADDRESS, rule, origin)


@pytest.mark.parametrize("client", ["fe80::1%eth0", "fe80::1"])
def test_a_scope_does_not_change_the_address(client: str) -> None:
    assert ask(gate(Access(only_from=patterns("fe80::/10", 2))), Peer(client, 1, "::1", 7)).allowed


def test_a_name_in_no_access_refuses_and_in_only_from_admits_nobody_and_the_refusal_says_why() -> None:
    listed = ask(gate(Access(no_access=patterns(".evil.example", 3))))
    unlisted = ask(gate(Access(only_from=patterns("friend.example", 2))))
    assert (listed.allowed, listed.origin) == (False, Origin(FILE, 3))
    assert listed.rule.startswith("no_access .evil.example (the client's host name is not looked up")
    assert (unlisted.allowed, unlisted.step) == (False, Step.ADDRESS)
    assert "not looked up" in unlisted.rule


def test_a_unix_client_has_no_address_to_be_listed() -> None:
    assert ask(gate(Access(no_access=patterns("0.0.0.0", 3))), UNIX).allowed
    assert not ask(gate(Access(only_from=patterns("0.0.0.0 ::/0", 2))), UNIX).allowed


@pytest.fixture
def hosts(tmp_path: Path) -> HostsAccess:
    allow, deny = tmp_path / "allow", tmp_path / "deny"
    allow.write_text("echo: 10.1.\necho: 10.2.0.1: twist /bin/true\necho: friend.example\n")
    deny.write_text("echo: ALL: severity nonsense\n")
    return HostsAccess(allow, deny)


@pytest.mark.parametrize(
    ("client", "allowed", "rule", "line"),
    [
        ("10.1.2.3", True, "echo: 10.1.", 1),
        ("10.2.0.1", False, "echo: 10.2.0.1: twist /bin/true (twist is not carried out", 2),
        ("10.3.0.1", False, "echo: ALL: severity nonsense (", 1),
    ],
)
def test_hosts_allow_and_deny_are_asked_last(
    hosts: HostsAccess, client: str, allowed: bool, rule: str, line: int
) -> None:
    verdict = ask(gate(Access(daemon="echo"), hosts), Peer(client, 1, "10.0.0.1", 7))
    assert (verdict.allowed, verdict.step) == (allowed, None if allowed else Step.LIBWRAP)
    assert verdict.rule.startswith(rule)
    assert verdict.origin is not None
    assert verdict.origin.line == line


def test_a_refusal_for_want_of_a_name_says_which_rule_wanted_it(hosts: HostsAccess) -> None:
    verdict = ask(gate(Access(daemon="echo"), hosts), Peer("10.3.0.1", 1, "10.0.0.1", 7))
    assert "allow:3 needs the client's host name" in verdict.rule


def test_without_a_daemon_name_hosts_deny_is_not_asked(hosts: HostsAccess) -> None:
    assert ask(gate(Access(), hosts), Peer("10.3.0.1", 1, "10.0.0.1", 7)) is ALLOWED


def test_steps_come_in_order(hosts: HostsAccess) -> None:
    """Every step would refuse; taking the first away lets the next one speak."""
    limits: dict[str, Any] = {
        "cps": written(Rate(starts=1, window=60, pause=0), 4),
        "max_load": written(0.5, 5),
        "instances": written(0, 7),
        "per_source": written(0, 8),
    }
    spans = (times.parse("0:0-0:1", Origin(FILE, 6)),)
    only_from = patterns("192.0.2.1", 2)
    rows = [
        (["max_load", "instances", "per_source"], spans, only_from, Step.LOAD),
        (["instances", "per_source"], spans, only_from, Step.TIME),
        (["instances", "per_source"], None, only_from, Step.INSTANCES),
        (["per_source"], None, only_from, Step.PER_SOURCE),
        ([], None, only_from, Step.ADDRESS),
        ([], None, None, Step.LIBWRAP),
    ]
    peer = Peer("10.3.0.1", 1, "10.0.0.1", 7)
    for names, spans_used, listed, step in rows:
        access = Access(times=spans_used, only_from=listed, daemon="echo")
        chosen = {name: limits[name] for name in names}
        assert ask(gate(access, hosts, 1.0, **chosen), peer).step is step
    everything = gate(Access(times=spans, only_from=only_from, daemon="echo"), hosts, 1.0, **limits)
    assert [ask(everything, peer).step for _ in range(2)] == [Step.LOAD, Step.RATE]
