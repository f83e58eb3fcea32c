"""The gate of one service: order of the steps, which rule is named, and what happens without names or addresses."""

import time
from pathlib import Path
from typing import Any

import pytest

from superd.access import addresses, times
from superd.access.admission import Gate
from superd.access.bans import Ban, Bans
from superd.access.facts import NAME, PARANOID, UNKNOWN, USER, ClientFacts
from superd.access.hosts_access import HostsAccess
from superd.access.lists import facts_of
from superd.access.verdict import ALLOWED, Step, Verdict
from superd.config.model import (
    Access,
    AddressPattern,
    Builtin,
    Limits,
    Rate,
    Service,
    SocketType,
    SourcePrefix,
    SourceRate,
)
from superd.config.origin import Origin
from superd.config.written import Written
from superd.service import Options, Peer

FILE = "/etc/xinetd.d/echo"
PEER = Peer("10.1.2.3", 40000, "10.0.0.1", 7)
UNIX = Peer("", 0, "/run/echo", 0)
SLOW = SourceRate(count=1, period=60, burst=1)
NOON = time.mktime((2026, 3, 2, 12, 0, 0, 0, 0, -1))


def written(value: Any, line: int) -> Written[Any]:
    return Written[Any](value=value, origin=Origin(FILE, line))


def service(access: Access | None = None, **limits: Any) -> Service:
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
        limits=Limits(**limits),
    )


def patterns(words: str, line: int) -> tuple[AddressPattern, ...]:
    return tuple(p for word in words.split() for p in addresses.parse(word, Origin(FILE, line), {}))


def gate(
    access: Access | None = None, hosts: HostsAccess | None = None, load: float = 0.0, **limits: Any
) -> Gate:
    return Gate(service(access, **limits), hosts, lambda: load)


def named(name: str) -> ClientFacts:
    """What is known of the peer once its name has been looked up."""
    return facts_of(PEER).with_answer(NAME, name)


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
    assert (verdict.allowed, verdict.origin) == (allowed, Origin(FILE, 6))
    inside = words.rsplit(maxsplit=1)[-1] if allowed else words
    assert (verdict.step, verdict.rule) == (None if allowed else Step.TIME, f"access_times {inside}")


def test_a_span_past_midnight_holds_on_the_morning_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    try:
        span = times.parse("Sat@22:00-6:00", Origin(FILE, 6))  # daylight saving begins on that Sunday at 2:00
        began = time.mktime((2026, 3, 28, 22, 0, 0, 0, 0, -1))
        asked = gate(Access(times=(span,)))
        hours = [hour for hour in range(-2, 12) if ask(asked, wall=began + 3600 * hour).allowed]
    finally:
        monkeypatch.undo()
        time.tzset()
    assert hours == list(range(8))  # 22, 23, 0, 1, 3, 4, 5 and 6 o'clock


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
    counted = gate(per_source=written(0, 8), source_rates=(written(SLOW, 9),))
    assert ask(counted, UNIX).allowed
    assert ask(counted, UNIX).allowed
    assert not ask(counted).allowed


@pytest.mark.parametrize(
    ("prefix", "rule", "same", "other"),
    [
        (SourcePrefix(), "per_source = 1", "10.1.2.3", "10.1.2.4"),
        (SourcePrefix(ipv4=24), "per_source = 1/24", "10.1.2.77", "10.1.3.3"),
        (SourcePrefix(), "per_source = 1", "2001:db8::ffff", "2001:db8:0:1::1"),
        (SourcePrefix(ipv6=128), "per_source = 1/32/128", "2001:db8::1", "2001:db8::2"),
        (SourcePrefix(ipv4=24, ipv6=48), "per_source = 1/24/48", "2001:db8:0:9::", "2001:db8:1::"),
    ],
)
def test_per_source_counts_by_prefix(prefix: SourcePrefix, rule: str, same: str, other: str) -> None:
    counted = gate(per_source=written(1, 8), per_source_prefix=prefix)
    counted.enter("2001:db8::1" if ":" in same else "10.1.2.3")
    assert ask(counted, Peer(same, 1, "", 0)) == Verdict(False, Step.PER_SOURCE, rule, Origin(FILE, 8))
    assert ask(counted, Peer(other, 1, "", 0)).allowed


def test_a_rate_refuses_only_the_source() -> None:
    rated = gate(source_rates=(written(SLOW, 9),))
    assert ask(rated).allowed
    assert ask(rated) == Verdict(False, Step.PER_SOURCE, "rate = 1/m burst 1", Origin(FILE, 9))
    assert ask(rated, Peer("10.9.9.9", 1, "", 0)).allowed


def test_who_is_over_its_own_rate_does_not_count_for_cps() -> None:
    rated = gate(source_rates=(written(SLOW, 9),), cps=written(Rate(starts=2, window=60, pause=10), 4))
    assert [ask(rated).allowed for _ in range(20)] == [True] + [False] * 19
    assert rated.paused_until == 0.0
    assert ask(rated, Peer("10.9.9.9", 1, "", 0)).allowed


