"""One file, compiled: ``Table`` finds the rule that decides and what it says, without scanning the file."""

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import merge
from typing import Final

from superd.access.hosts_access import lines
from superd.access.hosts_access.facts import Applied, Outcome
from superd.access.hosts_access.index import Index
from superd.access.hosts_access.inquiry import Inquiry
from superd.access.hosts_access.lines import LogicalLine
from superd.access.hosts_access.options import CONFINING
from superd.access.hosts_access.patterns import Files
from superd.access.hosts_access.rules import Daemon, Parser, Rule, Simple
from superd.access.hosts_access.walk import walk
from superd.config.origin import Origin

SCAN_LIMIT: Final = 12
"""Rules up to which trying all is quicker than asking the index."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A line without a separator (skipped), or the error that ends the table (``fatal``)."""

    line: int
    text: str
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What one file says: ``outcome`` is ``None`` when the search goes on in the next file."""

    outcome: Outcome | None
    rule: Rule | None = None
    error: str = ""


_PASSED: Final = Decision(None)


class Table:
    """The rules of one file; ``default`` is what its rules mean without an option that says otherwise."""

    __slots__ = ("_any", "_named", "_parser", "_rules", "default", "faults", "path", "suspects")

    def __init__(self, path: str, text: str, default: Outcome, files: Files) -> None:
        self.path = path
        self.default = default
        self.faults: list[Fault] = []
        self.suspects: list[int] = []
        """Positions of the rules worth a look by ``check``: all but the plainest."""
        self._rules: list[Rule | LogicalLine] = []
        self._named: dict[str, Index] = {}
        self._any = Index()
        split = lines.split(text)
        self._parser = Parser(files)
        for line in split.lines:
            self._add(line)
        if split.error:
            self.faults.append(Fault(split.error_line, split.error, fatal=True))

    @property
    def broken(self) -> Fault | None:
        """The error that ended the table early, if any: it is always the last fault."""
        return self.faults[-1] if self.faults and self.faults[-1].fatal else None

    def origin(self, rule: Rule) -> Origin:
        """Return the place of a rule."""
        return Origin(self.path, rule.number)

    def decide(self, inquiry: Inquiry) -> Decision:
        """Find the first rule that matches, or that would deny if it did and may match."""
        for position in self._candidates(inquiry):
            rule = self.rule(position)
            answer = rule.matches(inquiry)
            if answer:
                return self._effect(rule, inquiry)
            if answer is None:
                inquiry.doubt = inquiry.doubt or self.origin(rule)
                if not self.grants(rule):
                    return Decision(Outcome.DENIED, rule)
        return _PASSED

    def __len__(self) -> int:
        return len(self._rules)

    def rule(self, position: int) -> Rule:
        """Return a rule by its position, compiling it if nobody wanted it before."""
        found = self._rules[position]
        if isinstance(found, tuple):
            compiled = self._parser.rule(*found)
            if compiled is None:
                raise AssertionError(f"{self.path}:{found[0]} had a colon when it was read")
            found = self._rules[position] = compiled
        return found

    def plain(self, position: int) -> tuple[int, Simple] | None:
        """Return line number and parts of one of the plainest rules without compiling it; ``None`` for others."""
        found = self._rules[position]
        if not isinstance(found, tuple):
            return None
        number, text = found
        simple = self._parser.simple(text)
        return None if simple is None else (number, simple)

    def _add(self, line: LogicalLine) -> None:
        position = len(self._rules)
        number, text = line
        simple = self._parser.simple(text)
        if simple is not None:
            for index in self._indexes(simple.daemons.parts[0]):
                index.add_address(position, simple.address)
            self._rules.append(line)
            if simple.options.options or simple.options.error:
                self.suspects.append(position)
            return
        rule = self._parser.rule(number, text)
        if rule is None:
            self.faults.append(Fault(number, 'missing ":" separator'))
            return
        self.suspects.append(position)
        self._rules.append(rule)
        hosts = [client.host for client in rule.clients.parts[0]]
        daemons = rule.daemons.parts[0]
        asks = any(
            daemon.host is not None and daemon.host.asks for part in rule.daemons.parts for daemon in part
        )
        for index in self._indexes(daemons):
            if asks:
                index.add_always(position)
            else:
                index.add(position, hosts, grants=self.grants(rule))

    def _indexes(self, daemons: tuple[Daemon, ...]) -> list[Index]:
        names = {daemon.plain for daemon in daemons}
        if None in names:
            return [self._any]
        return [self._named.setdefault(name, Index()) for name in names if name is not None]

    def grants(self, rule: Rule) -> bool:
        """Whether a match can only let the client in, just as it would come in otherwise: then it is safe to pass over.

        Not so under other ids, say: another rule, or none, would let the client in under those of the service.
        """
        options = rule.options
        admits = (options.terminal or self.default) in {"allow", Outcome.GRANTED}
        return admits and not options.aclexec and not any(each.name in CONFINING for each in options.options)

    def _candidates(self, inquiry: Inquiry) -> Iterable[int]:
        if len(self._rules) <= SCAN_LIMIT:
            return range(len(self._rules))
        runs = self._any.candidates(inquiry)
        named = self._named.get(inquiry.daemon)
        if named is not None:
            runs += named.candidates(inquiry)
        if len(runs) < 2:
            return runs[0] if runs else ()
        return merge(*runs)

    def _effect(self, rule: Rule, inquiry: Inquiry) -> Decision:
        """Reach the options of the rule that matched, and say what they and the file make of it."""
        options = rule.options
        if not options.options:
            return Decision(Outcome.DENIED if options.error else self.default, rule, options.error)
        walked = walk(Applied(self.origin(rule), rule.text, options, inquiry.name, inquiry.facts), inquiry)
        if not walked.complete:
            inquiry.doubt = inquiry.doubt or self.origin(rule)
            return Decision(None if self.grants(rule) else Outcome.DENIED, rule)
        if walked.error:
            return Decision(Outcome.DENIED, rule, walked.error)
        if options.terminal:
            return Decision(_TERMINAL[options.terminal], rule)
        if walked.passed is False:
            return Decision(None if self.default is Outcome.GRANTED else Outcome.GRANTED, rule)
        return Decision(self.default, rule)


_TERMINAL: Final = {"allow": Outcome.GRANTED, "deny": Outcome.DENIED, "twist": Outcome.DELEGATED}
"""What a rule means that ends with one of these."""
