"""Who is found among the accounts, what is told about them, and what other hosts are asked."""

import ctypes
import os
import pwd
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from superd_services.finger.options import Ambiguous, Fact, FingerOptions, Match
from superd_services.finger.people import LastLogin, Mail, Note, People, Person, Session, Text, Unknown
from superd_services.finger.query import Query
from superd_services.finger.system import accounts, forward, logins, look_up
from superd_services.finger.system.gecos import Gecos, parse
from superd_services.finger.system.passwd import RealNames

NOW = 1795291166.0
NAMES = {
    "root": (0, "root"),
    "alice": (1000, "Alice Liddell,Room 12,x1234,555-0100,other"),
    "alan": (1001, "& Liddell"),
    "carroll": (1002, "Lewis Carroll"),
    "nobody": (65534, "Alice Nobody"),
}
EVERYTHING = tuple(Fact)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Accounts with empty homes, and nobody logged in."""
    rows = {}
    for login, (uid, gecos) in NAMES.items():
        home = tmp_path / login
        home.mkdir()
        rows[login] = pwd.struct_passwd((login, "x", uid, uid, gecos, str(home), "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwnam", rows.__getitem__)
    passwd = tmp_path / "passwd"
    passwd.write_text("".join(":".join(map(str, row)) + "\n" for row in rows.values()) + "broken\na:b:c\n")
    monkeypatch.setattr(accounts, "by_real_name", RealNames(str(passwd)).find)
    monkeypatch.setattr(logins, "LASTLOG", str(tmp_path / "lastlog"))
    monkeypatch.setattr(logins, "sessions", lambda _now: {})
    return tmp_path


def found(name: str, **options: object) -> list[str]:
    """The logins a name stands for."""
    report = accounts.people_named(FingerOptions.model_validate(options), name, NOW)
    return [person.login for person in report.persons] if isinstance(report, People) else []


@pytest.mark.parametrize(
    ("name", "match", "logins"),
    [
        ("alice", Match.LOGIN, ["alice"]),
        ("ALICE", Match.LOGIN, ["alice"]),
        ("liddell", Match.LOGIN, []),
        ("liddell", Match.NAME, ["alice", "alan"]),
        ("LIDDELL alice", Match.NAME, ["alice"]),
        ("alan", Match.NAME, ["alan"]),
        ("lidd", Match.NAME, []),
        ("alice", Match.NAME, ["alice"]),
        ("root", Match.NAME, []),
        ("nobody", Match.NAME, []),
        ("", Match.NAME, []),
        ("x1234", Match.NAME, []),
    ],
)
def test_a_name_means_logins_and_if_wanted_words_of_real_names(
    machine: Path, name: str, match: Match, logins: list[str]
) -> None:
    assert found(name, match=match) == logins


def test_an_ambiguous_name_can_be_refused(machine: Path) -> None:
    assert found("liddell", match=Match.NAME, ambiguous=Ambiguous.REFUSE) == []
    assert found("alice", match=Match.NAME, ambiguous=Ambiguous.REFUSE) == ["alice"]


def test_accounts_below_the_minimum_uid_do_not_exist(machine: Path) -> None:
    assert found("alice", minimum_uid=1001) == []
    assert found("root", minimum_uid=0) == ["root"]
    assert found("nobody", minimum_uid=0) == []


def test_who_does_not_want_to_be_known_is_like_nobody(machine: Path) -> None:
    (machine / "alice" / ".nofinger").touch()
    options = FingerOptions()
    hidden = accounts.people_named(options, "alice", NOW)
    assert hidden == accounts.people_named(options, "nosuch", NOW) == Unknown()
    assert found("liddell", match=Match.NAME, ambiguous=Ambiguous.REFUSE) == ["alan"]


def test_more_matches_than_fit_are_cut(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "MATCHES_LIMIT", 1)
    report = accounts.people_named(FingerOptions(match=Match.NAME), "liddell", NOW)
    assert isinstance(report, People)
    assert len(report.persons) == 1
    assert report.more


def test_only_the_chosen_facts_are_told(machine: Path) -> None:
    for fields in ((), (Fact.NAME,), (Fact.OFFICE, Fact.PHONE)):
        (person,) = _people(FingerOptions(fields=fields), "alice")
        told = {name for name in Fact if getattr(person, name, "")}
        assert told == set(fields)
        assert (person.sessions, person.last, person.mail) == (None, None, None)
        assert person.notes == {}


def _people(options: FingerOptions, name: str) -> tuple[Person, ...]:
    report = accounts.people_named(options, name, NOW)
    assert isinstance(report, People)
    return report.persons


@pytest.mark.root
def test_everything_that_is_known_is_told(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("plan", "project", "forward"):
        file = machine / "alice" / f".{name}"
        file.write_text(f"the {name}\n")
        os.chown(file, 1000, 1000)
    (machine / "alice" / ".pgpkey").write_text("of root, not of alice")
    record = struct.pack("=i32s256s", int(NOW) - 60, b"pts/7", b"tea.example")
    (machine / "lastlog").write_bytes(bytes(292 * 1000) + record)
    options = FingerOptions(fields=EVERYTHING, mail_directory=str(machine))
    (machine / "alan" / ".plan").write_text("of root")
    assert _people(options, "alice") == (
        Person(
            "alice", "Alice Liddell", "Room 12", "x1234", "555-0100", str(machine / "alice"), "/bin/sh",
            sessions=(), last=LastLogin(NOW - 60, "pts/7", "tea.example"), mail=Mail(),
            notes={
                "forward": Note("the forward\n"), "pgpkey": None,
                "project": Note("the project\n"), "plan": Note("the plan\n"),
            },
        ),
    )  # fmt: skip
    (without,) = _people(FingerOptions(fields=(Fact.LAST,)), "alice")
    assert without.last == LastLogin(NOW - 60, "pts/7", "")


def test_the_list_is_of_those_who_are_here_and_may_be_known(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = [Session("pts/0", NOW - 60, "tea.example")]
    present = dict.fromkeys(("root", "carroll", "alice", "gone"), here)
    monkeypatch.setattr(logins, "sessions", lambda _now: present)
    (machine / "alice" / ".nofinger").touch()
    report = look_up(FingerOptions(fields=(Fact.SESSIONS,)), Query(), NOW)
    assert report == People((Person("carroll", sessions=(Session("pts/0", NOW - 60),)),))
    with_host = look_up(FingerOptions(fields=(Fact.SESSIONS, Fact.FROM)), Query(), NOW)
    assert with_host == People((Person("carroll", sessions=tuple(here)),))


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("", Gecos()),
        ("Alice", Gecos("Alice")),
        (" Alice , 12, 34 ,56,78,9", Gecos("Alice", "12", "34", "56")),
        ("& Smith,,,", Gecos("Bob Smith")),
    ],
)
def test_the_comment_field_has_four_parts(field: str, expected: Gecos) -> None:
    assert parse(field, "bob") == expected


def test_real_names_are_read_again_when_the_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "passwd"
    path.write_text("a:x:1:1:Ann Old:/:/bin/sh\n")
    names = RealNames(str(path))
    assert [account.pw_name for account in names.find("old")] == ["a"]
    path.write_text("b:x:1:1:Bob New:/home/bob:/bin/sh\n")
    assert list(names.find("old")) == []
    assert [account.pw_dir for account in names.find("NEW")] == ["/home/bob"]


# utmp, lastlog, mail


@contextmanager
def utmp(path: Path, *entries: tuple[bytes, bytes, bytes, int], pid: int | None = None) -> Iterator[None]:
    """Let getutxent(3) read a file with these entries: login, terminal, host, time. ``pid``: not of this process."""
    form = struct.Struct("=hxxi32s4s32s256shhiii16s20x")  # utmp(5)
    records = [
        form.pack(7, pid or os.getpid(), line, b"id", user, host, 0, 0, 0, at, 0, b"")
        for user, line, host, at in entries
    ]
    path.write_bytes(b"".join(records))
    libc = ctypes.CDLL(None)
    libc.utmpname(bytes(path))
    try:
        yield
    finally:
        libc.utmpname(b"/var/run/utmp")


def test_sessions_are_those_of_utmp(tmp_path: Path) -> None:
    entries = (
        (b"alice", b"null", b"tea.example\x1b\n", 1000),
        (b"alice", b"pts/4711", b"", 2000),
        (b"mad", b"../etc/passwd", b"", 3000),
    )
    with utmp(tmp_path / "utmp", *entries):
        here = logins.sessions(NOW)
    first, second = here["alice"]
    assert (first.terminal, first.since, first.host) == ("null", 1000, "tea.example\x1b")
    assert first.idle is not None
    assert second == Session("pts/4711", 2000)
    assert here["mad"][0].idle is None


def test_a_session_whose_process_has_ended_is_none(tmp_path: Path) -> None:
    with utmp(tmp_path / "utmp", (b"alice", b"pts/4711", b"", 1000), pid=2**22 + 1):  # over PID_MAX_LIMIT
        assert logins.sessions(NOW) == {}


def test_without_a_lastlog_nothing_is_told(machine: Path) -> None:
    assert logins.last_login(1000) is None


@pytest.mark.parametrize("uid", [0, 5, 0xFFFFFFFE])
def test_who_is_not_in_the_lastlog_never_logged_in(machine: Path, uid: int) -> None:
    (machine / "lastlog").write_bytes(bytes(292))
    assert logins.last_login(uid) == LastLogin()


def test_mail_is_told_by_the_times_of_its_box(tmp_path: Path) -> None:
    box = tmp_path / "alice"
    assert logins.mail(str(tmp_path), "alice") == Mail()
    box.touch()
    assert logins.mail(str(tmp_path), "alice") == Mail()
    box.write_text("From ...")
    os.utime(box, (1000, 2000))
    assert logins.mail(str(tmp_path), "alice") == Mail(received=2000, read=1000)
    for login in ("../alice", ".hidden", "a\0"):
        assert logins.mail(str(tmp_path), login) is None


# Other hosts


@contextmanager
def other_host(reply: bytes, heard: list[bytes]) -> Iterator[int]:
    """A finger service that answers one query; gives its port."""

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            heard.append(connection.recv(1000))
            connection.sendall(reply)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def test_another_host_is_asked_and_its_reply_passed_on() -> None:
    heard: list[bytes] = []
    with other_host(b"Login: bob\r\n", heard) as port:
        assert forward.ask(Query("bob", ("hole", "127.0.0.1"), True), port) == Text("Login: bob\r\n")
    assert heard == [b"/W bob@hole\r\n"]


def test_a_long_reply_of_another_host_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "REPLY_LIMIT", 10)
    with other_host(b"x" * 1000, []) as port:
        assert forward.ask(Query("bob", ("127.0.0.1",)), port) == Text("x" * 10, cut=True)


def test_another_host_that_does_not_answer_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "DEADLINE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(TimeoutError):
        forward.ask(Query("bob", ("127.0.0.1",)), server.getsockname()[1])


def test_another_host_that_goes_on_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "DEADLINE", 0.1)

    def dribble() -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            for _ in range(500):
                connection.send(b"x")
                over.wait(0.01)

    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=dribble)
        thread.start()
        with pytest.raises(TimeoutError):
            forward.ask(Query("bob", ("127.0.0.1",)), server.getsockname()[1])
        over.set()
        thread.join()


@pytest.mark.parametrize(
    "options",
    [
        {"fields": ["name", "everything"]},
        {"directory": "relative"},
        {"directory": "/nonexistent"},
        {"minimum_uid": -1},
        {"forward_to": ["a b"]},
        {"request_timeout": 0},
        {"charset": "latin-1"},
    ],
)
def test_options_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        FingerOptions.model_validate(options)
