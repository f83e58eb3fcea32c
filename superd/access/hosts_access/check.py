"""What deserves a look in hosts.allow and hosts.deny: ``Checker`` for files, ``inspect`` for one the daemon reads.

The parts: ``check_words`` (daemons and clients), ``check_options``, ``check_cover`` (rules never reached),
``check_daemons`` (names no service has), ``check_services`` (servers behind rules), ``check_permissions``, and
``check_libwrap`` (what the real library makes of the same words). docs/differences-hosts-access.md lists the codes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final

from superd.access.hosts_access import check_options, check_permissions, check_services, check_words, files
from superd.access.hosts_access.check_cover import Cover
from superd.access.hosts_access.check_daemons import DaemonNames
from superd.access.hosts_access.facts import Outcome
from superd.access.hosts_access.options import Options
from superd.access.hosts_access.patterns import File, HostPattern
from superd.access.hosts_access.rules import Daemon, Rule, WordList
from superd.access.hosts_access.table import Table
from superd.config.model import Service
from superd.config.origin import Diagnostic, Origin, Report, Severity

PROBLEMS_LIMIT: Final = 10_000
"""Problems reported about one file."""

INSPECTED_LIMIT: Final = 2_000
"""Rules the daemon looks at when it reads a file, some 50 ms; ``superd check`` looks at all of them."""

PLACES_LIMIT: Final = 3
"""Earlier rules named for one that is never reached."""

_UNBRACKETED = re.compile(
    r"(?<![\[0-9a-z:.%])(?:(?:[0-9a-f]{1,4}:){1,7}(?::|[0-9a-f]{1,4}:)|::(?=[0-9a-f:.]+(?![0-9a-z])))[0-9a-f:./]*",
    re.IGNORECASE | re.ASCII,
)


def check(path: Path, default: Outcome = Outcome.GRANTED) -> Report:
    """Report everything suspicious about one file; ``default`` is what its rules mean (hosts.deny: denied)."""
    report = Report()
    Checker(report).file(path, default)
    return report


def inspect(table: Table, most: int) -> list[Diagnostic]:
    """Find at most so many errors of a compiled file. Warnings change nobody's access and are for ``superd check``."""
    report = Report()
    checker = Checker(report)
    checker.faults(table)
    for position in table.suspects[:INSPECTED_LIMIT]:
        if len(report.diagnostics) > PROBLEMS_LIMIT:
            break
        rule = table.rule(position)
        checker.rule(rule, table.origin(rule))
    return [found for found in report.diagnostics if found.severity is Severity.ERROR][:most]


