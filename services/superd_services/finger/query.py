"""``parse``: the line a client sends, as a ``Query`` (RFC 1288 section 2.3).

{Q1}    ::= [{W}|{W}{S}{U}]{C}
{Q2}    ::= [{W}{S}][{U}]{H}{C}
{H}     ::= @hostname | @hostname{H}
{W}     ::= /W
"""

from dataclasses import dataclass
from typing import Final

from superd_services.finger.text import printable

QUERY_LIMIT: Final = 512
"""Bytes of a query line at most, as in the first fingerd; names are far shorter."""

HOSTS_LIMIT: Final = 8
"""Hosts a query may be forwarded over; who needs more is playing."""

_VERBOSE: Final = "/w"


@dataclass(frozen=True, slots=True)
class Query:
    """What a client wants to know.

    ``user`` is empty for everybody who is logged in; ``hosts`` are those after the name, the next one last;
    ``verbose`` is the /W.
    """

    user: str = ""
    hosts: tuple[str, ...] = ()
    verbose: bool = False

    def forwarded(self) -> bytes:
        """Return the line to send to the last host: the query without it."""
        words = (["/W"] if self.verbose else []) + ["@".join((self.user, *self.hosts[:-1]))]
        return " ".join(words).encode("utf-8", "replace") + b"\r\n"


def parse(line: bytes) -> Query:
    """Read a line, without its end or with it; any bytes are a query.

    What can't be printed is a question mark, so it can neither be in a name that exists nor be sent back or on. /W may
    also come last, and in any case (RFC 742).
    """
    words = printable(line.rstrip(b"\r\n").decode("utf-8", "replace")).split()
    verbose = False
    if words and words[0].lower() == _VERBOSE:
        verbose = bool(words.pop(0))
    elif len(words) > 1 and words[-1].lower() == _VERBOSE:
        verbose = bool(words.pop())
    user, *hosts = "".join(words).split("@") if any("@" in word for word in words) else [" ".join(words)]
    return Query(user, tuple(hosts), verbose)
