"""A launcher's own reading of hosts.allow and hosts.deny: ``HostsRules`` finds the options of a line it is told of.

A worker names a line and says how it reads; what is carried out is what stands in the file. If that is something else,
the file may just have changed, and nothing is done (``RefusalError``). A broken new version leaves the lines as they
were, as it does in the workers.
"""

import errno
from pathlib import Path
from typing import Final

import structlog

from superd.access.facts import ClientFacts, Need
from superd.access.hosts_access import Applied, Effect
from superd.access.hosts_access.files import Stamp, read, reason, stamp
from superd.access.hosts_access.inquiry import Inquiry, fold
from superd.access.hosts_access.lines import Lines, split
from superd.access.hosts_access.rules import Parser, Rule
from superd.access.hosts_access.walk import walk
from superd.config.origin import Origin
from superd.errors import ProtocolViolation, SuperdError
from superd.log import events
from superd.privsep.messages import Command, Launch, RuledLaunch

log = structlog.get_logger()

ALLOW: Final = "allow"
DENY: Final = "deny"

_COLONS: Final = 2
"""A line with fewer has no options, and is not kept: a launcher has nothing to do for it."""


class RefusalError(SuperdError):
    """What a rule wants is not done; ``number`` is the errno(3) to answer with, ``origin`` the rule."""

    def __init__(self, number: int, why: str, origin: Origin) -> None:
        super().__init__(why)
        self.number = number
        self.origin = origin

    def log(self, request: Launch | RuledLaunch | Command) -> None:
        """Write down why a request is refused."""
        log_failure(request, self.origin, str(self))


def log_failure(request: Launch | RuledLaunch | Command, origin: Origin, reason: str) -> None:
    """Write down what a rule wanted for a client and did not get."""
    conn = events.connection_id(request.conn)
    log.warning(events.RULE_FAILED, conn=conn, service=request.service, rule=str(origin), reason=reason)


class _File:
    """One file: its lines with options, and those of them that were asked for, compiled."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._stamp: Stamp | None = None
        self._error = ""
        self._lines: dict[int, str] = {}
        self._rules: dict[int, Rule] = {}
        self._parser = _parser()

    def rule(self, line: int, text: str) -> tuple[Origin, Rule]:
        """Return the rule at a line. Raises RefusalError when it does not read like ``text``."""
        now = stamp(self._path)
        if now != self._stamp:
            self._stamp = now
            self._error = self._read()
        origin = Origin(self._path, line)
        found = self._rules.get(line) or self._compiled(line)
        if found is None or found.text != text:
            why = self._error or "the line does not read as it did a moment ago"
            raise RefusalError(errno.ESTALE, why, origin)
        return origin, found

    def _compiled(self, line: int) -> Rule | None:
        if line not in self._lines:
            return None
        rule = self._parser.rule(line, self._lines[line])
        if rule is not None:
            self._rules[line] = rule
        return rule

    def _read(self) -> str:
        """Take over what the file says now, or return why nothing was; a broken file replaces nothing."""
        try:
            found = split(read(self._path))
        except FileNotFoundError:
            found = Lines(())
        except (OSError, ValueError) as error:
            return f"a launcher can't read it: {reason(error)}"
        if not (found.error and self._lines):
            self._lines = {line: text for line, text in found.lines if text.count(":") >= _COLONS}
            self._rules.clear()
            self._parser = _parser()
        return ""


class HostsRules:
    """Both files, each read again when it has changed."""

    def __init__(self, allow: Path, deny: Path) -> None:
        self._files = {ALLOW: _File(str(allow)), DENY: _File(str(deny))}

    def reach(self, file: str, line: int, text: str, daemon: str, facts: ClientFacts) -> "Reached":
        """Go through the options of a rule, with every ``aclexec`` taken for passed.

        Raises:
            ProtocolViolation: there is no such file, or the rule is for other daemons.
            RefusalError: the rule is not there.
        """
        if file not in self._files:
            raise ProtocolViolation("names a file of rules that does not exist")
        origin, rule = self._files[file].rule(line, text)
        if not _concerns(rule, daemon):
            raise ProtocolViolation(f"names a rule that is not for {daemon}: {origin}")
        return _reach(Applied(origin, text, rule.options, daemon, facts))


class Reached:
    """The options of a rule that were reached, in their order, each expanded; ``complete``: that is all of them."""

    __slots__ = ("complete", "effects", "origin")

    def __init__(self, origin: Origin, effects: tuple[Effect, ...], *, complete: bool) -> None:
        self.origin = origin
        self.effects = effects
        self.complete = complete


def _reach(rule: Applied) -> Reached:
    facts = rule.facts
    while True:
        inquiry = Inquiry(rule.daemon, facts)
        walked = walk(rule, inquiry)
        question = inquiry.question
        if question is None or question.need is not Need.ACLEXEC:
            break
        facts = facts.with_answer(question, True)
    return Reached(rule.origin, tuple(inquiry.effects), complete=walked.complete and not walked.error)


def _concerns(rule: Rule, daemon: str) -> bool:
    """Whether a rule's list names the daemon; what stands after EXCEPT, and ports, are left to the worker."""
    name = fold(daemon)
    return any(word.port is not None or word.test(name) for word in rule.daemons.parts[0])


def _parser() -> Parser:
    """Patterns are matched by workers only, so no pattern file is ever read."""
    return Parser(lambda _path: None)