class Checker:
    """Looks at hosts.allow, then hosts.deny, and reports.

    With ``services``, daemon names are compared with theirs. ``explicit`` wants a verdict in each rule of hosts.allow.
    """

    def __init__(
        self, report: Report, services: Iterable[Service] | None = None, *, explicit: bool = False
    ) -> None:
        self._report = report
        self._services = None if services is None else tuple(services)
        self._names = None if self._services is None else DaemonNames(self._services)
        self._explicit = explicit
        self._cover = Cover()
        self._seen: set[str] = set()
        """Pattern files that were looked at."""
        self._daemons: dict[int, tuple[WordList[Daemon], tuple[Diagnostic, ...]]] = {}
        """What was found about daemon lists, which lines share, by identity."""

    def files(self, allow: Path | None, deny: Path | None) -> tuple[Table | None, Table | None]:
        """Look at both files, and return their tables (see ``file``)."""
        allowing = self.file(allow, Outcome.GRANTED) if allow else None
        denying = self.file(deny, Outcome.DENIED) if deny else None
        if allow and deny and allowing and not denying and not _refuses(allowing):
            text = f"the rules here only let in whom {deny} would refuse, and that has no rule: nobody is refused"
            self._report.warning(
                "hosts-nobody-refused", Origin(str(allow)), text, hint="write ALL: ALL there"
            )
        if self._services and (allowing or denying):
            check_services.of_services(self._services, self._report)
        return allowing, denying

    def file(self, path: Path, default: Outcome) -> Table | None:
        """Look at one file, and return its table; ``None`` when it is missing or unreadable."""
        loaded = files.load(str(path), default)
        found = Report()
        if loaded.error:
            found.error("hosts-file-broken", Origin(str(path), loaded.line), loaded.error)
        for error in loaded.unread:
            found.error("hosts-pattern-file", Origin(str(path)), error)
        check_permissions.of_path(path, found)
        everything, self._report = self._report, found
        if loaded.table is not None:
            self._table(loaded.table)
        self._report = everything
        everything.diagnostics += _in_order(found, str(path))
        return loaded.table

    def faults(self, table: Table) -> None:
        """Report lines that are no rules."""
        for fault in table.faults:
            if not fault.fatal:
                text = f"{fault.text}; the line is skipped"
                self._report.error("hosts-no-colon", Origin(table.path, fault.line), text)

    def rule(self, rule: Rule, origin: Origin) -> None:
        """Look at one rule by itself."""
        if rule.options.error and (address := _UNBRACKETED.search(rule.text.partition(":")[2])):
            text = "an IPv6 address without brackets is cut at its colons"
            whole = _UNBRACKETED.match(rule.text)  # nothing stands before it
            hint = _brackets(whole[0], "ALL: ") if whole else _brackets(address[0])
            self._report.error("hosts-bare-ipv6", origin, text, hint=hint)
            return
        self._daemon_list(rule.daemons, origin)
        check_words.of_clients(rule.clients, origin, self._report)
        check_options.of_options(rule.options, origin, self._report)
        for host in _hosts(rule):
            if isinstance(host, File):
                self._pattern_file(host)

    def _table(self, table: Table) -> None:
        self.faults(table)
        for position in range(len(table)):
            if len(self._report.diagnostics) > PROBLEMS_LIMIT:
                return
            plain = table.plain(position)
            if plain is not None and not (plain[1].options.options or plain[1].options.error):
                number, simple = plain
                origin = Origin(table.path, number)
                self._daemon_list(simple.daemons, origin)
                self._covered(self._cover.plain(simple, origin), origin)
                self._verdict(simple.options, origin, table)
            else:
                rule = table.rule(position)
                origin = table.origin(rule)
                self.rule(rule, origin)
                self._covered(self._cover.rule(rule, origin), origin)
                self._verdict(rule.options, origin, table)

    def _daemon_list(self, daemons: WordList[Daemon], origin: Origin) -> None:
        known = self._daemons.get(id(daemons))
        if known is None:
            found = Report()
            check_words.of_daemons(daemons, origin, found)
            known = self._daemons[id(daemons)] = daemons, tuple(found.diagnostics)
            if self._names is not None and not found.diagnostics:
                for daemon in chain.from_iterable(daemons.parts):
                    self._names.look(daemon, origin, self._report)
        self._report.diagnostics += [replace(each, origin=origin) for each in known[1]]

    def _pattern_file(self, file: File) -> None:
        if file.word in self._seen:
            return
        self._seen.add(file.word)
        check_permissions.of_path(Path(file.word), self._report)
        try:
            text = files.read(file.word)
        except (OSError, ValueError):
            return  # that was reported when the rules were read
        check_words.of_file(file, text, self._report)
        for inner in file.patterns:
            if isinstance(inner, File):
                self._pattern_file(inner)

    def _covered(self, earlier: list[Origin], origin: Origin) -> None:
        if earlier:
            places = " and ".join(str(each) for each in earlier[:PLACES_LIMIT])
            text = f"is never reached: everybody it means is decided about at {places}"
            self._report.warning("hosts-shadowed", origin, text)

    def _verdict(self, options: Options, origin: Origin, table: Table) -> None:
        if self._explicit and table.default is Outcome.GRANTED and not options.terminal:
            self._report.warning(
                "hosts-implicit-allow", origin, "the rule lets in without saying so", hint="add : allow"
            )


def _refuses(table: Table) -> bool:
    """Whether some rule of a hosts.allow may refuse somebody."""
    options = (table.rule(position).options for position in table.suspects)
    return any(each.terminal in {"deny", "twist"} or each.aclexec for each in options)


def _hosts(rule: Rule) -> Iterator[HostPattern]:
    for client in chain.from_iterable(rule.clients.parts):
        yield client.host
    for daemon in chain.from_iterable(rule.daemons.parts):
        if daemon.host is not None:
            yield daemon.host


def _in_order(report: Report, path: str) -> list[Diagnostic]:
    """The first problems of a file in the order of their lines, and then those of pattern files."""
    diagnostics = report.diagnostics
    if len(diagnostics) > PROBLEMS_LIMIT:
        diagnostics = diagnostics[:PROBLEMS_LIMIT]
        text = f"more than {PROBLEMS_LIMIT} problems; the rest of the file was not looked at"
        report.error("hosts-too-many", Origin(path), text)
        diagnostics.append(report.diagnostics[-1])
    return sorted(diagnostics, key=lambda each: (each.origin.file != path, each.origin))


def _brackets(address: str, before: str = "") -> str:
    """How to write an address behind which the next colon may have been taken along."""
    if address.endswith(":::") or not address.endswith("::"):
        address = address.removesuffix(":")
    host, slash, length = address.partition("/")
    return f"write {before}[{host}]{slash}{length}"
