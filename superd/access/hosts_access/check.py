"""What deserves a look in hosts.allow and hosts.deny: ``check`` for a file, ``inspect`` for one that is compiled."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from superd.access.hosts_access import files
from superd.access.hosts_access.facts import Outcome
from superd.access.hosts_access.patterns import File, HostPattern, Netgroup, Never
from superd.access.hosts_access.rules import Rule
from superd.access.hosts_access.table import Table
from superd.config.origin import Diagnostic, Origin, Report, Severity

PROBLEMS_LIMIT: Final = 10_000
"""Problems that ``check`` reports about one file."""

_UNBRACKETED = re.compile(
    r"(?<![\[0-9a-z:.%])(?:[0-9a-f]{1,4}:){1,7}(?::|[0-9a-f]{1,4}:)[0-9a-f:./]*", re.IGNORECASE | re.ASCII
)
_CARRIED_OUT = frozenset({"allow", "deny"})


def check(path: Path, default: Outcome = Outcome.GRANTED) -> Report:
    """Report everything suspicious about a file; ``default`` is what its rules mean (hosts.deny: denied)."""
    loaded = files.load(str(path), default)
    report = Report()
    if loaded.error:
        report.error("hosts-file-broken", Origin(str(path), loaded.line), loaded.error)
    for error in loaded.unread:
        report.error("hosts-pattern-file", Origin(str(path)), error)
    if loaded.table is not None:
        report.diagnostics += inspect(loaded.table, PROBLEMS_LIMIT)
    return report


def inspect(table: Table, most: int) -> list[Diagnostic]:
    """Find at most so many problems of a compiled file."""
    return list(islice(_problems(table), most))


def _problems(table: Table) -> Iterator[Diagnostic]:
    for fault in table.faults:
        if not fault.fatal:
            yield _error(
                "hosts-no-colon", Origin(table.path, fault.line), f"{fault.text}; the line is skipped"
            )
    for position in table.suspects:
        rule = table.rule(position)
        unsure = f"it counts as {'not ' if table.grants(rule) else ''}matching"
        yield from _of_rule(rule, table.origin(rule), unsure)
        if _unconditional(rule) and position + 1 < len(table):
            text = f"is never reached: line {rule.number} already decides about everybody"
            yield _warning("hosts-shadowed", table.origin(table.rule(position + 1)), text)
            return


def _of_rule(rule: Rule, origin: Origin, unsure: str) -> Iterator[Diagnostic]:
    address = _UNBRACKETED.search(_after_colon(rule.text))
    if address:
        text = "an IPv6 address without brackets is cut at its colons"
        yield _error("hosts-bare-ipv6", origin, text, _brackets(address[0]))
    if rule.options.error and not address:
        text = f"{rule.options.error}; the rule refuses everybody it matches"
        yield _error("hosts-bad-option", origin, text, rule.options.hint)
    if not address:
        yield from _words(rule, origin, unsure)
    unsupported = [option.name for option in rule.options.options if option.name not in _CARRIED_OUT]
    if unsupported and not rule.options.error:
        text = f"{', '.join(unsupported)}: not carried out in this version"
        yield _warning("hosts-option-unsupported", origin, text)


def _words(rule: Rule, origin: Origin, unsure: str) -> Iterator[Diagnostic]:
    if not rule.daemons.parts[0] or not rule.clients.parts[0]:
        yield _error(
            "hosts-empty-list", origin, "a list is empty or begins with EXCEPT; the rule matches nobody"
        )
    clients = [client for part in rule.clients.parts for client in part]
    if any(client.host.word.startswith("#") for client in clients):
        text = "a comment may only stand at the beginning of a line; the words after # are client patterns"
        yield _warning("hosts-trailing-comment", origin, text)
    for host in (*(client.host for client in clients), *_daemon_hosts(rule)):
        yield from _of_host(host, origin)
    named = next((client.host.word for client in clients if client.host.doubts), "")
    if named:
        text = f"{named!r} needs the client's host name, which this version does not look up; {unsure}"
        yield _warning("hosts-needs-name", origin, text)
    if any(client.user for client in clients):
        text = f"user@host needs the user's name, which this version does not ask for; {unsure}"
        yield _warning("hosts-needs-user", origin, text)


def _of_host(host: HostPattern, origin: Origin) -> Iterator[Diagnostic]:
    if isinstance(host, Never):
        yield _error("hosts-bad-pattern", origin, f"{host.word!r} {host.why}; it matches nobody")
    elif isinstance(host, Netgroup):
        yield _warning("hosts-netgroup", origin, f"{host.word}: netgroups are not asked in this version")
    elif isinstance(host, File):
        for inner in host.patterns:
            yield from _of_host(inner, origin)


def _daemon_hosts(rule: Rule) -> Iterator[HostPattern]:
    for part in rule.daemons.parts:
        yield from (daemon.host for daemon in part if daemon.host is not None)


def _unconditional(rule: Rule) -> bool:
    """Whether a rule decides about every client of every daemon."""
    if len(rule.daemons.parts) > 1 or len(rule.clients.parts) > 1 or rule.options.aclexec:
        return False
    daemons = any(daemon.name.upper() == "ALL" and daemon.host is None for daemon in rule.daemons.parts[0])
    clients = any(client.host.word.upper() == "ALL" and not client.user for client in rule.clients.parts[0])
    return daemons and clients


def _after_colon(text: str) -> str:
    return text.partition(":")[2]


def _brackets(address: str) -> str:
    host, slash, length = address.partition("/")
    return f"write [{host}]{slash}{length}"


def _error(code: str, origin: Origin, text: str, hint: str = "") -> Diagnostic:
    return Diagnostic(Severity.ERROR, code, origin, text, hint)


def _warning(code: str, origin: Origin, text: str) -> Diagnostic:
    return Diagnostic(Severity.WARNING, code, origin, text)
