"""Asks name servers and the netgroup database about the words of hosts.allow and hosts.deny: ``look_up``.

These are the look-ups of tcpdchk(8). They need the network and time, so ``superd check`` does them when told to.
"""

import asyncio
import ctypes
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from ipaddress import ip_address
from typing import Final, NamedTuple

from superd.access.facts import PARANOID, UNKNOWN
from superd.access.hosts_access.patterns import HostPattern, Literal6, Netgroup, Text, is_plain
from superd.access.hosts_access.table import Table
from superd.config.origin import Origin, Report
from superd.lookup.names import Names

WORDS_LIMIT: Final = 1000
"""Different words that are looked up; more would take minutes, and servers might not like it."""

AT_ONCE: Final = 16
"""Look-ups under way."""

DEADLINE: Final = 10.0
"""Seconds for one look-up, as long as resolv.conf(5) lets the first server take for two tries."""

_KEYWORDS: Final = frozenset({"ALL", "FAIL", UNKNOWN.upper(), PARANOID.upper()})

Remark = Callable[[], Awaitable[str]]


class Word(NamedTuple):
    """A word worth a look-up; ``server``: it names this machine."""

    text: str
    server: bool
    origin: Origin


def look_up(tables: Sequence[Table], report: Report) -> None:
    """Report names, addresses and netgroups that rules mention and that name servers don't know, or know otherwise."""
    words = list(dict.fromkeys(word for table in tables for word in _words(table)))
    if len(words) > WORDS_LIMIT:
        text = f"more than {WORDS_LIMIT} names, addresses and netgroups; the rest is not looked up"
        report.warning("hosts-dns", words[WORDS_LIMIT].origin, text)
    asyncio.run(_look_up(words[:WORDS_LIMIT], report))


def _words(table: Table) -> Iterator[Word]:
    """Every word once, at its first place."""
    seen: set[tuple[str, bool]] = set()
    for position in range(len(table)):
        rule = table.rule(position)
        hosts = [(client.host, False) for part in rule.clients.parts for client in part]
        hosts += [(daemon.host, True) for part in rule.daemons.parts for daemon in part if daemon.host]
        for host, server in hosts:
            if (host.word, server) not in seen and _is_one_host(host):
                seen.add((host.word, server))
                yield Word(host.word, server, table.origin(rule))


def _is_one_host(host: HostPattern) -> bool:
    if isinstance(host, Text):
        return is_plain(host.word) and host.word.upper() not in _KEYWORDS
    return isinstance(host, Netgroup | Literal6)


async def _look_up(words: Sequence[Word], report: Report) -> None:
    turns = asyncio.Semaphore(AT_ONCE)
    names = Names(asyncio.get_running_loop(), deadline=DEADLINE)

    async def remark(word: Word) -> str:
        async with turns:
            return await (_of_address(word, names) if _is_address(word.text) else _of_name(word))

    try:
        hosts = [word for word in words if not word.text.startswith("@")]
        remarks = dict(zip(hosts, await asyncio.gather(*map(remark, hosts)), strict=True))
    finally:
        await names.close()
    for word in words:
        if word.text.startswith("@"):
            _of_netgroup(word, report)
        elif remarks[word]:
            report.warning("hosts-dns", word.origin, f"{word.text}: {remarks[word]}")


def _is_address(word: str) -> bool:
    try:
        ip_address(word.strip("[]"))
    except ValueError:
        return False
    return True


async def _of_address(word: Word, names: Names) -> str:
    answer = await names.name(word.text.strip("[]"))
    if answer.name == UNKNOWN:
        return f"this address has no name ({answer.why})" if answer.why else "this address has no name"
    return f"the name of this address is not trusted: {answer.why}" if answer.name == PARANOID else ""


async def _of_name(word: Word) -> str:
    loop = asyncio.get_running_loop()
    asked = loop.getaddrinfo(word.text, None, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
    try:
        found = await asyncio.wait_for(asked, DEADLINE)
    except TimeoutError:
        return "nobody could say in time whether there is a host of this name"
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return f"there is no host of this name ({reason})"
    official = next((name for *_, name, _ in found if name), word.text)
    if official.lower() != word.text.lower():
        return f"this name is an alias, which matches nobody: the host's official name is {official}"
    if word.server and len({address[0] for *_, address in found}) > 1:
        return "this host has more than one address; consider using an address instead"
    return ""


def _of_netgroup(word: Word, report: Report) -> None:
    """Ask setnetgrent(3), which blocks; there are few netgroups."""
    libc = ctypes.CDLL(None)
    host, user, domain = (ctypes.c_char_p() for _ in range(3))
    group = word.text[1:].encode("latin-1", "replace")
    known = libc.setnetgrent(group) and libc.getnetgrent(*map(ctypes.byref, (host, user, domain)))
    libc.endnetgrent()
    if not known:
        report.warning("hosts-netgroup", word.origin, f"{word.text} is an unknown or empty netgroup")
