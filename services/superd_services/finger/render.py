"""``render``: a report as the text that is sent. The long form is about persons, the short one a table of logins.

Times are in the zone of the machine, whose rules are read when this module is imported: a worker may have no right to
read them later.
"""

import time
from collections.abc import Iterator
from typing import Final

from superd_services.finger.options import Charset
from superd_services.finger.people import LastLogin, Mail, Note, People, Person, Report, Session, Text
from superd_services.finger.query import Query
from superd_services.finger.text import encode, one_line

ANSWER_LIMIT: Final = 131072
"""Characters of an answer at most: several long files, and what a thousand clients that don't read may cost."""

CUT: Final = "[cut]"
"""The last line of what was longer than it may be."""

_HEADINGS: Final = {"pgpkey": "PGP key", "project": "Project", "plan": "Plan"}
_NO_PLAN: Final = "No Plan."
_COLUMNS: Final = "{:<12} {:<22} {:<10} {:>6}  {:<12} {}"
_YEAR_AWAY: Final = 182 * 86400
"""Seconds after which a time is shown with its year."""

time.tzset()


def render(report: Report, query: Query, now: float, charset: Charset) -> bytes:
    """Return the answer to a query at ``now`` (seconds since the epoch)."""
    match report:
        case People():
            short = not query.user and not query.verbose
            lines = _table(report, now) if short else _persons(report, now)
            text = "\n".join(lines) + "\n"
        case Text():
            text = _closed(report.text) + (f"{CUT}\n" if report.cut else "")
        case _:
            text = f"{one_line(query.user)}: no such user.\n"
    if len(text) > ANSWER_LIMIT:
        text = f"{text[:ANSWER_LIMIT]}\n{CUT}\n"
    return encode(text, charset)


def _closed(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


# The short form


def _table(people: People, now: float) -> Iterator[str]:
    if not people.persons:
        yield "No one logged on."
        return
    yield _COLUMNS.format("Login", "Name", "Tty", "Idle", "Login Time", "Office").rstrip()
    for person in people.persons:
        office = ", ".join(part for part in (person.office, person.phone) if part)
        for session in person.sessions or (None,):
            facts = ("", "", "") if session is None else _columns(session, now)
            yield _COLUMNS.format(person.login, person.name[:22], *facts, office).rstrip()
    if people.more:
        yield CUT


def _columns(session: Session, now: float) -> tuple[str, str, str]:
    terminal = ("" if session.reachable else "*") + session.terminal
    idle = "" if session.idle is None else short_span(session.idle)
    return terminal[:10], idle, _moment(session.since, now)


def short_span(seconds: float) -> str:
    """Write so many seconds as minutes, hours and minutes, or days; nothing for less than a minute."""
    minutes = int(seconds) // 60
    if minutes < 1:
        return ""
    if minutes < 60:
        return str(minutes)
    return f"{minutes // 60}:{minutes % 60:02d}" if minutes < 1440 else f"{minutes // 1440}d"


# The long form


def _persons(people: People, now: float) -> Iterator[str]:
    if not people.persons:
        yield "No one logged on."
    for number, person in enumerate(people.persons):
        if number:
            yield ""
        yield from _person(person, now)
    if people.more:
        yield CUT


def _person(person: Person, now: float) -> Iterator[str]:
    yield from _pairs(
        ("Login", person.login), ("Name", person.name), ("Directory", person.home), ("Shell", person.shell),
        ("Office", ", ".join(part for part in (person.office, person.phone) if part)),
        ("Home Phone", person.home_phone),
    )  # fmt: skip
    yield from _presence(person, now)
    if (forward := person.notes.get("forward")) is not None:
        yield f"Mail forwarded to {one_line(forward.text)}"
    if person.mail is not None:
        yield from _mail(person.mail, now)
    for name, note in person.notes.items():
        if name in _HEADINGS:
            yield from _note(name, note)


def _pairs(*pairs: tuple[str, str]) -> Iterator[str]:
    """Two to a line, for as long as there are some."""
    texts = [f"{name}: {value}" for name, value in pairs if value]
    for first, second in zip(texts[::2], [*texts[1::2], ""], strict=False):
        yield f"{first:<39} {second}".rstrip()


def _presence(person: Person, now: float) -> Iterator[str]:
    for session in person.sessions or ():
        origin = f" from {session.host}" if session.host else ""
        silent = "" if session.reachable else " (messages off)"
        yield f"On since {_moment(session.since, now)} on {session.terminal}{origin}{silent}"
        if session.idle is not None and session.idle >= 60:
            yield f"   {_span(session.idle)} idle"
    if person.last is not None and not person.sessions:
        yield _last(person.last, now)


def _last(last: LastLogin, now: float) -> str:
    if not last.at:
        return "Never logged in."
    terminal = f" on {last.terminal}" if last.terminal else ""
    origin = f" from {last.host}" if last.host else ""
    return f"Last login {_moment(last.at, now)}{terminal}{origin}"


def _mail(mail: Mail, now: float) -> Iterator[str]:
    if not mail.received:
        yield "No mail."
    elif mail.received > mail.read:
        yield f"New mail received {_moment(mail.received, now)}"
        yield f"     Unread since {_moment(mail.read, now)}"
    else:
        yield f"Mail last read {_moment(mail.read, now)}"


def _note(name: str, note: Note | None) -> Iterator[str]:
    if note is None:
        if name == "plan":
            yield _NO_PLAN
        return
    yield f"{_HEADINGS[name]}:"
    yield note.text.rstrip("\n")
    if note.cut:
        yield CUT


def _span(seconds: float) -> str:
    minutes = int(seconds) // 60
    parts = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    return " ".join(f"{number} {unit}{'s' * (number != 1)}" for number, unit in parts if number)


def _moment(at: float, now: float) -> str:
    """A time, with its year when it is far away and with its zone."""
    form = "%a %b %e %H:%M (%Z)" if abs(now - at) < _YEAR_AWAY else "%a %b %e %H:%M %Y (%Z)"
    try:
        return time.strftime(form, time.localtime(at))
    except (OverflowError, OSError, ValueError):
        return "at an unknown time"
