"""Both files together, read again when they change: ``HostsAccess``."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from superd.access.facts import ClientFacts
from superd.access.hosts_access import check, files
from superd.access.hosts_access.facts import HostsVerdict, Outcome
from superd.access.hosts_access.inquiry import Inquiry
from superd.access.hosts_access.table import Decision
from superd.config.origin import Diagnostic, Origin, Severity

DIAGNOSTICS_LIMIT: Final = 200
"""Problems kept about each reading of a file; who has more has one, repeated."""


class _Source:
    """One of the two files: the version in force, and the one on the disk when that is broken."""

    def __init__(self, path: str, default: Outcome) -> None:
        self.path = path
        self.default = default
        self.latest = self.used = files.load(path, default)

    @property
    def kept(self) -> bool:
        """Whether an older version is in force because the one on the disk is broken."""
        return self.used is not self.latest

    def refresh(self) -> bool:
        """Read the file again if it changed; a broken new version leaves the rules as they are."""
        for path, stamp in self.latest.watch.items():
            if files.stamp(path) != stamp:
                break
        else:
            return False
        self.latest = files.load(self.path, self.default)
        broken = self.latest.error or self.latest.unread
        if not broken or self.used.error:
            self.used = self.latest
        return True

    def decide(self, inquiry: Inquiry) -> Decision:
        """Ask the table; a broken hosts.deny refuses whom it didn't get to."""
        used = self.used
        decision = _NOTHING if used.table is None else used.table.decide(inquiry)
        if decision.outcome is None and used.error and self.default is Outcome.DENIED:
            return Decision(Outcome.DENIED)
        return decision


_NOTHING = Decision(None)
_GRANTED = HostsVerdict(Outcome.GRANTED)


class HostsAccess:
    """The rules of hosts.allow and hosts.deny; an edit counts from the next decision, as with libwrap."""

    def __init__(self, allow: Path, deny: Path) -> None:
        self._sources = (_Source(str(allow), Outcome.GRANTED), _Source(str(deny), Outcome.DENIED))
        self._diagnostics: list[Diagnostic] = []
        for source in self._sources:
            self._report(source)

    def decide(self, daemon: str, client: ClientFacts) -> HostsVerdict:
        """Say whether a client may use a daemon. Costs one stat(2) per file, and no more unless one changed."""
        self._refresh()
        inquiry = Inquiry(daemon, client)
        verdict = _GRANTED
        for source in self._sources:
            decision = source.decide(inquiry)
            if decision.rule is not None or decision.outcome is not None:
                verdict = _verdict(source, decision)
            if decision.outcome is not None:
                break
        if not inquiry.effects and inquiry.question is None:
            return verdict
        effects = tuple(inquiry.effects)
        return replace(verdict, effects=effects, question=inquiry.question, doubt=inquiry.doubt)

    def take_diagnostics(self) -> tuple[Diagnostic, ...]:
        """Look at the files, and return what was found wrong since the last call, for the log."""
        self._refresh()
        taken, self._diagnostics = tuple(self._diagnostics), []
        return taken

    def _refresh(self) -> None:
        for source in self._sources:
            if source.refresh():
                self._report(source)

    def _report(self, source: _Source) -> None:
        self._diagnostics = self._diagnostics[
            :DIAGNOSTICS_LIMIT
        ]  # nobody may have taken those of earlier readings
        latest = source.latest
        if latest.error:
            self._diagnostics.append(_broken(source, latest.error, latest.line))
        self._diagnostics += [_broken(source, error) for error in latest.unread]
        if latest.table is not None and not source.kept:
            self._diagnostics += check.inspect(latest.table, DIAGNOSTICS_LIMIT)


def _broken(source: _Source, error: str, line: int = 0) -> Diagnostic:
    if source.kept:
        consequence = "the rules read before stay in force"
    elif not source.latest.error:
        consequence = "a rule with it refuses whom it may mean, and admits none of them"
    elif source.default is Outcome.DENIED:
        consequence = "everybody it does not mention before is refused"
    else:
        consequence = "only the rules before count"
    text = f"{error}; {consequence}"
    return Diagnostic(Severity.ERROR, "hosts-file-broken", Origin(source.path, line), text)


def _verdict(source: _Source, decision: Decision) -> HostsVerdict:
    outcome = decision.outcome or Outcome.GRANTED
    rule = decision.rule
    table = source.used.table
    if rule is None or table is None:
        return HostsVerdict(
            outcome, f"the file is broken: {source.used.error}", Origin(source.path, source.used.line)
        )
    return HostsVerdict(outcome, rule.text.strip(), table.origin(rule), error=decision.error)
