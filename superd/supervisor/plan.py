"""What differs between two configurations: ``Changes``; and what tells one launcher from another."""

import grp
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from superd.config.model import Access, Banners, Config, Credentials, Limits, Service, ServiceLog
from superd.config.origin import Origin

_NOWHERE: Final = Origin("")


@dataclass(frozen=True, slots=True)
class Changes:
    """Names in the order of the new configuration; ``gone`` in the order of the old one."""

    new: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.gone)


def compare(old: Config, new: Config) -> Changes:
    """Tell which services (by key) are new, the same in meaning, changed, or gone."""
    return _changes(
        {service.key: _meaning(service) for service in old.services},
        {service.key: _meaning(service) for service in new.services},
    )


def launcher_name(credentials: Credentials) -> str:
    """Name the launcher of these credentials, readably and uniquely.

    ``root`` or ``www-data`` for a user with its primary group, ``nobody:games+4,27+nice5`` for a user with
    another group, supplementary groups and nice. Where passwd(5) and group(5) don't agree, numbers stand.
    """
    user, primary = _user(credentials)
    group = "" if credentials.gid == primary else f":{_group(credentials.gid)}"
    groups = f"+{','.join(map(str, credentials.groups))}" if credentials.groups else ""
    nice = f"+nice{credentials.nice}" if credentials.nice else ""
    return user + group + groups + nice


def _changes(old: Mapping[str, object], new: Mapping[str, object]) -> Changes:
    both = [name for name in new if name in old]
    return Changes(
        new=tuple(name for name in new if name not in old),
        kept=tuple(name for name in both if new[name] == old[name]),
        changed=tuple(name for name in both if new[name] != old[name]),
        gone=tuple(name for name in old if name not in new),
    )


def launched(service: Service) -> object:
    """What a launcher has to know of a service; where this is equal, the launcher need not be replaced.

    Who may connect is no business of a launcher's, but for the name that rules of hosts.allow and hosts.deny call the
    service by; nor are the lines that anything was written at.
    """
    access = Access(daemon=service.access.daemon)
    bare = {"access": access, "limits": Limits(), "log": ServiceLog(), "banners": Banners()}
    return _meaning(service.model_copy(update=bare))


def _meaning(value: object) -> object:
    """The value without the places it was written at; for comparisons."""
    if isinstance(value, Origin):
        return _NOWHERE
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return type(value), tuple(_meaning(getattr(value, name)) for name in fields)
    if isinstance(value, tuple):
        return tuple(_meaning(item) for item in value)
    return value


def _user(credentials: Credentials) -> tuple[str, int | None]:
    """The user's name, with the uid where that is not what the name means; and its primary group."""
    try:
        account = pwd.getpwnam(credentials.user)
    except KeyError:
        plain = credentials.user == str(credentials.uid)
        return (credentials.user if plain else f"{credentials.user}({credentials.uid})"), None
    if account.pw_uid == credentials.uid:
        return credentials.user, account.pw_gid
    return f"{credentials.user}({credentials.uid})", None


def _group(gid: int) -> str:
    try:
        name = grp.getgrgid(gid).gr_name
        unique = grp.getgrnam(name).gr_gid == gid
    except KeyError:
        return str(gid)
    return name if unique else str(gid)
