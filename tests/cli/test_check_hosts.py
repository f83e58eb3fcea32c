"""``superd check`` and the files hosts.allow and hosts.deny: which are looked at, and what services and DNS add."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from superd.cli import check_dns, check_hosts, main
from superd.lookup import names

INETD = "# comment\nftp stream tcp nowait root /bin/cat cat\necho stream tcp nowait root internal\n"
XINETD = """\
service ftp
{
	id = main
	type = UNLISTED
	socket_type = stream
	protocol = tcp
	wait = no
	user = root
	server = /bin/cat
	port = 4721
	FLAGS
}
service echo
{
	type = UNLISTED INTERNAL
	socket_type = stream
	protocol = tcp
	wait = no
	port = 4707
	flags = NOLIBWRAP
}
"""


class Checked:
    """What a check printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *words: str) -> None:
        self.status = main(["check", *words])
        shown = capsys.readouterr()
        self.lines, self.summary = shown.out.splitlines(), shown.err


def write(folder: Path, flags: str = "", **files: str) -> dict[str, str]:
    """Write a configuration and hosts files; return their paths."""
    texts = {
        "x.conf": XINETD.replace("FLAGS", flags),
        **{f"hosts.{name}": text for name, text in files.items()},
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return {name: str(folder / name) for name in texts}


def test_a_hosts_file_is_known_by_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = write(tmp_path, allow="sshd: 10.1.2.3/24\n", deny="ALL: ALL\nnonsense\n")
    checked = Checked(capsys, paths["hosts.allow"], paths["hosts.deny"])
    assert [line.split(": ")[0] for line in checked.lines] == [
        f"{paths['hosts.allow']}:1",
        f"{paths['hosts.deny']}:2",
    ]
    assert (checked.status, checked.summary) == (1, "superd: 2 files, 0 services, 2 errors, 0 warnings\n")


def test_a_file_of_another_name_is_named_by_an_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rules").write_text("nonsense\n")
    checked = Checked(capsys, "--hosts-deny", str(tmp_path / "rules"))
    assert (checked.status, len(checked.lines)) == (1, 1)


def test_the_daemons_files_are_looked_at_when_a_service_asks_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write(tmp_path, allow="nonsense\n", deny="ALL: ALL\n")
    monkeypatch.setattr(check_hosts, "HOSTS_ALLOW", tmp_path / "hosts.allow")
    monkeypatch.setattr(check_hosts, "HOSTS_DENY", tmp_path / "hosts.deny")
    assert Checked(capsys, paths["x.conf"]).status == 1
    write(tmp_path, "flags = NOLIBWRAP")
    assert Checked(capsys, paths["x.conf"]).status == 0


UNASKED = " (it has flags = NOLIBWRAP, or is started without tcpd)"

NAMES = [
    ("cat: ALL\n", []),
    ("CAT: ALL\n", []),
    ("c*: ALL\n", []),
    ("ALL: ALL\n", []),
    ("4721: ALL\n", []),
    ("4722: ALL\n", ["no service that asks these rules listens on port 4722"]),
    ("cta: ALL\n", ["no service asks these rules as 'cta' (other programs may) (did you mean cat?)"]),
    ("sshd: ALL\nsshd: 10.1.2.3 # x\n", ["no service asks these rules as 'sshd' (other programs may)"]),
    ("ftp: ALL\n", ["'ftp': service main (CONF:1) asks these rules by another name (write cat)"]),
    ("main: ALL\n", ["'main': service main (CONF:1) asks these rules by another name (write cat)"]),
    (
        "echo: ALL\n",
        ["'echo': service echo (CONF:13) does not ask these rules" + UNASKED],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "texts"), NAMES)
def test_daemon_names_are_compared_with_the_services(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rules: str, texts: list[str]
) -> None:
    paths = write(tmp_path, allow=rules, deny="ALL: ALL\n")
    checked = Checked(capsys, *paths.values())
    found = [
        line.split(": warning: ")[1].replace(paths["x.conf"], "CONF")
        for line in checked.lines
        if "hosts.allow:1:" in line
    ]
    assert [text for text in found if "service" in text] == texts


@pytest.mark.parametrize(
    ("change", "mode", "remark"),
    [
        (("", ""), 0o755, ""),
        (("service ftp", "service rexd"), 0o755, "runs commands for whoever claims to be a user"),
        (("wait = no", "wait = yes"), 0o755, "it is started before its clients are known"),
        (("", ""), 0o4755, "is set-uid or set-gid"),
        (("", ""), 0o757, "may be written by everybody, who can so replace the server of main"),
    ],
)
def test_servers_behind_rules_are_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], mode: int, remark: str
) -> None:
    paths = write(tmp_path, allow="server: 10.1.\n", deny="ALL: ALL\n")
    server = tmp_path / "server"
    server.write_text("#!/bin/sh\n")
    server.chmod(mode)
    text = (tmp_path / "x.conf").read_text().replace("/bin/cat", str(server)).replace(*change, 1)
    (tmp_path / "x.conf").write_text(text)
    lines = [line for line in Checked(capsys, *paths.values()).lines if "warning: " in line]
    assert len(lines) == bool(remark)
    assert all(remark in line for line in lines)
    write(tmp_path, allow="", deny="")
    (tmp_path / "x.conf").write_text(text)
    assert Checked(capsys, *paths.values()).lines == []