def test_who_is_banned_counts_for_nothing() -> None:
    bans = Bans([Ban(PEER.host, 100.0, "trap", Origin(FILE, 40))])
    limits = {"source_rates": (written(SLOW, 9),), "cps": written(Rate(starts=1, window=60, pause=10), 4)}
    banned = Gate(service(None, **limits), None, lambda: 0.0, bans)
    refused = Verdict(False, Step.ADDRESS, "10.1.2.3 is banned by sensor trap", Origin(FILE, 40))
    assert {ask(banned, monotonic=99.9) for _ in range(5)} == {refused}
    assert ask(banned, monotonic=100.0) is ALLOWED


def test_a_ban_that_comes_while_a_client_is_looked_up_counts() -> None:
    bans = Bans()
    asked = Gate(service(Access(paranoid=Origin(FILE, 5))), None, lambda: 0.0, bans)
    assert ask(asked).question is NAME
    bans.add(Ban(PEER.host, 100.0, "trap", Origin(FILE, 40)))
    assert asked.resume(PEER, named("a.example"), NOON, 0.0).origin == Origin(FILE, 40)


@pytest.mark.parametrize(("name", "allowed"), [("a.example", True), (UNKNOWN, True), (PARANOID, False)])
def test_paranoid_refuses_names_that_do_not_lead_back(name: str, allowed: bool) -> None:
    asked = gate(Access(paranoid=Origin(FILE, 5)))
    assert not ask(asked).allowed
    assert ask(asked).question is NAME
    verdict = asked.resume(PEER, named(name), NOON, 0.0)
    assert verdict == (
        ALLOWED if allowed else Verdict(False, Step.ADDRESS, "paranoid = yes", Origin(FILE, 5))
    )
    assert ask(asked, UNIX) is ALLOWED


def test_nobody_is_looked_up_whom_the_addresses_refuse_anyway() -> None:
    access = Access(paranoid=Origin(FILE, 5), no_access=patterns("10.0.0.0/8", 3))
    assert ask(gate(access)).question is None


@pytest.mark.parametrize(("user", "allowed"), [("alice", True), (UNKNOWN, False)])
def test_idonly_refuses_clients_whom_no_ident_server_names(user: str, allowed: bool) -> None:
    asked = Gate(service().model_copy(update={"ident_required": True}), None, lambda: 0.0)
    assert (ask(asked).allowed, ask(asked).question) == (False, USER)
    verdict = asked.resume(PEER, facts_of(PEER).with_answer(USER, user), NOON, 0.0)
    assert (verdict.allowed, verdict.step) == (allowed, None if allowed else Step.IDENT)
    assert not ask(asked, UNIX).allowed


def test_each_step_says_what_it_is() -> None:
    access = Access(
        times=(times.parse("8:00-17:00", Origin(FILE, 6)),),
        only_from=patterns("10.0.0.0", 2),
        no_access=patterns("10.9.0.0", 3),
        paranoid=Origin(FILE, 5),
    )
    asked = gate(access, per_source=written(10, 8), per_source_prefix=SourcePrefix(ipv4=24),
                 source_rates=(written(SLOW, 9),), instances=written(3, 7))  # fmt: skip
    assert [check.rule for check in asked.checks] == [
        "rate = 1/m burst 1", "access_times 8:00-17:00", "instances = 3", "per_source = 10/24",
        "no_access", "only_from", "paranoid = yes",
    ]  # fmt: skip


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


@pytest.mark.parametrize(
    ("name", "listed", "unlisted"),
    [
        ("host.evil.example", "no_access .evil.example", "only_from"),
        ("friend.example", "", "only_from friend.example"),
        (UNKNOWN, "", "only_from"),
        (PARANOID, "", "only_from"),
    ],
)
def test_lists_of_names_ask_for_the_name(name: str, listed: str, unlisted: str) -> None:
    no_access = gate(Access(no_access=patterns(".evil.example", 3)))
    only_from = gate(Access(only_from=patterns("friend.example", 2)))
    assert [(ask(each).allowed, ask(each).question) for each in (no_access, only_from)] == [(False, NAME)] * 2
    assert no_access.resume(PEER, named(name), NOON, 0.0).rule == listed
    assert only_from.resume(PEER, named(name), NOON, 0.0).rule == unlisted


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
        ("10.2.0.1", True, "echo: 10.2.0.1: twist /bin/true", 2),
        ("10.3.0.1", False, "echo: ALL: severity nonsense (", 1),
    ],
)
def test_hosts_allow_and_deny_are_asked_last(
    hosts: HostsAccess, client: str, allowed: bool, rule: str, line: int
) -> None:
    asked, peer = gate(Access(daemon="echo"), hosts), Peer(client, 1, "10.0.0.1", 7)
    verdict = asked.resume(peer, facts_of(peer).with_answer(NAME, UNKNOWN), NOON, 0.0)
    assert (verdict.allowed, verdict.step) == (allowed, None if allowed else Step.LIBWRAP)
    assert verdict.rule.startswith(rule)
    assert verdict.origin is not None
    assert verdict.origin.line == line


def test_while_a_name_is_asked_for_the_verdict_is_the_safe_one(hosts: HostsAccess) -> None:
    verdict = ask(gate(Access(daemon="echo"), hosts), Peer("10.3.0.1", 1, "10.0.0.1", 7))
    assert (verdict.allowed, verdict.question) == (False, NAME)


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
