"""Who a service's program runs as: user, group, groups, nice."""

import os
from typing import Final

from superd.config import values
from superd.config.context import Context
from superd.config.model import Credentials
from superd.config.written import Word

ID_LIMIT: Final = 2**32 - 2
"""Largest uid and gid; the number above means "unchanged" to setuid(2)."""

NICE_LIMITS: Final = (-20, 19)


def derive_credentials(context: Context) -> Credentials | None:
    """Derive user, groups and niceness; ``None`` when there is no user, or after an error."""
    word = context.written.user
    ids = None if word is None else _user(context, word)
    gid = _group(context)
    nice = _nice(context)
    all_groups = bool(context.value("groups", context.written.groups, values.yes_no))
    if word is None or ids is None:
        return None
    name, uid, primary = ids
    if context.machine.uid:
        return _own(context, word, uid, nice)
    groups = _groups(context, word, gid) if all_groups else ()
    return Credentials(user=name, uid=uid, gid=primary if gid is None else gid, groups=groups, nice=nice)


def _user(context: Context, word: Word) -> tuple[str, int, int] | None:
    """Return name, uid and gid; a number is taken as uid and as gid without asking passwd(5), as in xinetd."""
    if word.value.isascii() and word.value.isdigit():
        number = context.value("user", word, lambda text: values.integer(text, 0, ID_LIMIT))
        return None if number is None else (word.value, number, number)
    account = context.machine.user(word.value)
    if account is None:
        name, mark, group = word.value.replace(".", ":", 1).partition(":")
        split = bool(mark) and context.machine.user(name) is not None
        hint = f"write user = {name} and group = {group}" if split else ""
        context.bad("user", word.origin, f"there is no user {word.value!r}", hint=hint)
        return None
    return word.value, account.pw_uid, account.pw_gid


def _group(context: Context) -> int | None:
    word = context.written.group
    if word is None:
        return None
    gid = context.machine.group(word.value)
    if gid is None or gid > ID_LIMIT:
        context.bad("group", word.origin, f"there is no group {word.value!r}")
        return None
    return gid


def _groups(context: Context, word: Word, gid: int | None) -> tuple[int, ...]:
    """The groups initgroups(3) sets: with the entry's group as inetd does, or, as xinetd, with that of passwd(5)."""
    account = context.machine.user(word.value)
    if account is None:
        text = f"groups = yes needs an account for user {word.value}"
        context.error(
            "groups-without-account", word.origin, text, xinetd="starts it, and every connection fails"
        )
        return ()
    if gid is None or context.written.dialect == "xinetd":
        gid = account.pw_gid
    return tuple(sorted(context.machine.groups_of(account.pw_name, gid)))


def _nice(context: Context) -> int:
    number = context.value("nice", context.written.nice, values.integer)
    low, high = NICE_LIMITS
    return min(max(number or 0, low), high)


def _own(context: Context, word: Word, uid: int, nice: int) -> Credentials | None:
    """Without root nothing can be changed: the user must be the caller's own."""
    if uid != context.machine.uid:
        text = f"user {word.value}: superd was not started by root and can't change its user"
        context.error("user-not-own", word.origin, text, xinetd="starts it, and every connection fails")
        return None
    groups = tuple(sorted(os.getgroups()))
    return Credentials(user=word.value, uid=uid, gid=os.getgid(), groups=groups, nice=nice)
