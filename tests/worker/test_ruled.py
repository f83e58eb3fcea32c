"""What a worker tells launchers about rules: places and facts, and never what a rule says to do."""

from dataclasses import replace
from pathlib import Path

import pytest

from helpers.ruling import PEER, Rules
from superd.access.facts import NAME, USER, ClientFacts
from superd.access.verdict import ALLOWED, Verdict
from superd.privsep import clients
from superd.privsep.messages import Launch
from superd.service import Peer
from superd.worker import ruled
from superd.worker.client import Client

ALLOW = "/etc/hosts.allow"


@pytest.fixture
def rules(tmp_path: Path) -> Rules:
    return Rules(tmp_path)


@pytest.mark.parametrize(
    "options", ["", ": keepalive", ": spawn true", ": banners /nowhere: linger 3: severity info"]
)
def test_options_that_concern_no_program_make_no_special_start(rules: Rules, options: str) -> None:
    verdict = rules.verdict(f"svc: ALL {options}\n")
    assert isinstance(ruled.launch("svc", rules.client(verdict), ALLOW), Launch)


@pytest.mark.parametrize("option", ["setenv A b", "umask 0", "nice", "user root", "group root", "twist true"])
def test_the_others_name_their_rule(rules: Rules, option: str) -> None:
    request = rules.launch(f"# a comment\nsvc: \\\n ALL: {option}\n")
    assert (request.allow_line, request.allow_rule) == (3, f"svc:  ALL: {option}")
    assert (request.deny_line, request.deny_rule) == (0, "")


def test_both_files_can_have_a_rule(rules: Rules) -> None:
    request = rules.launch("svc: ALL: umask 0: aclexec false\n", "svc: ALL: allow\n")
    assert (request.allow_line, request.deny_line) == (1, 1)
    assert request.deny_rule == "svc: ALL: allow"


@pytest.mark.parametrize(
    ("rule", "known"),
    [
        ("svc: ALL: twist echo %n %u", 0),
        ("svc: .example: twist echo %n %u", 1),
        ("svc: alice@ALL: twist echo %n %u", 2),
        ("svc: alice@client.example: twist true", 3),
        ("svc@server.example: ALL: twist true", 4),
    ],
)
def test_what_was_known_before_the_rule_is_told_apart_from_what_it_asks_for(
    rules: Rules, rule: str, known: int
) -> None:
    """``%h`` is the name only where it is known (hosts_access(5))."""
    assert rules.launch("", f"{rule}\n").deny_known == known


@pytest.mark.parametrize("bits", range(8))
def test_facts_arrive_as_they_were_sent(rules: Rules, bits: int) -> None:
    request = replace(rules.launch("svc: ALL: umask 0\n"), client_name="a", user="b", server_name="c")
    facts = clients.facts(request, bits)
    assert clients.known(facts) == bits
    assert clients.names(facts) == ("a", "b", "c")
    assert (facts.address, facts.port, facts.server_address, facts.server_port) == (
        PEER.host, PEER.port, PEER.local_host, PEER.local_port,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["a\nb", "\x1b", "x" * 256, "\x7f"])
def test_a_name_that_nobody_would_believe_is_not_sent(name: str) -> None:
    facts = ClientFacts("192.0.2.7").with_answer(NAME, name).with_answer(USER, name)
    assert clients.names(facts) == ("", "", "")


@pytest.mark.parametrize(
    ("peer", "local"),
    [
        (Peer("192.0.2.7", 1, "198.51.100.1", 13), ("198.51.100.1", 13)),
        (Peer("192.0.2.7", 1, "0.0.0.0", 69), ("0.0.0.0", 69)),
        (Peer("", 0, "/run/socket", 0), ("", 0)),
    ],
)
def test_a_plain_start_has_the_addresses_of_the_connection(peer: Peer, local: tuple[str, int]) -> None:
    request = ruled.launch("svc", Client(peer, 5, ALLOWED), ALLOW)
    assert request == Launch("svc", 5, peer.host, peer.port, *local)


def test_a_command_names_its_option_and_nothing_of_it(rules: Rules) -> None:
    verdict = rules.verdict("", "svc: ALL: umask 0: spawn echo %n %u\n")
    request = rules.request(verdict.effects[1], verdict, number=9)
    assert (request.number, request.file, request.line, request.option) == (9, "deny", 1, 1)
    assert request.rule == "svc: ALL: umask 0: spawn echo %n %u"


def test_a_client_of_whom_nothing_was_asked_has_no_names(rules: Rules) -> None:
    verdict = rules.verdict("svc: ALL: setenv A b\n")
    client = Client(PEER, 1, Verdict(allowed=True, effects=verdict.effects))
    request = ruled.launch("svc", client, str(rules.folder / "hosts.allow"))
    assert (request.client_name, request.user, request.server_name) == ("", "", "")  # type: ignore[union-attr]  # ruled
