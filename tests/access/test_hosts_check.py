"""``superd check`` of hosts.allow and hosts.deny: each suspicious line by its code, and nothing about sound ones."""

import ast
import re
from pathlib import Path

import pytest

from helpers.hosts_files import files
from superd.access.facts import ClientFacts
from superd.access.hosts_access import Outcome, check, check_options, expand
from superd.access.hosts_access.inquiry import Inquiry
from superd.config.origin import Report, Severity

ROOT = Path(__file__).parents[2]

LINES = [
    ("sshd 10.1.2.3\n", "hosts-no-colon"),
    ("sshd: ALL", "hosts-file-broken"),
    (f"sshd: {'x' * 2050}\n", "hosts-file-broken"),
    ("sshd: ALL\\\n", "hosts-file-broken"),
    ("  # sshd: ALL\n", "hosts-indented-comment"),
    ("sshd: 10.1.2.3 # (a friend)\n", "hosts-trailing-comment"),
    ("sshd: 10.1.2.3 #friend\n", "hosts-trailing-comment"),
    ("sshd: 2001:db8::/32\n", "hosts-bare-ipv6"),
    ("sshd: ::1\n", "hosts-bare-ipv6"),
    ("sshd: fe80::1: allow\n", "hosts-bare-ipv6"),
    (": ALL\n", "hosts-empty-list"),
    ("sshd:\n", "hosts-empty-list"),
    ("sshd: EXCEPT ALL\n", "hosts-empty-list"),
    ("sshd: ALL EXCEPT\n", "hosts-empty-except"),
    ("sshd EXCEPT: ALL\n", "hosts-empty-except"),
    ("sshd: ALL EXCEPT EXCEPT 10.1.2.3\n", "hosts-empty-except"),
    ("@servers: ALL\n", "hosts-odd-name"),
    ("/etc/daemons: ALL\n", "hosts-odd-name"),
    ("sshd: /bob@ALL\n", "hosts-odd-name"),
    (".ftpd: ALL\n", "hosts-part-of-name"),
    ("in.: ALL\n", "hosts-part-of-name"),
    ("sshd: bob.@ALL\n", "hosts-part-of-name"),
    ("FAIL: ALL\n", "hosts-fail"),
    ("sshd: FAIL\n", "hosts-fail"),
    ("sshd: FAIL@ALL\n", "hosts-fail"),
    ("LOCAL: ALL\n", "hosts-reserved-word"),
    ("PARANOID: ALL\n", "hosts-reserved-word"),
    ("sshd: LOCAL@ALL\n", "hosts-reserved-word"),
    ("0: ALL\n", "hosts-bad-port"),
    ("65536: ALL\n", "hosts-bad-port"),
    ("+22: ALL\n", "hosts-bad-port"),
    ("4294967318: ALL\n", "hosts-bad-port"),
    ("sshd: 10.1.2.3/24\n", "hosts-bad-pattern"),
    ("sshd: 10.1\n", "hosts-bad-pattern"),
    ("sshd: 10.1.2.256\n", "hosts-bad-pattern"),
    ("sshd: 010.0.0.0/8\n", "hosts-bad-pattern"),
    ("sshd: 0xa.0.0.0/8\n", "hosts-bad-pattern"),
    ("sshd: 10.0.0.0/8x\n", "hosts-bad-pattern"),
    ("sshd: 10.0.0.0/33\n", "hosts-bad-pattern"),
    ("sshd: [2001:db8::]/x\n", "hosts-bad-pattern"),
    ("sshd: [2001:db8::/32]\n", "hosts-bad-pattern"),
    ("sshd: [10.1.2.3]\n", "hosts-bad-pattern"),
    ("sshd@[10.0.0.1]: ALL\n", "hosts-bad-pattern"),
    ("sshd: bob@\n", "hosts-bad-pattern"),
    ("sshd: /no/such/file\n", "hosts-bad-pattern"),
    ("sshd: /etc\n", "hosts-pattern-file hosts-bad-pattern"),
    ("sshd: [2001:db8::5]/32\n", "hosts-host-bits"),
    ("sshd: .3\n", "hosts-end-of-address"),
    ("sshd: gw.\n", "hosts-beginning-of-name"),
    ("sshd: 10.1.2.3-10.1.2.9\n", "hosts-odd-word"),
    ("sshd: !10.1.2.3\n", "hosts-odd-word"),
    ("sshd: 10.1.2.3;\n", "hosts-odd-word"),
    ('sshd: "gw.example"\n', "hosts-odd-word"),
    ("sshd: 0.0.0.0/0\n", "hosts-libwrap-differs"),
    ("sshd: 10.1.2.3/255.255.255.255\n", "hosts-libwrap-differs"),
    ("sshd: 10.*\n", "hosts-libwrap-differs"),
    ("sshd: [::ffff:10.1.2.3]\n", "hosts-libwrap-differs"),
    ("sshd: x**\n", "hosts-libwrap-differs"),
    ("sshd: ALL: user nobody\n", "hosts-libwrap-differs"),
    ("sshd: ALL: group nogroup\n", "hosts-libwrap-differs"),
    ("sshd: ALL: aclexec /bin/true\n", "hosts-libwrap-differs"),
    ("sshd: ALL: (safe_finger -l @%h | mail root) &\n", "hosts-classic-command"),
    ("sshd: ALL: /bin/echo %h\n", "hosts-classic-command"),
    ("sshd: ALL: alow\n", "hosts-bad-option"),
    ("sshd: ALL: allow: umask 022\n", "hosts-bad-option"),
    ("sshd: ALL: allow yes\n", "hosts-bad-option"),
    ("sshd: ALL: spawn\n", "hosts-bad-option"),
    ("sshd: ALL:\n", "hosts-bad-option"),
    ("sshd: ALL: umask 9\n", "hosts-bad-option"),
    ("sshd: ALL: linger -1\n", "hosts-bad-option"),
    ("sshd: ALL: nice x\n", "hosts-bad-option"),
    ("sshd: ALL: rfc931 0\n", "hosts-bad-option"),
    ("sshd: ALL: severity ftp.error\n", "hosts-bad-option"),
    ("sshd: ALL: user no-such-user-here\n", "hosts-bad-option"),
    ("sshd: ALL: group no-such-group-here\n", "hosts-bad-option"),
    ("sshd: ALL: setenv A=b\n", "hosts-bad-option"),
    ("sshd: ALL # note: trusted\n", "hosts-bad-option hosts-trailing-comment"),
    ("sshd: ALL: banners /no/such/directory\n", "hosts-no-banners"),
    ("sshd: ALL: spawn echo %q\n", "hosts-unknown-letter"),
]


