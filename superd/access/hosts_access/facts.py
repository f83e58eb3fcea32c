"""What is known about a client (``ClientFacts``), what is missing (``Need``), the answer (``HostsVerdict``)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from superd.access.hosts_access.options import Option
from superd.config.origin import Origin

UNKNOWN: Final = "unknown"
"""The value of a fact that was asked for and could not be had (hosts_access(5))."""

PARANOID: Final = "paranoid"
"""The value of a host name whose forward and reverse look-ups disagree."""


class Need(StrEnum):
    """A fact a rule asks for that is not in ``ClientFacts`` yet; the values complete "needs ..."."""

    NAME = "the client's host name"
    USER = "the client's user name (ident)"
    SERVER_NAME = "the server's host name"
    NETGROUP = "the netgroup database"
    ACLEXEC = "the result of aclexec"


class Outcome(StrEnum):
    """The words tcpdmatch(8) uses; ``delegated``: a ``twist`` command serves the client instead."""

    GRANTED = "granted"
    DENIED = "denied"
    DELEGATED = "delegated"


@dataclass(frozen=True, slots=True)
class ClientFacts:
    """Both ends of a connection, as far as known.

    Addresses are numeric; empty means there is none. A name or user is ``None`` until somebody asked for
    it, and then ``UNKNOWN`` or (names only) ``PARANOID`` or the value. ``netgroups(group, host)`` and
    ``aclexec(command)`` answer for innetgr(3) and for the command; ``None`` means that nothing can answer.
    """

    address: str
    port: int = 0
    name: str | None = None
    user: str | None = None
    server_address: str = ""
    server_port: int = 0
    server_name: str | None = None
    netgroups: Callable[[str, str], bool] | None = None
    aclexec: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class HostsVerdict:
    """The answer of both files.

    ``rule`` and ``origin`` are the rule that decided (empty: none matched); ``options`` are its options up
    to and with the first wrong one, whose complaint is ``error``. ``needs`` is the first missing fact that
    an evaluation in file order asks for; the caller may provide it and ask again. ``doubt`` is the first
    rule that may or may not match without it: then the verdict is the fail-safe one (such a rule never
    grants, and always denies).
    """

    outcome: Outcome
    rule: str = ""
    origin: Origin | None = None
    options: tuple[Option, ...] = ()
    error: str = ""
    needs: Need | None = None
    doubt: Origin | None = None

    @property
    def allowed(self) -> bool:
        """Whether the configured service may serve this client."""
        return self.outcome is Outcome.GRANTED
