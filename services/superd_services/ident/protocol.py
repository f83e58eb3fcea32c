"""Queries and replies of RFC 1413 as values: ``parse``, ``user_id`` and ``failure``. No I/O here."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LINE_LIMIT: Final = 1000
"""Bytes of a query's line (RFC 1413 section 4: servers need not take more); real ones have a dozen."""

USER_ID_LIMIT: Final = 512
"""Octets of a user id (RFC 1413 section 6)."""

TOKEN: Final = re.compile(r"[!-9;-~]{1,64}")
"""A token (RFC 1413 section 6): visible ASCII characters without the colon."""

_PORTS: Final = re.compile(rb"[ \t]*([0-9]{1,5})[ \t]*,[ \t]*([0-9]{1,5})[ \t]*\r?")
_LARGEST_PORT: Final = 65535


class Failure(StrEnum):
    """The error types of RFC 1413 section 4."""

    INVALID_PORT = "INVALID-PORT"
    NO_USER = "NO-USER"
    HIDDEN_USER = "HIDDEN-USER"
    UNKNOWN_ERROR = "UNKNOWN-ERROR"


@dataclass(frozen=True, slots=True)
class Query:
    """A pair of ports as written: the one on this machine, then the one on the asking machine."""

    server_port: int
    client_port: int

    @property
    def valid(self) -> bool:
        """Whether a TCP connection can have these ports."""
        return 1 <= self.server_port <= _LARGEST_PORT and 1 <= self.client_port <= _LARGEST_PORT

    def __str__(self) -> str:
        return f"{self.server_port} , {self.client_port}"


NO_PORTS: Final = Query(0, 0)
"""What a query that holds no pair of numbers is taken for: a reply has to begin with a pair."""


def parse(line: bytes) -> Query:
    """Read a line, with or without its CR; the LF is already gone.

    Numbers of up to five digits are kept, so that the reply can repeat them; anything else is ``NO_PORTS``. Either is
    answered with INVALID-PORT unless ``valid``.
    """
    match = _PORTS.fullmatch(line)
    return Query(int(match[1]), int(match[2])) if match else NO_PORTS


def user_id(query: Query, system: str, name: str) -> bytes:
    """Write the reply that names a user; ``system`` is the whole field, with its character set if it has one.

    Bytes of the name that a reply can't hold (NUL, CR, LF) are left out, and it ends after ``USER_ID_LIMIT``.
    """
    name_bytes = name.encode("utf-8", "surrogateescape").translate(None, b"\0\r\n")[:USER_ID_LIMIT]
    return f"{query} : USERID : {system} : ".encode("ascii") + name_bytes + b"\r\n"


def failure(query: Query, kind: Failure) -> bytes:
    """Write the reply that says why nobody is named."""
    return f"{query} : ERROR : {kind}\r\n".encode("ascii")