def found(text: str, folder: Path, name: str = "hosts.allow") -> Report:
    """What is reported about a file."""
    path = folder / name
    path.write_text(text, encoding="latin-1")
    return check.check(path, Outcome.DENIED if name.endswith("deny") else Outcome.GRANTED)


@pytest.mark.parametrize(("line", "codes"), LINES)
def test_a_suspicious_line_is_reported_by_its_code_and_no_other(
    line: str, codes: str, tmp_path: Path
) -> None:
    report = found(line, tmp_path)
    assert {each.code for each in report.diagnostics} == set(codes.split()), list(
        map(str, report.diagnostics)
    )


SOUND = """\
# comment
sshd: 10.1. [2001:db8::]/32 10.0.0.0/8 .example.com gw.example.net: allow
in.ftpd, 22, ftpd@10.0.0.1: 10.1.2.3 LOCAL KNOWN@ALL UNKNOWN@192.0.2.0/24 bob@@lan @hosts EXCEPT [fe80::1] PARANOID
telnetd: UNKNOWN: spawn (logger -t x %h %u %% \\: %d) & : deny
popd: *.example.org: rfc931 5: setenv A b=c: umask 022: nice: linger 3: keepalive: severity auth.info
imapd: ALL: twist /bin/echo 421 go away
ALL: ALL: deny
"""


