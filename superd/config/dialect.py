"""The dialects of inetd.conf and the facts in which they contradict each other: ``Dialect``, ``FACTS``.

Only contradictions are listed. A spelling that one inetd knows and no other reads differently (an address
prefix, ``rpc/udp``, a limit after ``nowait``) is accepted in every dialect.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final


class Dialect(StrEnum):
    """Whose inetd.conf a file is; ``debian`` is the default and the most lenient."""

    DEBIAN = "debian"
    OPENBSD = "openbsd"
    FREEBSD = "freebsd"
    NETBSD = "netbsd"
    INETUTILS = "inetutils"
    BUSYBOX = "busybox"
    ILLUMOS = "illumos"


class Quotes(Enum):
    """How quotes in a positional line are read."""

    NONE = "ordinary characters"
    WORD = "around a whole word, without escapes"
    SHELL = "may also start inside a word"


class Argv(Enum):
    """What argv[0] is when a line names a server and nothing after it."""

    BASENAME = "the last part of the server's path"
    PATH = "the server as written"


@dataclass(frozen=True, slots=True)
class Facts:
    """How one dialect reads what another reads differently; the field defaults are the default dialect's."""

    plain_family: str = ""
    """Family of plain ``tcp`` and ``udp``, as a word of xinetd's ``flags``; empty means both families."""
    six_family: str = "IPv6"
    """Family of ``tcp6`` and ``udp6``: IPv6 alone, or both."""
    indent_continues: bool = True
    """A line that starts with a blank continues the entry above it."""
    backslash_continues: bool = False
    """A backslash at the end of a line continues it."""
    quotes: Quotes = Quotes.NONE
    trailing_comments: bool = False
    """A ``#`` anywhere ends the line."""
    group_separators: tuple[str, ...] = (":", ".")
    """What divides user and group, in the order they are looked for."""
    rate_separators: str = "."
    """What introduces starts per minute after ``wait`` or ``nowait``."""
    slash_limits: bool = False
    """``/`` introduces FreeBSD's max-child, max-connections-per-IP-per-minute and max-child-per-IP."""
    path_lookup: bool = False
    """A server without a slash is looked for in ``tcpd.SEARCH_PATH``."""
    missing_argv: Argv = Argv.BASENAME
    key_values: bool = False
    """NetBSD's ``service on key = value, ...;`` and ``.include`` are known."""
    policy_lines: bool = False
    """``#@`` starts an IPsec policy for the entries below it; elsewhere it is a comment."""
    percent_address: bool = False
    """An argument ``%A`` stands for the client's address."""
    unix_mode: str = ""
    """Octal mode of a Unix socket that has none written; empty means 0666."""


FACTS: Final = {
    Dialect.DEBIAN: Facts(
        backslash_continues=True,
        rate_separators=".:",
        slash_limits=True,
        path_lookup=True,
        key_values=True,
    ),
    Dialect.OPENBSD: Facts(plain_family="IPv4"),
    Dialect.FREEBSD: Facts(
        plain_family="IPv4",
        quotes=Quotes.WORD,
        group_separators=(":",),
        rate_separators="",
        slash_limits=True,
        policy_lines=True,
        unix_mode="0200",
    ),
    Dialect.NETBSD: Facts(
        plain_family="IPv4",
        quotes=Quotes.SHELL,
        rate_separators=".:",
        key_values=True,
        policy_lines=True,
    ),
    Dialect.INETUTILS: Facts(
        plain_family="IPv4",
        six_family="",
        indent_continues=False,
        quotes=Quotes.WORD,
    ),
    Dialect.BUSYBOX: Facts(
        plain_family="IPv4",
        indent_continues=False,
        backslash_continues=True,
        trailing_comments=True,
        group_separators=(".", ":"),
        path_lookup=True,
        missing_argv=Argv.PATH,
    ),
    Dialect.ILLUMOS: Facts(
        plain_family="IPv4",
        six_family="",
        indent_continues=False,
        trailing_comments=True,
        group_separators=(),
        rate_separators="",
        percent_address=True,
    ),
}
"""The facts of every dialect. The default takes each spelling that only one reading makes sense of."""
