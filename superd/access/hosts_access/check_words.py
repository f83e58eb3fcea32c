"""What deserves a look in the words of a rule's two lists: ``of_daemons``, ``of_clients``, ``of_host``."""

import re
from ipaddress import IPv4Network, IPv6Address
from itertools import chain
from typing import Final

from superd.access.hosts_access import check_libwrap
from superd.access.hosts_access.patterns import File, HostPattern, Net, Never, Text, Unread
from superd.access.hosts_access.rules import Client, Daemon, WordList
from superd.config.origin import Origin, Report

_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_RANGE = re.compile(r"[0-9.]+-[0-9.]+", re.ASCII)
_POSSIBLE = re.compile(r"[\w.:*?\-]+")
"""Characters of host names and addresses; in files that are read as Latin-1, so are those of UTF-8."""

PORT_LIMIT: Final = 65535
"""The largest port number."""

_RESERVED: Final = frozenset({"KNOWN", "LOCAL", "PARANOID"})
"""Keywords for hosts, which are mere names elsewhere (``ALL`` and ``UNKNOWN`` mean something everywhere)."""


def of_daemons(daemons: WordList[Daemon], origin: Origin, report: Report) -> None:
    """Look at a daemon list."""
    _of_list(daemons.parts, "daemon", origin, report)
    for daemon in chain.from_iterable(daemons.parts):
        if daemon.name.startswith("#"):
            text = (
                "a comment has to begin in the first column; this is a rule whose first daemon is called '#'"
            )
            report.error("hosts-indented-comment", origin, text)
            return
        _of_daemon(daemon, origin, report)
        if daemon.host is not None:
            of_host(daemon.host, origin, report)


def of_clients(clients: WordList[Client], origin: Origin, report: Report) -> None:
    """Look at a client list; what stands behind a ``#`` was not meant as patterns."""
    _of_list(clients.parts, "client", origin, report)
    for client in chain.from_iterable(clients.parts):
        if client.host.word.startswith("#") or client.user_word.startswith("#"):
            text = (
                "a comment may only stand at the beginning of a line; the words after # are client patterns"
            )
            report.warning("hosts-trailing-comment", origin, text)
            return
        if client.user_word:
            _of_name(client.user_word, "user", origin, report)
        of_host(client.host, origin, report)


def of_host(host: HostPattern, origin: Origin, report: Report) -> None:
    """Look at one host pattern."""
    remark = check_libwrap.remark(host)
    if isinstance(host, Never):
        hint = "; ".join(filter(None, (_suggestion(host.word), remark)))
        report.error("hosts-bad-pattern", origin, f"{host.word!r} {host.why}; it matches nobody", hint=hint)
        return
    if isinstance(host, Unread):
        text = f"{host.word!r} can't be read; the rule refuses whom it may mean, and admits none of them"
        report.error("hosts-bad-pattern", origin, text)
        return
    if remark:
        text = f"{host.word!r} means something else to programs with libwrap"
        report.warning("hosts-libwrap-differs", origin, text, hint=remark)
    if isinstance(host, Text):
        _of_text(host, origin, report)
    elif isinstance(host, Net) and host.version == 6:
        _of_net6(host, origin, report)


def of_file(file: File, text: str, report: Report) -> None:
    """Look at the words of a pattern file, whose text this is."""
    patterns = iter(file.patterns)
    for number, line in enumerate(text.split("\n"), 1):
        for word in line.split():
            place, pattern = Origin(file.word, number), next(patterns, None)
            if word.startswith("#"):
                remark = "pattern files have no comments; every word from the # on is a pattern"
            elif word.upper() == "EXCEPT" or "," in word:
                remark = "pattern files have no EXCEPT, and their words are separated by blanks only"
            elif pattern is None or pattern.word != word:
                continue  # the file has changed meanwhile
            else:
                of_host(pattern, place, report)
                continue
            report.error("hosts-pattern-file-word", place, f"{word!r}: {remark}")


