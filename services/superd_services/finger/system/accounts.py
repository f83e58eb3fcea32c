"""People of this machine: ``people_named`` and ``people_here``."""

import pwd
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

from superd_services.finger.options import Ambiguous, Fact, FingerOptions, Match
from superd_services.finger.people import LastLogin, Note, People, Person, Report, Session, Unknown
from superd_services.finger.system import homes, logins
from superd_services.finger.system.gecos import Gecos, parse
from superd_services.finger.system.passwd import by_real_name
from superd_services.finger.text import one_line

MATCHES_LIMIT: Final = 16
"""People that one name may stand for in an answer."""

LIST_LIMIT: Final = 200
"""People in the list of who is logged in."""

NOBODY: Final = 65534
"""The uid of whoever has none (user_namespaces(7)); never a person."""

_NOTES: Final = (Fact.FORWARD, Fact.PGPKEY, Fact.PROJECT, Fact.PLAN)
"""Files in homes, in the order in which they are told."""


def people_named(options: FingerOptions, name: str, now: float) -> Report:
    """Return who is meant by a name; without regard to what is hidden, it would not be."""
    here = _sessions(options, now)
    found = list(islice(_persons(options, _candidates(options, name), here), MATCHES_LIMIT + 1))
    if not found or (len(found) > 1 and options.ambiguous is Ambiguous.REFUSE):
        return Unknown()
    return People(tuple(found[:MATCHES_LIMIT]), len(found) > MATCHES_LIMIT)


def people_here(options: FingerOptions, now: float) -> Report:
    """Return who is logged in."""
    here = logins.sessions(now)
    accounts = (account for login in sorted(here) if (account := _by_login(login)) is not None)
    found = list(islice(_persons(options, accounts, here), LIST_LIMIT + 1))
    return People(tuple(found[:LIST_LIMIT]), len(found) > LIST_LIMIT)


def _sessions(options: FingerOptions, now: float) -> dict[str, list[Session]]:
    return logins.sessions(now) if {Fact.SESSIONS, Fact.LAST} & set(options.fields) else {}


def _candidates(options: FingerOptions, name: str) -> Iterator[pwd.struct_passwd]:
    """Give the accounts a name may mean, each once: the login first."""
    account = _by_login(name) or _by_login(name.lower())
    if account is not None:
        yield account
    if options.match is Match.NAME:
        yield from (
            other for other in by_real_name(name) if account is None or other.pw_name != account.pw_name
        )


def _by_login(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except (KeyError, ValueError):
        return None


def _persons(
    options: FingerOptions, accounts: Iterable[pwd.struct_passwd], here: dict[str, list[Session]]
) -> Iterator[Person]:
    for account in accounts:
        if account.pw_uid < options.minimum_uid or account.pw_uid == NOBODY:
            continue
        wanted = [str(fact) for fact in _NOTES if fact in options.fields]
        notes = homes.notes(account.pw_dir, account.pw_uid, wanted)
        if notes is not None:
            yield _person(options, account, notes, here.get(account.pw_name, []))


def _person(
    options: FingerOptions,
    account: pwd.struct_passwd,
    notes: dict[str, Note | None],
    sessions: list[Session],
) -> Person:
    shown = set(options.fields)
    facts = _texts(parse(account.pw_gecos, account.pw_name), account)
    texts = {fact.value: one_line(text) for fact, text in facts.items() if fact in shown}
    return Person(
        login=account.pw_name,
        **texts,
        sessions=tuple(_known(options, session) for session in sessions) if Fact.SESSIONS in shown else None,
        last=_last(options, account.pw_uid) if Fact.LAST in shown and not sessions else None,
        mail=logins.mail(options.mail_directory, account.pw_name) if Fact.MAIL in shown else None,
        notes=notes,
    )


def _texts(gecos: Gecos, account: pwd.struct_passwd) -> dict[Fact, str]:
    return {
        Fact.NAME: gecos.name,
        Fact.OFFICE: gecos.office,
        Fact.PHONE: gecos.phone,
        Fact.HOME_PHONE: gecos.home_phone,
        Fact.HOME: account.pw_dir,
        Fact.SHELL: account.pw_shell,
    }


def _known(options: FingerOptions, session: Session) -> Session:
    return session if Fact.FROM in options.fields else replace(session, host="")


def _last(options: FingerOptions, uid: int) -> LastLogin | None:
    last = logins.last_login(uid)
    return last if last is None or Fact.FROM in options.fields else replace(last, host="")
