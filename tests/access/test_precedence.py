"""address_rule = most-specific: who is in when both lists hold a client, and when its name has to be asked for."""

import pytest

from superd.access import addresses
from superd.access.facts import NAME, UNKNOWN
from superd.access.lists import facts_of
from superd.access.precedence import beats, most_specific
from superd.access.verdict import Step, Verdict
from superd.config.model import AddressPattern
from superd.config.origin import Origin
from superd.service import Peer

HERE = Origin("superd.conf", 4)
PEER = Peer("10.1.2.3", 40000, "10.0.0.1", 7)


def patterns(words: str) -> tuple[AddressPattern, ...]:
    return tuple(found for word in words.split() for found in addresses.parse(word, HERE, {}))


def decide(no_access: str, only_from: str, name: str | None = None, peer: Peer = PEER) -> Verdict | None:
    check = most_specific(patterns(no_access), patterns(only_from), HERE)
    facts = None if name is None else facts_of(peer).with_answer(NAME, name)
    return check.decide(peer, facts, 0.0, 0.0)


@pytest.mark.parametrize(
    ("no_access", "only_from", "rule"),
    [
        ("10.0.0.0/8", "10.1.2.3", "only_from 10.1.2.3"),
        ("10.0.0.0/8", "10.1.0.0/16", "only_from 10.1.0.0/16"),
        ("10.1.0.0/16", "10.0.0.0/8", "no_access 10.1.0.0/16"),
        ("10.0.0.0/8", "10.0.0.0/8", "no_access 10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3", "no_access 10.1.2.3"),
        ("10.0.0.0/8 10.1.2.3", "10.1.0.0/16", "no_access 10.1.2.3"),
        ("10.0.0.0/8", "10.1.0.0/16 10.0.0.0/7", "only_from 10.1.0.0/16"),
        ("192.0.2.0/24", "10.1.0.0/16", "only_from 10.1.0.0/16"),
        ("192.0.2.0/24", "192.0.2.1", "only_from"),
        ("10.0.0.0/8", "192.0.2.1", "no_access 10.0.0.0/8"),
        ("::/0", "10.1.2.3", "only_from 10.1.2.3"),
    ],
)
def test_the_longer_prefix_wins_and_a_draw_is_refused(no_access: str, only_from: str, rule: str) -> None:
    verdict = decide(no_access, only_from)
    assert verdict is not None
    assert (verdict.rule, verdict.origin, verdict.question) == (rule, HERE, None)
    assert verdict.allowed == rule.startswith("only_from ")
    assert verdict.step is (None if verdict.allowed else Step.ADDRESS)


NAMES = [
    (".example.org", "a.example.org", "only_from a.example.org"),
    (".example.org", ".lan.example.org", "only_from .lan.example.org"),
    (".lan.example.org", ".example.org", "no_access .lan.example.org"),
    ("a.lan.example.org", ".lan.example.org", "no_access a.lan.example.org"),
    ("10.0.0.0/8", ".example.org", "no_access 10.0.0.0/8"),
    (".example.org", "10.1.2.0/24", "no_access .example.org"),
    (".example.org", "10.1.2.3", "only_from 10.1.2.3"),
    ("10.0.0.0/8", "a.lan.example.org", "only_from a.lan.example.org"),
    ("a.lan.example.org", "10.1.2.3", "no_access a.lan.example.org"),
    ("10.0.0.0/8 .example.org", "10.1.0.0/16 .lan.example.org", "no_access 10.0.0.0/8"),
]


@pytest.mark.parametrize(("no_access", "only_from", "rule"), NAMES)
def test_one_host_beats_a_group_and_unlike_groups_draw(no_access: str, only_from: str, rule: str) -> None:
    name = "a.example.org" if "only_from a.example" in rule else "a.lan.example.org"
    verdict = decide(no_access, only_from, name)
    assert verdict is not None
    assert (verdict.rule, verdict.allowed) == (rule, rule.startswith("only_from "))


@pytest.mark.parametrize(
    ("no_access", "only_from", "asked"),
    [
        (".example.org", "10.1.2.3", True),
        ("10.0.0.0/8", "a.example.org", True),
        ("192.0.2.1", "10.0.0.0/8 a.example.org", False),
        ("10.1.2.3", "a.example.org", False),
        ("10.0.0.0/8", "10.1.2.3 .example.org", False),
    ],
)
def test_the_name_is_asked_for_only_where_it_can_change_anything(
    no_access: str, only_from: str, asked: bool
) -> None:
    verdict = decide(no_access, only_from)
    assert verdict is not None
    assert (verdict.question is NAME) == asked
    assert not (asked and verdict.allowed)


def test_a_client_without_a_name_is_on_no_list_of_names() -> None:
    for name in (UNKNOWN, "paranoid"):
        verdict = decide("10.0.0.0/8", ".org a.example", name)
        assert verdict is not None
        assert verdict.rule == "no_access 10.0.0.0/8"


def test_a_unix_client_has_no_address_to_be_listed() -> None:
    verdict = decide("10.0.0.0/8", "0.0.0.0/0", peer=Peer("", 0, "/run/x", 0))
    assert verdict is not None
    assert (verdict.allowed, verdict.rule) == (False, "only_from")


def test_no_entry_beats_itself_and_no_two_beat_each_other() -> None:
    entries = patterns("10.1.2.3 10.1.0.0/16 10.0.0.0/8 ::1 2001:db8::/32 a.example.org .example.org .org")
    assert not [one.text for one in entries if beats(one, one)]
    assert not [
        (one, other) for one in entries for other in entries if beats(one, other) and beats(other, one)
    ]
