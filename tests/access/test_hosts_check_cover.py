"""Rules that are never reached: found where that is certain, and nowhere else, in time linear in the file."""

import random
from pathlib import Path

import pytest

from helpers.hosts_files import files, settle
from superd.access.facts import ClientFacts, Need
from superd.access.hosts_access import Outcome, check
from superd.config.origin import Report

PAIRS = [
    ("ALL: ALL", "sshd: 10.1.2.3", True),
    ("ALL: ALL", "22: ALL EXCEPT 10.1.2.3", True),
    ("ALL: ALL", "ALL: bob@@lan", True),
    ("sshd: ALL", "ftpd: ALL", False),
    ("sshd: ALL", "SSHD: 10.1.2.3", True),
    ("sshd ftpd: ALL", "ftpd: 10.1.2.3", True),
    ("in.: ALL", "in.ftpd: ALL", True),
    (".ftpd: ALL", "in.ftpd: ALL", True),
    ("in.*: ALL", "in.ftpd: ALL", False),
    ("22: ALL", "22: 10.1.2.3", True),
    ("22: ALL", "23: 10.1.2.3", False),
    ("sshd: ALL", "sshd@10.0.0.1: ALL", True),
    ("sshd@10.0.0.1: ALL", "sshd: ALL", False),
    ("sshd@@lan: ALL", "sshd@@LAN: ALL", False),
    ("sshd: 10.1.2.3", "sshd: 10.1.2.3", True),
    ("sshd: 10.1.", "sshd: 10.1.2.3", True),
    ("sshd: 10.1.", "sshd: 10.1.2.", True),
    ("sshd: 10.1.", "sshd: 10.", False),
    ("sshd: 10.1.", "sshd: 10.11.2.3", False),
    ("sshd: 10.1.", "sshd: 10.1.0.0/16", True),
    ("sshd: 10.0.0.0/8", "sshd: 10.1.2.3", True),
    ("sshd: 10.0.0.0/8", "sshd: 10.1.", True),
    ("sshd: 10.0.0.0/8", "sshd: 10.1.2.0/255.255.255.0", True),
    ("sshd: 10.1.2.0/24", "sshd: 10.0.0.0/8", False),
    ("sshd: 10.0.0.0/16", "sshd: 10.0.0.0/8", False),
    ("sshd: [2001:db8::]/48", "sshd: [2001:db8::]/32", False),
    ("sshd: .3", "sshd: gw.3", False),
    ("sshd: .3", "sshd: .2.3", True),
    ("sshd: 10.0.0.0/8", "sshd: [::ffff:10.1.2.3]", True),
    ("sshd: [2001:db8::]/32", "sshd: [2001:db8::1]", True),
    ("sshd: [2001:db8::]/32", "sshd: [2001:db9::1]", False),
    ("sshd: 0.0.0.0/0", "sshd: [2001:db8::1]", False),
    ("sshd: .example", "sshd: gw.example", True),
    ("sshd: .example", "sshd: .gw.example", True),
    ("sshd: .example", "sshd: .EXAMPLE", True),
    ("sshd: .example", "sshd: example", False),
    ("sshd: .example", "sshd: gwexample", False),
    ("sshd: gw.", "sshd: gw.example", True),
    ("sshd: 10.", "sshd: 10.evil.example", False),
    ("sshd: .b", "sshd: @a.b", False),
    ("sshd: .list", "sshd: /no/such.list", False),
    ("sshd: @lan", "sshd: @lan", True),
    ("sshd: @lan", "sshd: @LAN", False),
    ("sshd: KNOWN", "sshd: known", True),
    ("sshd: KNOWN", "sshd: gw.example", False),
    ("sshd: ALL EXCEPT 10.1.2.3", "sshd: 10.1.2.3", False),
    ("ALL EXCEPT sshd: ALL", "sshd: ALL", False),
    ("sshd: bob@ALL", "sshd: ALL", False),
    ("sshd: bob@ALL", "sshd: bob@10.1.2.3", True),
    ("sshd: bob@ALL", "sshd: eve@10.1.2.3", False),
    ("sshd: 10.1.2.3", "sshd: bob@10.1.2.3", True),
    ("sshd: ALL@10.1.2.3", "sshd: 10.1.2.3", True),
    ("sshd: ALL: aclexec /bin/true", "sshd: 10.1.2.3", True),
    ("sshd: ALL: nonsense", "sshd: 10.1.2.3", True),
    ("sshd: 10.1.2.3 10.1.2.4", "sshd: 10.1.2.3 10.1.2.5", False),
    ("ALL: UNKNOWN", "ALL: PARANOID", False),
]