def test_a_sound_file_is_not_complained_about(tmp_path: Path) -> None:
    assert [str(each) for each in found(SOUND, tmp_path).diagnostics] == []


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("sshd: 10.1.2.3/24\n", "write 10.1.2.0/24"),
        ("sshd: 10.1\n", "write 10.1. for the network"),
        ("sshd: [2001:db8::5]/32\n", "write [2001:db8::]/32"),
        ("sshd: 2001:db8::/32\n", "write [2001:db8::]/32"),
        ("sshd: [::]/junk\n", "libwrap: lets every IPv6 client match"),
        ("sshd: 010.0.0.0/8\n", "libwrap: reads octal and hexadecimal numbers"),
        ("sshd: ALL: (echo hello)\n", "a shell command needs the word spawn in front"),
        ("sshd: ALL: allow # a friend\n", "comments may only stand at the beginning of a line"),
    ],
)
def test_the_hint_says_what_to_write_or_what_libwrap_would_do(line: str, hint: str, tmp_path: Path) -> None:
    assert hint in found(line, tmp_path).diagnostics[0].hint


def test_problems_come_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = "nonsense\nsshd: 10.1.2.3/24\nsshd:\nnonsense\nftpd: ALL"
    lines = [each.origin.line for each in found(text, tmp_path).diagnostics]
    assert lines == [1, 2, 3, 4, 5]


def test_a_line_that_is_repeated_is_reported_each_time(tmp_path: Path) -> None:
    report = found("@x: 10.1.2.3\n@x: 10.1.2.4\n", tmp_path)
    assert [(each.code, each.origin.line) for each in report.diagnostics] == [
        ("hosts-odd-name", 1),
        ("hosts-odd-name", 2),
    ]


def test_the_words_of_a_pattern_file_are_looked_at_in_their_place_and_once(tmp_path: Path) -> None:
    listed = tmp_path / "list"
    listed.write_text(f"10.1.2.3\n10.1.2.0/8 x\n# friends\n10.9.9.9, EXCEPT\n{listed}\n")
    report = found(f"sshd: {listed}\nftpd: {listed}\n", tmp_path)
    assert [(each.code, Path(each.origin.file).name, each.origin.line) for each in report.diagnostics] == [
        ("hosts-bad-pattern", "list", 2),
        ("hosts-pattern-file-word", "list", 3),
        ("hosts-pattern-file-word", "list", 4),
        ("hosts-pattern-file-word", "list", 4),
    ]


@pytest.mark.parametrize(
    ("mode", "folder_mode", "codes"),
    [
        (0o644, 0o755, []),
        (0o666, 0o755, ["hosts-writable"]),
        (0o644, 0o777, ["hosts-writable"]),
        (0o644, 0o1777, []),
    ],
)
def test_what_everybody_may_write_to_is_reported(
    mode: int, folder_mode: int, codes: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "hosts.allow").write_text("sshd: ALL\n")
    (folder / "hosts.allow").chmod(mode)
    folder.chmod(folder_mode)
    assert [each.code for each in check.check(folder / "hosts.allow").diagnostics] == codes


def test_a_missing_verdict_is_reported_only_if_asked_for_and_only_in_hosts_allow(tmp_path: Path) -> None:
    (tmp_path / "hosts.allow").write_text(
        "sshd: 10.1.2.3\nsshd: 10.1.2.4: allow\nsshd: .x\nftpd: ALL: deny\n"
    )
    (tmp_path / "hosts.deny").write_text("ALL: ALL\n")
    report = Report()
    check.Checker(report, explicit=True).files(tmp_path / "hosts.allow", tmp_path / "hosts.deny")
    assert [(each.code, each.origin.line) for each in report.diagnostics] == [
        ("hosts-implicit-allow", 1),
        ("hosts-implicit-allow", 3),
    ]


