"""systat (RFC 866): who is logged in, as a list of lines."""

import os
import struct
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from helpers import peers
from helpers.transcript import CLIENT, NOW, played
from superd import builtins
from superd.service import Datagram
from superd_services import systat
from superd_services.recent import Recent
from superd_services.systat import Show, SystatOptions, protocol, system
from superd_services.systat.protocol import DATAGRAM_LIMIT, Login, Process

LOGINS = (
    Login("joe", "pts/1", 1795291166),
    Login("ann", "tty1", 1795204800),
    Login("joe", "pts/0", 1795204800),
)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def served(monkeypatch: pytest.MonkeyPatch, show: Show, logins: tuple[Login, ...] = LOGINS) -> str:
    """What a client sees when these are logged in."""
    monkeypatch.setattr(system, "logins", lambda: logins)
    monkeypatch.setitem(systat._TEXTS, show, Recent(lambda: systat._text(show)))
    return played(systat.stream(SystatOptions(show=show)), "")


def test_users_are_named_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    assert served(monkeypatch, Show.USERS) == "S: ann\nS: joe\nS. close"


def test_logins_have_terminal_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert served(monkeypatch, Show.LOGINS).splitlines() == [
        "S: ann tty1  2026-11-20 20:00",
        "S: joe pts/0 2026-11-20 20:00",
        "S: joe pts/1 2026-11-21 19:59",
        "S. close",
    ]


def test_nobody_is_an_empty_list(monkeypatch: pytest.MonkeyPatch) -> None:
    assert served(monkeypatch, Show.USERS, ()) == "S. close"


def test_processes_are_listed_without_their_arguments() -> None:
    seen = played(systat.stream(SystatOptions(show=Show.PROCESSES)), "")
    (own,) = (line for line in seen.splitlines() if line.split()[1:2] == [str(os.getpid())])
    assert len(own.split()) == 6
    assert "pytest" not in own.split()[-1]


def test_processes_beyond_the_limit_are_counted() -> None:
    found = [Process(pid, "root", 0, "sh") for pid in range(1, 8)]
    assert protocol.processes(found, 3)[2:] == ["      3 root 1970-01-01 00:00 sh", "... and 4 more"]


def test_a_datagram_has_whole_lines_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    logins = tuple(Login(f"user{number:03}", "pts/0", 0) for number in range(200))
    monkeypatch.setattr(system, "logins", lambda: logins)
    monkeypatch.setitem(systat._TEXTS, Show.USERS, Recent(lambda: systat._text(Show.USERS)))
    (send,) = systat.datagram(SystatOptions()).handle(Datagram(b"", CLIENT, NOW))
    assert DATAGRAM_LIMIT - 9 < len(send.data) <= DATAGRAM_LIMIT
    assert send.data.startswith(b"user000\r\n")
    assert send.data.endswith(b"\r\n")


@given(st.lists(st.text()))
def test_nothing_but_printable_ascii_is_sent(names: list[str]) -> None:
    lines = protocol.text(names).split(b"\r\n")
    assert len(lines) == len(names) + 1
    assert all(0x20 <= byte <= 0x7E for line in lines for byte in line)


@given(st.lists(st.text(alphabet="ab", max_size=20)), st.integers(0, 100))
def test_shortening_keeps_whole_lines_and_as_many_as_fit(names: list[str], limit: int) -> None:
    whole = protocol.text(names)
    kept = protocol.shortened(whole, limit)
    assert whole.startswith(kept)
    assert len(kept) <= limit
    rest = whole[len(kept) :].split(b"\r\n")[0] + b"\r\n"
    assert kept == whole or ((kept == b"" or kept.endswith(b"\r\n")) and len(kept + rest) > limit)


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValidationError):
        SystatOptions.model_validate({"show": "everything"})


def test_it_answers_more_than_it_is_asked() -> None:
    service = builtins.find("systat")
    assert service is not None
    assert service.amplifies


_UTMP = struct.Struct("=hxxi32s4s32s256shhiii16s20x")
"""struct utmp of 64-bit Linux (utmp(5))."""


@pytest.mark.root
@pytest.mark.peer
@pytest.mark.skipif(_UTMP.size != 384, reason="utmp is different here")
def test_those_are_named_whom_who_names(tmp_path: object) -> None:
    """In a mount namespace with a /run of its own: one login of a living process, one of a dead one."""
    peers.find("who")
    peers.find("unshare")
    records = b"".join(
        _UTMP.pack(7, pid, line, b"1", name, b"far.example", 0, 0, 0, 1795291166, 0, b"")
        for name, line, pid in [(b"ann", b"tty1", os.getpid()), (b"joe", b"pts/0", 2**22 + 1)]
    )
    code = (
        "import pathlib, subprocess; from superd_services.systat import system\n"
        f"pathlib.Path('/run/utmp').write_bytes({records!r})\n"
        "print([(one.name, one.terminal, one.since) for one in system.logins()])\n"
        "print(subprocess.run(['who'], capture_output=True, text=True).stdout.split()[:2])\n"
    )
    inside = 'mount -t tmpfs none /run && exec "$0" -Ic "$1"'
    command = ["unshare", "--mount", "sh", "-c", inside, sys.executable, code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["[('ann', 'tty1', 1795291166.0)]", "['ann', 'tty1']"], done.stderr
