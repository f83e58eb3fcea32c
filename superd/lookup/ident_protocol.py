"""The client's half of ident (RFC 1413), without I/O: ``query``, ``Reply`` collects bytes, ``Answer`` is the result.

What an ident server says is only as good as the host it runs on, and is text that anybody may have written: it
is bounded here, and of the user's name nothing is left that could not stand in a log or in a command.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from superd.access.facts import UNKNOWN
from superd.log.text import escape

IDENT_PORT: Final = 113
"""The port of ident servers (RFC 1413 §2)."""

REPLY_LIMIT: Final = 1000
"""Bytes before the end of the line: RFC 1413 §6, note 2, lets a client hang up after as many."""

USER_LIMIT: Final = 127
"""Characters of a user's name: as many as libwrap keeps of it, so that patterns match the same."""

EXCERPT_LIMIT: Final = 80
"""Characters of a wrong answer that are shown: what a server that means well sends is hardly ever longer."""

_BLANKS: Final = rb"[ \t\n\v\f\r]*"
_PORTS = re.compile(rb"%(_)b([0-9]+)%(_)b,%(_)b([0-9]+)%(_)b:%(_)b" % {b"_": _BLANKS})
_USERID = re.compile(rb"USERID%(_)b:%(_)b" % {b"_": _BLANKS})
_NAMED = re.compile(rb"USERID%(_)b:[^:]+:%(_)b([^ \t\n\v\f\r]+)" % {b"_": _BLANKS})
_ERROR = re.compile(rb"ERROR%(_)b:%(_)b([!-~]{1,64})%(_)b" % {b"_": _BLANKS})
_UNPRINTABLE = re.compile(rb"[^!-~]")

_REASONS: Final = {
    "INVALID-PORT": "a port number is not valid",
    "NO-USER": "no user has such a connection",
    "HIDDEN-USER": "the user does not want to be named",
    "UNKNOWN-ERROR": "the user could not be found out",
}
"""What the errors of RFC 1413 §5 mean. Others begin with X, or are later than the RFC."""


class Failure(StrEnum):
    """Why nobody was named; the values are xinetd's words in a NOID line, where it has one."""

    NO_SERVER = "no server"
    TIMEOUT = "timeout"
    SYSTEM = "system error"
    RECEIVING = "error while receiving response"
    BAD = "bad response"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Answer:
    """Who uses a connection, as far as its client's host tells.

    ``user`` is what patterns see: printable ASCII without blanks, or ``UNKNOWN``; ``why`` says in a sentence why
    it is unknown, and is empty when it is not. ``text`` is for the log: operating system and name as the server
    wrote them (``UNIX : alice``), still to be escaped; empty when nobody was named, and then ``failure`` is set. A
    server may name somebody "unknown": then ``user`` is ``UNKNOWN`` although there is a ``text``.
    """

    user: str
    why: str = ""
    text: str = ""
    failure: Failure | None = None


def unknown(failure: Failure, why: str) -> Answer:
    """Nobody was named, for this reason."""
    return Answer(UNKNOWN, why, failure=failure)


def query(peer_port: int, local_port: int) -> bytes:
    """The question: the port on the host that is asked, then the port here (RFC 1413 §3)."""
    return b"%d,%d\r\n" % (peer_port, local_port)


class Reply:
    """Collects the answer to the question about these two ports; its first line is all that counts."""

    __slots__ = ("_data", "_ports")

    def __init__(self, peer_port: int, local_port: int) -> None:
        self._ports = (peer_port, local_port)
        self._data = bytearray()

    @property
    def room(self) -> int:
        """How many bytes may still come: those of the longest line and its CR LF. Zero after an answer only."""
        return REPLY_LIMIT + 2 - len(self._data)

    def receive(self, data: bytes) -> Answer | None:
        """Take at most ``room`` bytes; ``None``: the line has not ended yet."""
        self._data += data
        line, end, _ = self._data.partition(b"\n")
        if end and len(line) <= REPLY_LIMIT + 1:
            return _parse(bytes(line.removesuffix(b"\r")), self._ports)
        if end or self.room <= 0:
            return unknown(
                Failure.RECEIVING, f"the ident server sent more than {REPLY_LIMIT} bytes in a line"
            )
        return None

    def end(self) -> Answer:
        """The server closed the connection, which means UNKNOWN-ERROR (RFC 1413 §5)."""
        when = "in the middle of its answer" if self._data else "without an answer"
        return unknown(Failure.RECEIVING, f"the ident server closed the connection {when}")


def _parse(line: bytes, expected: tuple[int, int]) -> Answer:
    ports = _PORTS.match(line)
    if ports is None or b"\0" in line:
        return _bad(line)
    if (int(ports[1]), int(ports[2])) != expected:
        return unknown(Failure.BAD, f"the ident server answered about another connection: {_shown(line)}")
    if error := _ERROR.fullmatch(line, ports.end()):
        word = error[1].decode("ascii")
        meaning = _REASONS.get(word)
        return unknown(Failure.BAD, f"the ident server says {word}{f': {meaning}' if meaning else ''}")
    named, userid = _NAMED.match(line, ports.end()), _USERID.match(line, ports.end())
    return _named(named[1], line[userid.end() :]) if named and userid else _bad(line)


def _named(name: bytes, rest: bytes) -> Answer:
    """Somebody was named. What isn't printable becomes ``_``, as libwrap has it in expansions."""
    user = _UNPRINTABLE.sub(b"_", name[:USER_LIMIT]).decode("ascii")
    text = rest.decode("utf-8", "backslashreplace")
    if user.lower() == UNKNOWN:
        return Answer(UNKNOWN, f"the ident server calls the user {user!r}", text)
    return Answer(user, text=text)


def _bad(line: bytes) -> Answer:
    return unknown(Failure.BAD, f"the ident server's answer is none that RFC 1413 knows: {_shown(line)}")


def _shown(line: bytes) -> str:
    return f"'{escape(line.decode('latin-1'), EXCERPT_LIMIT)}'"