def _of_list(parts: tuple[tuple[object, ...], ...], kind: str, origin: Origin, report: Report) -> None:
    if not parts[0]:
        text = f"the {kind} list is empty or begins with EXCEPT; the rule matches nobody"
        report.error("hosts-empty-list", origin, text)
    elif not all(parts):
        report.warning("hosts-empty-except", origin, f"the {kind} list has nothing after an EXCEPT")


def _of_daemon(daemon: Daemon, origin: Origin, report: Report) -> None:
    name = daemon.name
    if (
        daemon.port == 0
        or (daemon.port or 0) > PORT_LIMIT
        or (daemon.port is None and _NUMBER.fullmatch(name))
    ):
        hint = "libwrap: wraps around at 65536, and takes a sign"
        report.error("hosts-bad-port", origin, f"{name!r} is no port; it matches nothing", hint=hint)
    else:
        _of_name(name, "daemon", origin, report)


def _of_name(name: str, kind: str, origin: Origin, report: Report) -> None:
    """Look at a daemon's or a user's name."""
    if name.startswith(("@", "/")):
        text = f"{name!r}: netgroups and pattern files are for hosts; no {kind} is called that"
        report.error("hosts-odd-name", origin, text)
    elif name.startswith(".") or name.endswith("."):
        part = "end" if name.startswith(".") else "beginning"
        report.warning("hosts-part-of-name", origin, f"{name!r} is compared with the {part} of {kind} names")
    elif name.upper() == "FAIL":
        _fail(name, origin, report)
    elif name.upper() in _RESERVED and (kind, name.upper()) != ("user", "KNOWN"):
        report.warning("hosts-reserved-word", origin, f"{name!r} has no special meaning for a {kind}")


def _of_text(host: Text, origin: Origin, report: Report) -> None:
    word = host.word
    if word.upper() == "FAIL":
        _fail(word, origin, report)
    elif not host.asks and word.startswith("."):
        text = f"{word!r} is compared with the end of addresses: it is no network"
        report.warning("hosts-end-of-address", origin, text)
    elif host.asks and word.endswith(".") and not word.startswith("."):
        text = f"{word!r} is compared with the beginning of host names, which their owners choose"
        report.warning("hosts-beginning-of-name", origin, text)
    elif _RANGE.fullmatch(word) or not _POSSIBLE.fullmatch(word):
        text = f"{word!r} is no address, network or host name; it matches nobody"
        hint = "ranges are written as networks" if _RANGE.fullmatch(word) else ""
        report.warning("hosts-odd-word", origin, text, hint=hint)


def _of_net6(host: Net, origin: Origin, report: Report) -> None:
    written = _address6(host.word)
    if written is not None and written & ~host.mask:
        length = host.word.rpartition("/")[2]
        text = f"{host.word!r} has bits set outside of its prefix, which are ignored (unlike those of IPv4)"
        hint = f"write [{IPv6Address(host.network)}]/{length}"
        report.warning("hosts-host-bits", origin, text, hint=hint)


def _address6(word: str) -> int | None:
    try:
        return int(IPv6Address(word.partition("]")[0].removeprefix("[").partition("%")[0]))
    except ValueError:
        return None


def _fail(word: str, origin: Origin, report: Report) -> None:
    text = f"{word!r} is no keyword any more; it is taken for a name"
    report.error("hosts-fail", origin, text, hint="write EXCEPT, or the option deny")


def _suggestion(word: str) -> str:
    """What to write instead of an IPv4 network with host bits; or of a short address."""
    try:
        if "/" in word:
            return f"write {IPv4Network(word, strict=False)}"
    except ValueError:
        return ""
    octets = word.split(".")
    short = len(octets) < 4 and all(each.isdecimal() and int(each) < 256 for each in octets)
    return f"write {word}. for the network" if short else ""
