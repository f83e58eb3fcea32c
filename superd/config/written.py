"""The configuration *as written*: each attribute with the place it was written at, nothing inherited or guessed.

The fields of ``WrittenService`` are the attribute table of the xinetd language (xinetd.conf(5)) and of superd's
extensions to it; ``Attribute`` holds what the reader has to know about each. The inetd.conf reader fills the
same fields.
"""

from dataclasses import dataclass
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from superd.config.origin import Origin

T = TypeVar("T")


class Written(BaseModel, Generic[T]):
    """A value and the place it was written at."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    value: T
    origin: Origin


@dataclass(frozen=True, slots=True)
class Attribute:
    """What the xinetd reader has to know about one attribute.

    ``least`` and ``most`` bound the number of words (``most=None``: any number); ``edits`` allows ``+=`` and ``-=``;
    ``shared`` allows it in ``defaults``; ``restricts`` marks attributes that narrow who is served or what a program
    may do, so that a misspelling of one is an error, never a warning.
    """

    least: int = 1
    most: int | None = 1
    edits: bool = False
    shared: bool = False
    restricts: bool = False


Word = Written[str]
Words = tuple[Word, ...]

_ONE = Attribute()
_ONE_SHARED = Attribute(shared=True)
_LIMIT = Attribute(restricts=True)
_LIMIT_SHARED = Attribute(shared=True, restricts=True)
_MANY = Attribute(most=None)
_LIST_SHARED = Attribute(least=0, most=None, edits=True, shared=True)
_ACCESS_LIST = Attribute(least=0, most=None, edits=True, shared=True, restricts=True)


class WrittenService(BaseModel):
    """One service stanza (or inetd.conf line, or ``defaults``) as written.

    Single-valued attributes hold one ``Word``; the others a tuple of them, one per word, after ``+=``/``-=`` and
    the inheritance from ``defaults`` have been applied by the reader. ``None`` means: not written anywhere.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    origin: Origin
    dialect: Literal["xinetd", "inetd"] = "xinetd"
    end: int = 0
    """Line of the closing brace, or the last line of an inetd.conf entry."""

    id: Annotated[Word | None, _ONE] = None
    type: Annotated[Words | None, _MANY] = None
    flags: Annotated[Words | None, Attribute(most=None, restricts=True)] = None
    disable: Annotated[Word | None, _LIMIT] = None
    socket_type: Annotated[Word | None, _ONE] = None
    protocol: Annotated[Word | None, _ONE] = None
    wait: Annotated[Word | None, _ONE] = None
    user: Annotated[Word | None, _LIMIT] = None
    group: Annotated[Word | None, _LIMIT] = None
    groups: Annotated[Word | None, _LIMIT_SHARED] = None
    instances: Annotated[Word | None, _LIMIT_SHARED] = None
    per_source: Annotated[Word | None, _LIMIT_SHARED] = None
    cps: Annotated[Words | None, Attribute(2, 2, shared=True, restricts=True)] = None
    max_load: Annotated[Word | None, _LIMIT_SHARED] = None
    nice: Annotated[Word | None, _ONE] = None
    server: Annotated[Word | None, _ONE] = None
    server_args: Annotated[Words | None, _MANY] = None
    only_from: Annotated[Words | None, _ACCESS_LIST] = None
    no_access: Annotated[Words | None, _ACCESS_LIST] = None
    access_times: Annotated[Words | None, Attribute(most=None, restricts=True)] = None
    log_type: Annotated[Words | None, Attribute(2, 4, shared=True)] = None
    log_on_success: Annotated[Words | None, _LIST_SHARED] = None
    log_on_failure: Annotated[Words | None, _LIST_SHARED] = None
    env: Annotated[Words | None, Attribute(least=0, most=None, edits=True)] = None
    passenv: Annotated[Words | None, _LIST_SHARED] = None
    port: Annotated[Word | None, _LIMIT] = None
    bind: Annotated[Word | None, _LIMIT_SHARED] = None
    """``interface`` is a synonym; both share this field."""
    v6only: Annotated[Word | None, _ONE_SHARED] = None
    redirect: Annotated[Words | None, Attribute(2, 2)] = None
    banner: Annotated[Word | None, _ONE_SHARED] = None
    banner_success: Annotated[Word | None, _ONE_SHARED] = None
    banner_fail: Annotated[Word | None, _ONE_SHARED] = None
    libwrap: Annotated[Word | None, _LIMIT] = None
    deny_time: Annotated[Word | None, _LIMIT] = None
    umask: Annotated[Word | None, _LIMIT_SHARED] = None
    rlimit_as: Annotated[Word | None, _LIMIT] = None
    rlimit_cpu: Annotated[Word | None, _LIMIT] = None
    rlimit_data: Annotated[Word | None, _LIMIT] = None
    rlimit_files: Annotated[Word | None, _LIMIT] = None
    rlimit_rss: Annotated[Word | None, _LIMIT] = None
    rlimit_stack: Annotated[Word | None, _LIMIT] = None
    rpc_version: Annotated[Word | None, _ONE] = None
    rpc_number: Annotated[Word | None, _ONE] = None

    sndbuf: Annotated[Word | None, _ONE] = None
    """superd: SO_SNDBUF in bytes, ``k`` and ``m`` accepted (inetd.conf's ``tcp,sndbuf=64k``)."""
    rcvbuf: Annotated[Word | None, _ONE] = None
    """superd: SO_RCVBUF in bytes, like ``sndbuf``."""
    idle_timeout: Annotated[Word | None, _LIMIT] = None
    """superd: close a built-in's connection, or a datagram program's session, after this long without traffic."""
    rate_per_minute: Annotated[Word | None, _LIMIT] = None
    """superd: starts per minute over which the service pauses (inetd.conf's ``nowait.40``)."""
    source_rate_per_minute: Annotated[Word | None, _LIMIT] = None
    """superd: connections per minute of one source over which that source is refused (FreeBSD's second number)."""
    rate: Annotated[Words | None, Attribute(1, 3, shared=True, restricts=True)] = None
    """superd: attempts of one source over which that source is refused: ``10/s burst 20``."""
    address_rule: Annotated[Word | None, _LIMIT_SHARED] = None
    """superd: what holds for a client on both lists, ``deny`` or ``most-specific``."""
    paranoid: Annotated[Word | None, _LIMIT_SHARED] = None
    """superd: ``yes`` refuses a client whose name and address disagree (tcp_wrappers' PARANOID)."""
    lookup_timeout: Annotated[Word | None, _ONE_SHARED] = None
    """superd: the longest time that looking up the names of a client takes."""
    socket_owner: Annotated[Word | None, _ONE] = None
    """superd: owner of a Unix socket's file, ``user`` or ``user:group``."""
    socket_mode: Annotated[Word | None, _ONE] = None
    """superd: octal mode of a Unix socket's file; default 0666, as inetd makes it."""
    options: dict[str, Words] = {}
    """Attributes that no table above knows: a built-in service's own options, checked against its model."""


class WrittenDefaults(WrittenService):
    """A ``defaults`` section; also holds what is allowed nowhere else."""

    enabled: Annotated[
        Words | None, Attribute(least=0, most=None, edits=True, shared=True, restricts=True)
    ] = None
    disabled: Annotated[
        Words | None, Attribute(least=0, most=None, edits=True, shared=True, restricts=True)
    ] = None
    extensions: Annotated[Words | None, _LIST_SHARED] = None
    """superd: names of entry points (group ``superd.services``) that may add built-in services."""


def attributes(section: type[WrittenService]) -> dict[str, Attribute]:
    """The attributes a section may hold, by name, from its fields' annotations."""
    return {
        name: mark
        for name, field in section.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, Attribute)
    }
