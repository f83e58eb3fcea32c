"""``FingerOptions``: the attributes of finger."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field, field_validator

from superd.service import Options
from superd_services.system import is_directory


class Fact(StrEnum):
    """What can be told about a person, beside the login name."""

    NAME = "name"
    OFFICE = "office"
    PHONE = "phone"
    HOME_PHONE = "home_phone"
    HOME = "home"
    SHELL = "shell"
    SESSIONS = "sessions"
    FROM = "from"
    LAST = "last"
    MAIL = "mail"
    FORWARD = "forward"
    PROJECT = "project"
    PLAN = "plan"
    PGPKEY = "pgpkey"


PUBLISHED: Final = (Fact.NAME, Fact.PROJECT, Fact.PLAN, Fact.PGPKEY)
"""What people wrote for others to read; the rest is told only where somebody decided so."""


class Match(StrEnum):
    """What a name in a query is compared with."""

    LOGIN = "login"
    NAME = "name"


class Ambiguous(StrEnum):
    """What happens to a name that several people have."""

    LIST = "list"
    REFUSE = "refuse"


class Charset(StrEnum):
    """Which characters are sent."""

    ASCII = "ascii"
    UTF8 = "utf-8"


def _absolute(path: str) -> str:
    if not path.startswith("/") or not path.isprintable():
        raise ValueError(f"{path} is no absolute path")
    return path


def _existing(path: str) -> str:
    if not is_directory(path):
        raise ValueError(f"{path} is no directory")
    return path


Directory = Annotated[str, AfterValidator(_absolute)]


class FingerOptions(Options):
    """The attributes of finger."""

    list: bool = False
    """Whether an empty query is answered by who is logged in (or, with ``directory``, by the names in it)."""
    fields: tuple[Fact, ...] = PUBLISHED
    """What is told about a person. ``from``: the host a session comes from; it needs ``sessions`` or ``last``."""
    match: Match = Match.LOGIN
    """``login``: a query names a login; ``name``: also any word of a real name in /etc/passwd, in any case."""
    ambiguous: Ambiguous = Ambiguous.LIST
    """``list``: everybody of that name; ``refuse``: nobody, as if there were none."""
    minimum_uid: int = Field(default=1000, ge=0, le=0xFFFFFFFE)
    """Accounts with a lower uid, and nobody's (65534), don't exist for clients."""
    directory: Annotated[Directory, AfterValidator(_existing)] | None = None
    """A directory with a text file for each person, instead of the accounts of the system."""
    mail_directory: Directory = "/var/mail"
    """Where mailboxes are."""
    forward_to: tuple[str, ...] = ()
    """Hosts that queries like ``user@host`` are forwarded to; without it none is."""
    charset: Charset = Charset.ASCII
    """``ascii``: other characters become question marks; ``utf-8``: what can be printed is sent."""
    request_timeout: float = Field(default=10.0, ge=0.1, le=3600)
    """Seconds a client may take to say its whole query."""

    @field_validator("forward_to")
    @classmethod
    def _lower(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not host.isascii() or not host.isprintable() or " " in host or "@" in host:
                raise ValueError(f"{host} is no host name")
        return tuple(host.lower() for host in hosts)
