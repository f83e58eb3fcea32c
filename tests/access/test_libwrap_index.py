"""Large files: a decision tries only the rules that can match, whatever their patterns."""

from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.hosts_files import files
from superd.access.facts import ClientFacts
from superd.access.hosts_access import rules
from superd.access.hosts_access.inquiry import Answer, Inquiry

RULES = 1000

KINDS: dict[str, Callable[[int], str]] = {
    "addresses": lambda n: f"sshd: 10.{n >> 8}.{n & 255}.1",
    "networks": lambda n: f"sshd: 10.{n >> 8}.{n & 255}.0/24",
    "prefixes": lambda n: f"sshd: 10.{n >> 8}.{n & 255}.",
    "domains": lambda n: f"sshd: .net{n}.example",
    "names": lambda n: f"sshd: host{n}.example",
    "wildcards at the end": lambda n: f"sshd: 10.{n >> 8}.{n & 255}.*",
    "wildcards in the middle": lambda n: f"sshd: 10.{n >> 8}.{n & 255}.?",
    "wildcards at the start": lambda n: f"sshd: *.net{n}.example",
    "wildcards on both sides": lambda n: f"sshd: *.net{n}.*",
    "IPv6 networks": lambda n: f"sshd: [2001:db8:{n:x}::]/48",
    "IPv6 addresses": lambda n: f"sshd: [2001:db8:{n:x}::1]",
    "users": lambda n: f"sshd: bob@10.{n >> 8}.{n & 255}.1",
    "other daemons": lambda n: f"daemon{n}: ALL",
    "a server's address": lambda n: f"sshd@10.0.0.1: 10.{n >> 8}.{n & 255}.1",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("address", ["10.3.7.1", "2001:db8:307::1", "192.0.2.1"])
def test_few_rules_are_tried(
    kind: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = files(tmp_path, "", "".join(f"{KINDS[kind](number)}\n" for number in range(RULES)))
    tried: list[int] = []
    matches = rules.Rule.matches

    def counted(rule: rules.Rule, inquiry: Inquiry) -> Answer:
        tried.append(rule.number)
        return matches(rule, inquiry)

    monkeypatch.setattr(rules.Rule, "matches", counted)
    hosts.decide("sshd", ClientFacts(address, name="a.net775.example", user="bob", server_address="10.0.0.1"))
    assert len(tried) <= 3


@pytest.mark.parametrize(
    ("rule", "client"),
    [
        ("10.3.7.*", "10.3.7.1"),
        ("*.7.1", "10.3.7.1"),
        ("1?.3.7.1", "10.3.7.1"),
        ("*3.7*", "10.3.7.1"),
        ("2001?db8*", "2001:db8::7"),
        ("*:DB8:*", "2001:db8::7"),
        ("?*", "10.3.7.1"),
        ("*.EXAMPLE", "10.3.7.1"),
        ("gw*", "10.3.7.1"),
        ("*w.ex*", "10.3.7.1"),
        ("g?.?xample", "10.3.7.1"),
        ("**e", "10.3.7.1"),
    ],
)
def test_a_wildcard_is_found_among_many(rule: str, client: str, tmp_path: Path) -> None:
    others = "".join(f"sshd: other{number}.*.example\n" for number in range(20))
    hosts = files(tmp_path, "", f"{others}sshd: {rule}\n{others}")
    verdict = hosts.decide("sshd", ClientFacts(client, name="gw.example"))
    assert not verdict.allowed
    assert verdict.origin is not None
    assert verdict.origin.line == 21


def test_a_rule_that_asks_for_the_servers_name_asks_even_when_the_client_does_not_match(
    tmp_path: Path,
) -> None:
    others = "".join(f"sshd: 10.9.9.{number}\n" for number in range(20))
    hosts = files(tmp_path, f"{others}sshd@.example: 10.9.9.9\nALL: ALL: spawn x %H\n", "")
    known = ClientFacts("10.3.7.1", name="unknown", server_address="10.0.0.1")
    verdict = hosts.decide("sshd", known)
    assert verdict.question is not None
    answered = hosts.decide("sshd", known.with_answer(verdict.question, "srv.example"))
    assert [str(effect) for effect in answered.effects] == ["spawn x srv.example"]