@pytest.mark.parametrize(
    ("allow", "deny", "reported"),
    [
        ("sshd: 10.1.\n", "", True),
        ("sshd: 10.1.\n", None, True),
        ("sshd: 10.1.\n", "ALL: ALL\n", False),
        ("sshd: 10.1.\nALL: ALL: deny\n", None, False),
        ("sshd: 10.1.: aclexec /bin/true\n", None, False),
        ("", "", False),
    ],
)
def test_that_nobody_is_refused_is_reported(
    allow: str, deny: str | None, reported: bool, tmp_path: Path
) -> None:
    files(tmp_path, allow, deny)
    report = Report()
    check.Checker(report).files(tmp_path / "hosts.allow", tmp_path / "hosts.deny")
    assert ("hosts-nobody-refused" in {each.code for each in report.diagnostics}) == reported


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("sshd: 10.1.2.3/24\n", ["hosts-bad-pattern"]),
        ("in.: 10.* # x\nALL: ALL\nALL: ALL\n", []),
        ("nonsense\nsshd: x\n", ["hosts-no-colon"]),
    ],
)
def test_the_daemon_logs_errors_and_no_remarks(text: str, codes: list[str], tmp_path: Path) -> None:
    assert [each.code for each in files(tmp_path, text, None).take_diagnostics()] == codes


def test_the_daemon_looks_at_a_bounded_number_of_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "INSPECTED_LIMIT", 3)
    hosts = files(tmp_path, "sshd: 10.1.2.3/24\n" * 5, None)
    assert len(hosts.take_diagnostics()) == 3


def test_problems_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "PROBLEMS_LIMIT", 3)
    report = found("sshd: 10.1.2.3/24\n" * 50, tmp_path)
    assert sorted(each.code for each in report.diagnostics) == ["hosts-bad-pattern"] * 3 + ["hosts-too-many"]


@pytest.mark.parametrize("letter", sorted(check_options.LETTERS))
def test_the_letters_that_are_not_complained_about_mean_something(letter: str) -> None:
    facts = ClientFacts("10.1.2.3", name="n", user="u", server_address="10.0.0.1", server_name="s")
    assert expand.expand(f"%{letter}", Inquiry("sshd", facts))


def codes() -> set[str]:
    """Every code in the source."""
    sources = [*(ROOT / "superd/access/hosts_access").glob("*.py"), *(ROOT / "superd/cli").glob("check*.py")]
    strings = (
        node.value
        for path in sources
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {text for text in strings if re.fullmatch(r"hosts(-[a-z0-9]+)+", text)}


def test_the_manual_lists_the_codes_of_the_source() -> None:
    text = (ROOT / "docs/differences-hosts-access.md").read_text()
    rows = set(re.findall(r"^\| `(hosts-[a-z0-9-]+)` \| (error|warning) \|", text, re.MULTILINE))
    assert {code for code, _ in rows} == codes()


def test_each_code_has_the_severity_the_manual_gives_it(tmp_path: Path) -> None:
    text = (ROOT / "docs/differences-hosts-access.md").read_text()
    listed = dict(re.findall(r"^\| `(hosts-[a-z0-9-]+)` \| (error|warning) \|", text, re.MULTILINE))
    for line, _ in LINES:
        for each in found(line, tmp_path).diagnostics:
            assert each.severity is Severity(listed[each.code]), each


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("sshd: 2001:db8::/32\n", "write [2001:db8::]/32"),
        ("sshd: fe80::1: allow\n", "write [fe80::1]"),
        ("sshd: fe80::: allow\n", "write [fe80::]"),
        ("2001:db8::1: ALL\n", "write ALL: [2001:db8::1]"),
    ],
)
def test_an_address_without_brackets_is_shown_with_them(text: str, hint: str, tmp_path: Path) -> None:
    hints = [each.hint for each in found(text, tmp_path).diagnostics if each.code == "hosts-bare-ipv6"]
    assert hints == [hint]
