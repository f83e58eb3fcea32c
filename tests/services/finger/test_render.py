"""Reports as texts: the long and the short form."""

import time

import pytest

from superd_services.finger.options import Charset
from superd_services.finger.people import LastLogin, Mail, Note, People, Person, Report, Session, Text
from superd_services.finger.query import parse
from superd_services.finger.render import CUT, render, short_span
from superd_services.finger.text import printable

NOW = 1795291166.0  # Saturday, 21 November 2026, 19:59:26 UTC
HOUR = 3600.0
DAY = 24 * HOUR

ALICE = Person(
    login="alice",
    name="Alice Liddell",
    office="Room 12",
    phone="x1234",
    home_phone="555-0100",
    home="/home/alice",
    shell="/bin/sh",
    sessions=(
        Session("pts/0", NOW - HOUR, "tea.example", 5 * 60.0 + 3, reachable=False),
        Session("tty1", NOW - 300 * DAY, idle=26 * HOUR),
    ),
    mail=Mail(NOW - HOUR, NOW - 2 * HOUR),
    notes={
        "forward": Note("alice@elsewhere.example\n"),
        "pgpkey": None,
        "project": Note("Tea.\n"),
        "plan": Note("Follow\nthe rabbit.\n\n", cut=True),
    },
)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def shown(report: Report, query: bytes = b"alice", charset: Charset = Charset.ASCII) -> str:
    return render(report, parse(query), NOW, charset).decode().replace("\r\n", "\n")


def test_the_long_form_tells_everything() -> None:
    assert shown(People((ALICE,))) == (
        "Login: alice                            Name: Alice Liddell\n"
        "Directory: /home/alice                  Shell: /bin/sh\n"
        "Office: Room 12, x1234                  Home Phone: 555-0100\n"
        "On since Sat Nov 21 18:59 (UTC) on pts/0 from tea.example (messages off)\n"
        "   5 minutes idle\n"
        "On since Sun Jan 25 19:59 2026 (UTC) on tty1\n"
        "   1 day 2 hours idle\n"
        "Mail forwarded to alice@elsewhere.example\n"
        "New mail received Sat Nov 21 18:59 (UTC)\n"
        "     Unread since Sat Nov 21 17:59 (UTC)\n"
        "Project:\n"
        "Tea.\n"
        "Plan:\n"
        "Follow\n"
        "the rabbit.\n"
        "[cut]\n"
    )


def test_the_short_form_is_a_line_for_each_session() -> None:
    bob = Person("bob", "Robert " * 10)
    assert shown(People((ALICE, bob), more=True), b"") == (
        "Login        Name                   Tty          Idle  Login Time   Office\n"
        "alice        Alice Liddell          *pts/0          5  Sat Nov 21 18:59 (UTC) Room 12, x1234\n"
        "alice        Alice Liddell          tty1           1d  Sun Jan 25 19:59 2026 (UTC) Room 12, x1234\n"
        "bob          Robert Robert Robert R\n"
        "[cut]\n"
    )


@pytest.mark.parametrize(
    ("person", "line"),
    [
        (Person("a", last=LastLogin()), "Never logged in."),
        (
            Person("a", last=LastLogin(NOW - DAY, "pts/1", "h.example")),
            "Last login Fri Nov 20 19:59 (UTC) on pts/1 from h.example",
        ),
        (Person("a", last=LastLogin(1e300)), "Last login at an unknown time"),
        (Person("a", mail=Mail()), "No mail."),
        (Person("a", mail=Mail(NOW - DAY, NOW - HOUR)), "Mail last read Sat Nov 21 18:59 (UTC)"),
        (Person("a", notes={"plan": None}), "No Plan."),
    ],
)
def test_a_fact_has_a_line(person: Person, line: str) -> None:
    assert shown(People((person,))) == f"Login: a\n{line}\n"


def test_what_is_not_known_is_not_mentioned() -> None:
    assert shown(People((Person("a", notes={"project": None, "pgpkey": None}),))) == "Login: a\n"


def test_several_people_are_apart() -> None:
    assert shown(People((Person("a"), Person("b")))) == "Login: a\n\nLogin: b\n"


@pytest.mark.parametrize("query", [b"", b"/W"])
def test_nobody_is_logged_in(query: bytes) -> None:
    assert shown(People(()), query) == "No one logged on.\n"


def test_a_text_is_told_as_it_is() -> None:
    assert shown(Text("line\n\n  another")) == "line\n\n  another\n"
    assert shown(Text("line\n", cut=True)) == f"line\n{CUT}\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(59, ""), (60, "1"), (3599, "59"), (3600, "1:00"), (86399, "23:59"), (86400, "1d"), (9e5, "10d")],
)
def test_idle_times_are_short(seconds: float, text: str) -> None:
    assert short_span(seconds) == text


@pytest.mark.parametrize(
    ("text", "ascii_text", "utf8_text"),
    [
        ("plain\ttext\r\nmore\rlast\n", "plain\ttext\nmore\nlast\n", "plain\ttext\nmore\nlast\n"),
        ("\x1b[2J\x07\x7f\0", "?[2J???", "?[2J???"),
        ("M\xfcller \u6f22", "M?ller ?", "M\xfcller \u6f22"),
        ("\x9b2J\x85\u202etxt\u2028\ufeff\udcff\ue000", "?2J??txt????", "?2J??txt????"),
    ],
)
def test_only_what_can_be_printed_is_sent(text: str, ascii_text: str, utf8_text: str) -> None:
    assert printable(text, Charset.ASCII) == ascii_text
    assert printable(text, Charset.UTF8) == utf8_text


def test_names_are_sent_as_the_character_set_says() -> None:
    person = People((Person("m", "M\xfcller"),))
    assert "Name: M?ller" in shown(person)
    assert "Name: M\xfcller" in shown(person, charset=Charset.UTF8)
