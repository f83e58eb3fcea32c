"""What the real libwrap makes of patterns and options that are read otherwise here: ``remark``, ``remarks``.

Other programs of a machine may ask the same files through libwrap. The rows of "Repaired" in
docs/differences-hosts-access.md are the same facts.
"""

import re
from collections.abc import Iterator
from typing import Final

from superd.access.hosts_access.options import Options
from superd.access.hosts_access.patterns import HostPattern

_WORDS: Final = [
    (re.compile(r"\[[^\]]*\]/(?![0-9]{1,3}\Z).*"), "lets every IPv6 client match"),
    (re.compile(r"\[::ffff:.*\](/.*)?", re.IGNORECASE), "matches nobody"),
    (re.compile(r"[0-9.]+/(0|255\.255\.255\.255)", re.ASCII), "matches nobody"),
    (
        re.compile(r"[0-9.]+/[0-9]+[^0-9.].*", re.ASCII),
        "reads the length up to the first character that is no digit",
    ),
    (
        re.compile(r"(.*\.)?0[0-9x][0-9a-fx.]*/.*", re.ASCII | re.IGNORECASE),
        "reads octal and hexadecimal numbers",
    ),
    (
        re.compile(r"(?=.*[0-9])(?=.*[*?])[0-9.*?]*", re.ASCII),
        "tries the client's host name, too, which the client's owner chooses",
    ),
    (re.compile(r".*\*\*.*"), "wants a character for the second *"),
]
"""Shapes of words, and what libwrap does with them (tcp_wrappers 7.6.q of Debian, observed)."""


def remark(host: HostPattern) -> str:
    """Say what libwrap would do with a pattern where that is something else; empty where it isn't."""
    return next((f"libwrap: {what}" for shape, what in _WORDS if shape.fullmatch(host.word)), "")


def remarks(options: Options) -> Iterator[str]:
    """Say what libwrap would do with options, where that is something else."""
    names = {option.name for option in options.options}
    if names & {"user", "group"}:
        yield "user and group: libwrap as Debian builds it ignores them, so the daemon keeps running as root"
    if "aclexec" in names:
        yield (
            "aclexec: libwrap remembers a failure, and then passes over every later rule with options that does not "
            "end in allow, deny or twist"
        )
