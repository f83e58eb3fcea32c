"""What can't be known lets nobody in: pattern files that can't be read, answers that nobody gives."""

import os
from pathlib import Path

import pytest

from helpers.hosts_files import DENY_ALL, files
from superd.access.facts import ClientFacts


@pytest.mark.parametrize("obstacle", ["too large", "no file"])
@pytest.mark.parametrize(
    ("allow", "deny"),
    [
        ("", "sshd: {}\n"),
        ("sshd: ALL EXCEPT {}\n", DENY_ALL),
        ("sshd: {}\n", DENY_ALL),
        ("sshd: {}: deny\n", ""),
    ],
)
def test_a_pattern_file_that_cannot_be_read_lets_nobody_in(
    obstacle: str, allow: str, deny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker may lack the right to read what libwrap reads as root: who is meant is not known, so be safe."""
    listed = tmp_path / "list"
    if obstacle == "no file":
        os.mkfifo(listed)
    else:
        listed.write_text("10.9.9.9\n" * 99)
        monkeypatch.setattr("superd.access.hosts_access.files.read.__defaults__", (800,))
    hosts = files(tmp_path, allow.format(listed), deny.format(listed))
    assert not hosts.decide("sshd", ClientFacts("10.1.2.3", name="unknown")).allowed
    assert hosts.decide("ftpd", ClientFacts("10.1.2.3", name="unknown")).allowed is not (deny == DENY_ALL)
    assert "refuses whom it may mean" in hosts.take_diagnostics()[0].text


CONFINING = ["user nobody", "group nogroup", "umask 077", "setenv READ_ONLY yes"]


@pytest.mark.parametrize("option", CONFINING)
@pytest.mark.parametrize("clients", ["ALL: spawn true %n", ".example"])
def test_without_an_answer_nobody_is_let_in_without_what_confines_the_program(
    clients: str, option: str, tmp_path: Path
) -> None:
    hosts = files(tmp_path, f"sshd: {clients}: {option}\n", "")
    verdict = hosts.decide("sshd", ClientFacts("10.1.2.3"))
    assert verdict.question is not None
    assert not verdict.allowed