def shadowed(text: str, folder: Path) -> list[int]:
    """The lines of a hosts.deny that are reported as never reached."""
    path = folder / "hosts.deny"
    path.write_text(text)
    diagnostics = check.check(path, Outcome.DENIED).diagnostics
    return [each.origin.line for each in diagnostics if each.code == "hosts-shadowed"]


@pytest.mark.parametrize(("first", "second", "never_reached"), PAIRS)
def test_a_rule_behind_one_that_covers_it_is_reported(
    first: str, second: str, never_reached: bool, tmp_path: Path
) -> None:
    assert shadowed(f"{first}\n{second}\n", tmp_path) == ([2] if never_reached else [])


def test_several_rules_may_cover_one_together(tmp_path: Path) -> None:
    text = "sshd: 10.\nftpd: 10.\nsshd ftpd: 10.1.2.3 10.1.2.4\nsshd ftpd telnetd: 10.1.2.3\n"
    assert shadowed(text, tmp_path) == [3]


def test_the_message_names_the_earlier_lines(tmp_path: Path) -> None:
    path = tmp_path / "hosts.allow"
    path.write_text("# x\nsshd: 10.\nsshd: 10.1.2.3\n")
    (found,) = check.check(path).diagnostics
    assert str(found) == (
        f"{path}:3: warning: is never reached: everybody it means is decided about at {path}:2"
    )


@pytest.mark.parametrize(
    ("allow", "lines"),
    [("sshd: 10.\n", [1]), ("sshd: 10.: deny\n", [1]), ("sshd: 10.: aclexec /bin/true\n", [])],
)
def test_a_rule_of_hosts_deny_may_be_covered_by_hosts_allow(
    allow: str, lines: list[int], tmp_path: Path
) -> None:
    files(tmp_path, allow, "sshd: 10.1.2.3\nALL: ALL\n")
    report = Report()
    check.Checker(report).files(tmp_path / "hosts.allow", tmp_path / "hosts.deny")
    assert [each.origin.line for each in report.diagnostics if each.code == "hosts-shadowed"] == lines


DAEMONS = ["sshd", "ftpd", "in.", "in.ftpd", "ALL", "22", "sshd@10.0.0.1", "s*", ".ftpd", "ALL EXCEPT sshd"]
CLIENTS = [
    "ALL", "KNOWN", "LOCAL", "UNKNOWN", "10.1.2.3", "10.1.", "10.", ".2.3", "10.1.2.0/24", "10.0.0.0/8", "10.*", "*",
    ".example", "gw.", "gw.example", "@lan", "bob@ALL", "bob@10.", "ALL@10.1.", "[2001:db8::1]", "[2001:db8::]/32",
    "ALL EXCEPT 10.1.2.3", "10. EXCEPT .example",
]  # fmt: skip


def test_leaving_out_a_rule_that_is_never_reached_changes_no_verdict(tmp_path: Path) -> None:
    chosen = random.Random(7)
    reported = 0
    for _ in range(150):
        lines = [
            f"{' '.join(chosen.sample(DAEMONS, 1))}: {' '.join(chosen.choices(CLIENTS, k=chosen.choice([1, 1, 2])))}"
            + chosen.choice(["", ": allow", ": deny"])
            for _ in range(6)
        ]
        dead = shadowed("".join(f"{line}\n" for line in lines), tmp_path)
        reported += len(dead)
        rest = [line for number, line in enumerate(lines, 1) if number not in dead]
        if dead:
            assert verdicts(lines, tmp_path) == verdicts(rest, tmp_path), lines
    assert reported > 50


def verdicts(lines: list[str], folder: Path) -> list[str]:
    """Which rule decides about each of many clients."""
    hosts = files(folder, None, "".join(f"{line}\n" for line in lines))
    return [
        settle(hosts, client(address, name, user), lambda asked: asked.need is Need.NETGROUP, daemon).rule
        for address in ("10.1.2.3", "10.9.9.9", "2001:db8::1")
        for name in ("unknown", "gw.example", "gw")
        for user in ("bob", "unknown")
        for daemon in ("sshd", "ftpd", "in.ftpd")
    ]


def client(address: str, name: str, user: str) -> ClientFacts:
    """A client of whom everything is known."""
    return ClientFacts(address, 1, name, user, "10.0.0.1", 22, "unknown")


def test_a_file_with_many_lines_and_masks_is_checked_by_few_look_ups_a_line(tmp_path: Path) -> None:
    chosen = random.Random(1)
    lines = [f"ALL: {chosen.randrange(1, 224)}.{chosen.randrange(256)}.3.4\n" for _ in range(20_000)]
    lines += [f"ALL: 10.0.0.0/255.{n >> 8}.{n & 255}.0\n" for n in range(1_000)]
    lines += ["sshd: 10.1.2.3/24\n", lines[0]]
    assert shadowed("".join(lines), tmp_path)[-1] == len(lines)
