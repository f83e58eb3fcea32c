"""hosts.allow and hosts.deny: verdicts of the language, against the real library, and re-reading."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from helpers.hosts_files import DENY_ALL, files, settle
from superd.access.facts import NAME, ClientFacts, Need, Question
from superd.access.hosts_access import Effect, HostsAccess, HostsVerdict, Outcome
from superd.config.origin import Severity


@dataclass(frozen=True)
class Case:
    """``allow`` and ``deny`` are the files (``None``: missing); ``line`` is the rule that decides, 0 none."""

    name: str
    allow: str | None
    verdict: str
    line: str = ""
    deny: str | None = DENY_ALL
    client: str = "10.1.2.3"
    daemon: str = "sshd"
    fixed: bool = False
    """superd repairs what libwrap gets wrong here."""


CASES = [
    Case("no files", None, "granted", deny=None),
    Case("empty files", "", "granted", deny=""),
    Case("deny all", "", "denied", "deny:1"),
    Case("allow wins", "sshd: ALL\n", "granted", "allow:1"),
    Case("other daemon", "ftpd: ALL\n", "denied", "deny:1"),
    Case("case does not count", "SSHD: all\n", "granted", "allow:1"),
    Case("wild daemon", "ss*: ALL\n", "granted", "allow:1"),
    Case("daemon prefix", "in.: ALL\n", "granted", "allow:1", daemon="in.ftpd"),
    Case("exact address", "sshd: 10.1.2.3\n", "granted", "allow:1"),
    Case("address prefix", "sshd: 10.1.\n", "granted", "allow:1"),
    Case("no short addresses", "sshd: 10.1\n", "denied", "deny:1"),
    Case("suffix of the address", "sshd: .3\n", "granted", "allow:1"),
    Case("netmask", "sshd: 10.1.0.0/255.255.0.0\n", "granted", "allow:1"),
    Case("length", "sshd: 10.1.0.0/16\n", "granted", "allow:1"),
    Case("host bits never match", "sshd: 10.1.2.3/24\n", "denied", "deny:1"),
    Case("length 0", "sshd: 0.0.0.0/0\n", "granted", "allow:1", fixed=True),
    Case("full mask", "sshd: 10.1.2.3/255.255.255.255\n", "granted", "allow:1", fixed=True),
    Case("junk after a length", "sshd: 10.0.0.0/8x\n", "denied", "deny:1", fixed=True),
    Case("hexadecimal net", "sshd: 0xa.0.0.0/8\n", "denied", "deny:1", fixed=True),
    Case("IPv6", "sshd: [2001:db8::1]\n", "granted", "allow:1", client="2001:db8:0::1"),
    Case("IPv6 net with host bits", "sshd: [2001:db8::5]/32\n", "granted", "allow:1", client="2001:db8::1"),
    Case("IPv6 junk length", "sshd: [::]/x\n", "denied", "deny:1", client="2001:db8::1", fixed=True),
    Case("bare IPv6 is cut", "sshd: 2001:db8::1\n", "denied", "deny:1", client="2001:db8::1"),
    Case("EXCEPT", "sshd: 10. EXCEPT 10.1.\n", "denied", "deny:1"),
    Case("EXCEPT is right-recursive", "sshd: ALL EXCEPT 10. EXCEPT 10.1.2.\n", "granted", "allow:1"),
    Case("EXCEPT first", "sshd: EXCEPT 10.9.\n", "denied", "deny:1"),
    Case("EXCEPT nothing", "sshd: ALL EXCEPT\n", "granted", "allow:1"),
    Case("daemon EXCEPT", "ALL EXCEPT sshd: ALL\n", "denied", "deny:1"),
    Case("commas and tabs", "ftpd,\tsshd : 1.1.1.1, ,10.1.2.3\n", "granted", "allow:1"),
    Case("continuation", "ss\\\nhd: \\\nALL\n", "granted", "allow:3"),
    Case("comment swallows the next line", "# x\\\nsshd: ALL\n", "denied", "deny:1"),
    Case("indented comment is a rule", "  # sshd: ALL\n", "granted", "allow:1"),
    Case("trailing comment is patterns", "sshd: 1.1.1.1 # ALL\n", "granted", "allow:1"),
    Case("line without a colon", "nonsense\nsshd: ALL\n", "granted", "allow:2"),
    Case("no newline in deny fails closed", "", "denied", "deny:0", deny="ftpd: ALL"),
    Case("no newline in allow ends the file", "sshd: ALL", "denied", "deny:1"),
    Case("rules before the error count", "", "granted", "deny:1", deny="sshd: ALL: allow\nx"),
    Case("2046 characters", f"sshd: {'x' * 2036} ALL\n", "granted", "allow:1"),
    Case("2047 characters", f"sshd: {'x' * 2037} ALL\n", "denied", "deny:1"),
    Case("deny in allow", "sshd: ALL: deny\n", "denied", "allow:1"),
    Case("allow in deny", "", "granted", "deny:1", deny="sshd: ALL: allow\n"),
    Case("unknown option", "sshd: ALL: nonsense\n", "denied", "allow:1"),
    Case("classic command", "sshd: ALL: (echo hello) &\n", "denied", "allow:1"),
    Case("trailing colon", "sshd: ALL:\n", "denied", "allow:1"),
    Case("allow not at the end", "sshd: ALL: allow: umask 022\n", "denied", "allow:1"),
    Case("options", "sshd: ALL: umask = 022 : SEVERITY auth.info:allow\n", "granted", "allow:1"),
    Case("setenv with =", "sshd: ALL: setenv A=b\n", "denied", "allow:1"),
    Case("bad umask", "sshd: ALL: umask 9\n", "denied", "allow:1"),
    Case("unknown user", "sshd: ALL: user no-such-user-here\n", "denied", "allow:1"),
    Case("escaped colon", "sshd: ALL: spawn true a\\:b: allow\n", "granted", "allow:1"),
    Case("twist", "sshd: ALL: twist /bin/true\n", "delegated", "allow:1"),
    Case("unknown name", "sshd: UNKNOWN\n", "granted", "allow:1"),
    Case("known name", "sshd: KNOWN\n", "denied", "deny:1"),
    Case("user unknown", "sshd: KNOWN@ALL\n", "denied", "deny:1"),
    Case("wild name", "sshd: *.example\n", "denied", "deny:1"),
    Case("bracket hides colons", "sshd: [x: ALL\n", "granted", "allow:1"),
    Case("missing pattern file", "sshd: /no/such/file\n", "denied", "deny:1"),
]
BY_NAME = pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))
OF_TCPDMATCH = pytest.mark.parametrize(
    "case", [case for case in CASES if ":" not in case.client], ids=lambda case: str(case.name)
)
"""tcpdmatch takes no IPv6 address for a client."""


def place(verdict: HostsVerdict) -> str:
    if verdict.origin is None:
        return ""
    broken = verdict.rule.startswith("the file is broken")
    return f"{Path(verdict.origin.file).suffix[1:]}:{0 if broken else verdict.origin.line}"


@BY_NAME
def test_verdict_and_rule(case: Case, tmp_path: Path) -> None:
    client = ClientFacts(case.client, name="unknown", user="unknown")
    verdict = files(tmp_path, case.allow, case.deny).decide(case.daemon, client)
    assert (str(verdict.outcome), place(verdict)) == (case.verdict, case.line)
    assert (verdict.question, verdict.doubt) == (None, None)


@pytest.mark.peer
@pytest.mark.skipif(not shutil.which("tcpdmatch"), reason="tcpdmatch is not installed")
@OF_TCPDMATCH
def test_the_real_library_says_the_same_unless_it_is_wrong(case: Case, tmp_path: Path) -> None:
    files(tmp_path, case.allow, case.deny)
    (tmp_path / "inetd.conf").write_text(
        f"{case.daemon} stream tcp nowait root /usr/sbin/tcpd {case.daemon}\n"
    )
    command = ["tcpdmatch", "-d", "-i", "inetd.conf", case.daemon, case.client]
    output = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    real = output.rpartition("access:")[2].split()[0]
    assert (real == case.verdict) != case.fixed


@pytest.mark.parametrize(
    ("rule", "facts", "granted"),
    [
        (".example", {"name": "gw.EXAMPLE"}, True),
        (".example", {"name": "example"}, False),
        ("gw.", {"name": "gw.example"}, True),
        ("gw.example", {"name": "paranoid"}, False),
        ("PARANOID", {"name": "paranoid"}, True),
        ("LOCAL", {"name": "gw"}, True),
        ("LOCAL", {"name": "unknown"}, False),
        ("KNOWN", {"name": "gw.example"}, True),
        ("10.*", {"address": "192.0.2.1", "name": "10.evil.example"}, False),
        ("bob@ALL", {"user": "bob"}, True),
        ("bob@ALL", {"user": "eve"}, False),
        ("UNKNOWN@ALL", {"user": "unknown"}, True),
        (
            "@lan",
            {"name": "gw.example", "answers": {Question(Need.NETGROUP, "lan gw.example"): True}},
            True,
        ),
        ("[fe80::1]", {"address": "fe80::1%eth0"}, True),
        ("[::ffff:10.1.2.3]", {"address": "10.1.2.3"}, True),
        ("10.1.2.3", {"address": "::ffff:10.1.2.3"}, True),
        ("ALL", {"address": ""}, True),
        ("KNOWN", {"address": ""}, False),
    ],
)
def test_names_users_and_netgroups_are_facts(
    rule: str, facts: dict[str, Any], granted: bool, tmp_path: Path
) -> None:
    hosts = files(tmp_path, f"sshd: {rule}\n", DENY_ALL)
    known: dict[str, Any] = {"address": "10.1.2.3", "name": "unknown", "user": "unknown"}
    client = ClientFacts(**(known | facts))
    assert hosts.decide("sshd", client).allowed == granted


@pytest.mark.parametrize(
    ("daemons", "granted"),
    [
        ("22", True),
        ("23", False),
        ("+22", False),
        ("sshd@10.0.0.1", True),
        ("sshd@10.0.0.2", False),
        ("22@10.", True),
    ],
)
def test_a_daemon_may_be_a_port_and_have_an_address(daemons: str, granted: bool, tmp_path: Path) -> None:
    hosts = files(tmp_path, f"{daemons}: ALL\n", DENY_ALL)
    assert (
        hosts.decide("sshd", ClientFacts("10.1.2.3", server_address="10.0.0.1", server_port=22)).allowed
        == granted
    )


@pytest.mark.parametrize(
    ("allow", "deny", "outcome", "needs", "doubted"),
    [
        (".example", "ALL", Outcome.DENIED, Need.NAME, True),
        (".example", "10.9.9.9", Outcome.GRANTED, Need.NAME, True),
        (".example 10.1.", "ALL", Outcome.GRANTED, Need.NAME, False),
        ("10.1. .example", "ALL", Outcome.GRANTED, None, False),
        (".evil.example: deny", "10.9.9.9", Outcome.DENIED, Need.NAME, True),
        ("10.9.9.9", ".evil.example", Outcome.DENIED, Need.NAME, True),
        ("10.9.9.9", ".friend.example: allow", Outcome.GRANTED, Need.NAME, True),
        ("ALL EXCEPT .evil.example", "ALL", Outcome.DENIED, Need.NAME, True),
        ("bob@10.1.", "ALL", Outcome.DENIED, Need.USER, True),
        ("bob@10.9.", "ALL", Outcome.DENIED, None, False),
        ("10.9.9.9", "ALL EXCEPT bob@ALL", Outcome.DENIED, Need.USER, True),
        ("ALL: aclexec true", "ALL", Outcome.DENIED, Need.ACLEXEC, True),
        (".example: aclexec true", "10.9.9.9", Outcome.DENIED, Need.NAME, True),
        ("10.9.9.9", "ALL: aclexec true", Outcome.DENIED, Need.ACLEXEC, True),
        ("[2001:db8::1]", "10.9.9.9", Outcome.GRANTED, Need.NAME, False),
    ],
)
def test_a_missing_fact_never_lets_in(
    allow: str, deny: str, outcome: Outcome, needs: Need | None, *, doubted: bool, tmp_path: Path
) -> None:
    verdict = files(tmp_path, f"sshd: {allow}\n", f"sshd: {deny}\n").decide("sshd", ClientFacts("10.1.2.3"))
    found = verdict.question and verdict.question.need
    assert (verdict.outcome, found, verdict.doubt is not None) == (outcome, needs, doubted)


@pytest.mark.parametrize(
    ("allow", "deny", "answer", "granted"),
    [
        ("sshd: ALL: aclexec test %a = 10.1.2.3\n", DENY_ALL, True, True),
        ("sshd: ALL: aclexec x\nsshd: ALL\n", DENY_ALL, False, False),
        ("sshd: ALL: aclexec x: allow\n", DENY_ALL, False, True),
        ("", "sshd: ALL: aclexec x\nALL: ALL\n", False, True),
        ("", "sshd: ALL: aclexec x\n", True, False),
    ],
)
def test_aclexec_asks_and_a_no_ends_the_file(
    allow: str, deny: str, answer: bool, granted: bool, tmp_path: Path
) -> None:
    asked: list[str] = []

    def say(question: Question) -> bool:
        assert isinstance(question.command, Effect)
        asked.append(question.command.text)
        return answer

    verdict = settle(files(tmp_path, allow, deny), ClientFacts("10.1.2.3"), say)
    assert verdict.allowed == granted
    assert set(asked) <= {"x", "test 10.1.2.3 = 10.1.2.3"}


EVERYTHING = (
    "sshd: .example: setenv A %h: spawn echo %n %h %u: rfc931 5: aclexec test %u: banners /nowhere: deny\n"
)


def test_the_options_of_a_rule_are_reached_in_order_and_ask_for_what_their_letters_stand_for(
    tmp_path: Path,
) -> None:
    asked: list[str] = []

    def say(question: Question) -> str | bool:
        asked.append(question.need.name)
        answers: dict[Need, str | bool] = {Need.NAME: "gw.example", Need.USER: "b'b", Need.ACLEXEC: True}
        return answers[question.need]

    verdict = settle(files(tmp_path, EVERYTHING, ""), ClientFacts("10.1.2.3"), say)
    assert asked == ["NAME", "USER", "ACLEXEC"]
    assert [str(effect) for effect in verdict.effects] == [
        "setenv A gw.example",
        "spawn echo gw.example gw.example b_b",
        "rfc931 5",
        "aclexec test b_b",
        "banners /nowhere",
        "deny",
    ]
    assert verdict.outcome is Outcome.DENIED


@pytest.mark.parametrize(
    ("command", "expanded"), [("%h %n %h", "10.1.2.3 gw.example gw.example"), ("%h %c", "10.1.2.3 10.1.2.3")]
)
def test_a_name_shows_in_what_follows_the_letter_that_asked_for_it(
    command: str, expanded: str, tmp_path: Path
) -> None:
    hosts = files(tmp_path, f"sshd: 10.: spawn {command}\n", "")
    verdict = settle(hosts, ClientFacts("10.1.2.3"), lambda _question: "gw.example")
    assert [effect.text for effect in verdict.effects] == [expanded]


def test_nothing_behind_an_open_question_is_carried_out(tmp_path: Path) -> None:
    hosts = files(
        tmp_path, "sshd: .example: spawn a\nsshd: ALL: spawn b: aclexec c: spawn d\n", "ALL: ALL: spawn e"
    )
    assert hosts.decide("sshd", ClientFacts("10.1.2.3")).effects == ()
    named = hosts.decide("sshd", ClientFacts("10.1.2.3", answers={NAME: "unknown"}))
    assert [effect.text for effect in named.effects] == ["b"]


def test_what_a_rule_did_before_its_aclexec_said_no_stays_done(tmp_path: Path) -> None:
    hosts = files(tmp_path, "sshd: ALL: spawn a: aclexec b: spawn c\n", "ALL: ALL: spawn e\n")
    verdict = settle(hosts, ClientFacts("10.1.2.3"), lambda _question: False)
    assert [effect.text for effect in verdict.effects] == ["a", "b", "c", "e"]
    assert verdict.outcome is Outcome.DENIED


def test_an_expansion_that_is_too_long_refuses(tmp_path: Path) -> None:
    hosts = files(tmp_path, f"sshd: ALL: spawn {'%n' * 90}\n", "")
    verdict = settle(hosts, ClientFacts("10.1.2.3"), lambda _question: "n" * 127)
    assert (verdict.outcome, "longer than" in verdict.error) == (Outcome.DENIED, True)


def test_a_banner_is_expanded_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "sshd").write_bytes(b"\0\0hello %c\nfrom %a")
    hosts = files(tmp_path, f"sshd: ALL: banners {tmp_path}\n", "")
    verdict = settle(hosts, ClientFacts("10.1.2.3"), lambda _question: "gw.example")
    assert [effect.text for effect in verdict.effects] == ["\0\0hello 10.1.2.3\r\nfrom 10.1.2.3"]


def replace_file(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.rename(path)


def test_an_edit_counts_from_the_next_decision(tmp_path: Path) -> None:
    hosts = files(tmp_path, None, DENY_ALL)
    client = ClientFacts("10.1.2.3")
    assert not hosts.decide("sshd", client).allowed
    replace_file(tmp_path / "hosts.allow", "sshd: 10.1.\n")
    assert hosts.decide("sshd", client).allowed
    replace_file(tmp_path / "hosts.allow", "sshd: 10.2.\n")
    assert not hosts.decide("sshd", client).allowed
    (tmp_path / "hosts.deny").unlink()
    assert hosts.decide("sshd", client).allowed


def test_a_broken_new_version_keeps_the_old_rules_and_complains_before_a_client_comes(tmp_path: Path) -> None:
    hosts = files(tmp_path, "sshd: 10.1.\n", DENY_ALL)
    client = ClientFacts("10.1.2.3")
    assert hosts.take_diagnostics() == ()
    replace_file(tmp_path / "hosts.allow", "ftpd: ALL")
    (complaint,) = hosts.take_diagnostics()
    assert hosts.decide("sshd", client).allowed
    assert hosts.take_diagnostics() == ()
    assert (complaint.severity, complaint.origin.line) == (Severity.ERROR, 1)
    assert "the rules read before stay in force" in complaint.text
    replace_file(tmp_path / "hosts.allow", "ftpd: ALL\n")
    assert not hosts.decide("sshd", client).allowed


@pytest.mark.parametrize(("which", "granted"), [("allow", False), ("deny", False)])
def test_something_that_is_no_file_in_the_place_of_one_fails_closed(
    which: str, granted: bool, tmp_path: Path
) -> None:
    (tmp_path / f"hosts.{which}").mkdir()
    other = {"allow": "deny", "deny": "allow"}[which]
    (tmp_path / f"hosts.{other}").write_text(DENY_ALL if other == "deny" else "")
    hosts = HostsAccess(tmp_path / "hosts.allow", tmp_path / "hosts.deny")
    assert hosts.decide("sshd", ClientFacts("10.1.2.3")).allowed == granted
    assert "not a regular file" in hosts.take_diagnostics()[0].text


def test_a_pattern_file_is_read_and_watched_and_may_name_itself(tmp_path: Path) -> None:
    listed = tmp_path / "list"
    listed.write_text(f"10.9.9.9\n10.8.0.0/16 {listed}\n")
    hosts = files(tmp_path, f"sshd: {listed}\n", DENY_ALL)
    client = ClientFacts("10.1.2.3", name="unknown")
    assert not hosts.decide("sshd", client).allowed
    assert hosts.decide("sshd", ClientFacts("10.8.1.1", name="unknown")).allowed
    replace_file(listed, "10.1.\n")
    assert hosts.decide("sshd", client).allowed
    listed.unlink()
    assert not hosts.decide("sshd", client).allowed


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_an_unreadable_hosts_deny_refuses_everybody(tmp_path: Path) -> None:
    (tmp_path / "hosts.deny").write_text("")
    (tmp_path / "hosts.deny").chmod(0)
    hosts = HostsAccess(tmp_path / "hosts.allow", tmp_path / "hosts.deny")
    assert not hosts.decide("sshd", ClientFacts("10.1.2.3")).allowed