def test_a_file_alone_is_not_compared_with_any_service(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = write(tmp_path, allow="sshd: 10.1.2.3: allow\n")
    assert Checked(capsys, "--strict", paths["hosts.allow"]).lines == []


@pytest.mark.parametrize(
    ("options", "status"), [([], 0), (["--strict"], 1), (["--explicit"], 0), (["--strict", "--explicit"], 1)]
)
def test_the_exit_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], status: int
) -> None:
    paths = write(tmp_path, allow="sshd: gw.\n", deny="ALL: ALL\n")
    assert Checked(capsys, *options, paths["hosts.allow"]).status == status


def test_json_has_the_same_keys_as_for_other_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = write(tmp_path, allow="sshd: gw.\n")
    (found,) = json.loads("".join(Checked(capsys, "--json", paths["hosts.allow"]).lines))
    assert (found["code"], found["severity"], found["line"]) == ("hosts-beginning-of-name", "warning", 1)
    assert set(found) == {"file", "line", "severity", "code", "text", "hint", "xinetd"}


ADDRESSES = {
    "gw.example": ("gw.example", ["192.0.2.1"]),
    "alias.example": ("gw.example", ["192.0.2.1"]),
    "two.example": ("two.example", ["192.0.2.1", "192.0.2.2"]),
}
HOSTS = {
    "192.0.2.1": ("gw.example", ""),
    "192.0.2.2": ("unknown", "it has no name"),
    "2001:db8::1": ("paranoid", "lies"),
}


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names and addresses above, and no others."""

    def getaddrinfo(host: str, *_args: Any, **_options: Any) -> list[Any]:
        host = host.lower()
        if host not in ADDRESSES:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        official, addresses = ADDRESSES[host]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, official, (address, 0)) for address in addresses]

    async def name(_self: names.Names, address: str) -> names.Answer:
        return names.Answer(*HOSTS[address])

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(names.Names, "name", name)


@pytest.mark.usefixtures("dns")
@pytest.mark.parametrize(
    ("rule", "remark"),
    [
        ("sshd: gw.example", ""),
        ("sshd: GW.example", ""),
        ("sshd: none.example", "there is no host of this name (Name or service not known)"),
        (
            "sshd: alias.example",
            "this name is an alias, which matches nobody: the host's official name is gw.example",
        ),
        ("sshd: bob@alias.example", "this name is an alias"),
        ("sshd: two.example", ""),
        ("sshd@two.example: ALL", "this host has more than one address; consider using an address instead"),
        ("sshd: 192.0.2.1", ""),
        ("sshd: 192.0.2.2", "this address has no name (it has no name)"),
        ("sshd: [2001:db8::1]", "the name of this address is not trusted: lies"),
        ("sshd: .none.example none. ALL LOCAL KNOWN UNKNOWN PARANOID 192.0.2.0/24", ""),
    ],
)
def test_names_and_addresses_are_looked_up_when_that_is_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rule: str, remark: str
) -> None:
    paths = write(tmp_path, allow=f"{rule}: allow\n")
    before, after = (set(Checked(capsys, *words, paths["hosts.allow"]).lines) for words in ([], ["--dns"]))
    found = [line for line in after if line not in before]
    assert len(found) == bool(remark)
    assert all(remark in line for line in found)


def test_a_netgroup_that_does_not_exist_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = write(tmp_path, allow="sshd: @no-such-netgroup-here: allow\n")
    assert Checked(capsys, paths["hosts.allow"]).lines == []
    assert "is an unknown or empty netgroup" in Checked(capsys, "--dns", paths["hosts.allow"]).lines[0]


@pytest.mark.usefixtures("dns")
def test_look_ups_are_bounded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_dns, "WORDS_LIMIT", 2)
    paths = write(tmp_path, allow="sshd: a.example b.example c.example: allow\n")
    lines = Checked(capsys, "--dns", paths["hosts.allow"]).lines
    assert len(lines) == 3
    assert "more than 2 names, addresses and netgroups" in lines[0]
