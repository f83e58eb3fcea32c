"""Who is logged in, who was last, and where mail is: ``sessions``, ``last_login``, ``mail``.

Sessions come from utmp through psutil. lastlog is an array of fixed records by uid (lastlog(8)); systems that have
replaced it by a database just don't tell.
"""

import os
import stat
import struct
from typing import Final

import psutil

from superd_services.finger.people import LastLogin, Mail, Session
from superd_services.finger.text import one_line

LASTLOG: Final = "/var/log/lastlog"
_RECORD: Final = struct.Struct("=i32s256s")
"""Time, terminal and host of a last login (lastlog.h)."""

_HERE: Final = "localhost"
"""What psutil has for sessions that come from no other host."""


def sessions(now: float) -> dict[str, list[Session]]:
    """Return the sessions of everybody who is logged in, by login name; those whose process has ended are none."""
    found: dict[str, list[Session]] = {}
    for user in psutil.users():
        if psutil.pid_exists(int(user.pid)):
            host = "" if user.host in {None, _HERE} else one_line(user.host)
            session = _session(one_line(user.terminal or ""), user.started, host, now)
            found.setdefault(user.name, []).append(session)
    return found


def _session(terminal: str, since: float, host: str, now: float) -> Session:
    """Look at the terminal: idle since it was last typed at, open for messages if its group may write to it."""
    try:
        facts = os.lstat(f"/dev/{terminal}") if terminal and ".." not in terminal else None
    except (OSError, ValueError):
        facts = None
    if facts is None or not stat.S_ISCHR(facts.st_mode):
        return Session(terminal, since, host)
    idle = max(0.0, now - facts.st_atime)
    return Session(terminal, since, host, idle, reachable=bool(facts.st_mode & stat.S_IWGRP))


def last_login(uid: int) -> LastLogin | None:
    """Return a user's last login; ``None`` when the system does not tell."""
    try:
        fd = os.open(LASTLOG, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return None
    try:
        record = os.pread(fd, _RECORD.size, uid * _RECORD.size)
    except (OSError, OverflowError):
        return None
    finally:
        os.close(fd)
    if len(record) < _RECORD.size:
        return LastLogin()
    at, terminal, host = _RECORD.unpack(record)
    return LastLogin(float(at & 0xFFFFFFFF), _text(terminal), _text(host))


def _text(field: bytes) -> str:
    return one_line(field.partition(b"\0")[0].decode("utf-8", "replace"))


def mail(directory: str, login: str) -> Mail | None:
    """Return the state of a mailbox from its times; ``None`` when it can't be looked at."""
    if "/" in login or login.startswith("."):
        return None
    try:
        facts = os.lstat(f"{directory}/{login}")
    except FileNotFoundError:
        return Mail()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(facts.st_mode) or not facts.st_size:
        return Mail()
    return Mail(facts.st_mtime, facts.st_atime)
