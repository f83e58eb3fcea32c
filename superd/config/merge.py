"""Assignments -> values: ``Section`` applies a stanza's lines one by one, to what it inherits.

``=`` sets, ``+=`` and ``-=`` edit; a plain attribute keeps its first value, as in xinetd. Where a line that restricts
can't be used, xinetd drops the line and starts the service without it; here the attribute is ``spoiled``, and what
would use it is not started.
"""

from typing import Final

from superd.access import addresses
from superd.config import attributes
from superd.config.assignments import Assignment
from superd.config.lexer import trailing_comment
from superd.config.origin import Origin, Report
from superd.config.written import Attribute, Word, Words

Value = Word | Words

ANY: Final = ""
"""Key in ``spoiled`` for a line that may have been meant as any attribute."""

_ADDRESSES: Final = frozenset({"only_from", "no_access"})
_LOOSENED_BY_LEFTOVERS: Final = frozenset({"only_from", "enabled"})
"""Lists that admit: an entry that ``-=`` fails to remove goes on admitting."""

_FLAGS_OF_LOGS: Final = frozenset({"log_on_success", "log_on_failure"})
_SWITCHES: Final = frozenset({"enabled", "disabled"})

_FLAGS_WITHOUT_EFFECT: Final = frozenset({"REUSE", "NODELAY", "KEEPALIVE", "NORETRY"})
"""Flags that restrict nothing, so that losing them opens nothing."""

_IGNORED: Final = "ignores the line"


class Section:
    """The values of one stanza while its lines are applied; ``defaults`` is applied to by several stanzas."""

    def __init__(
        self, report: Report, inherited: dict[str, Value] | None = None, *, defaults: bool = False
    ) -> None:
        self.report = report
        self.defaults = defaults
        self.values: dict[str, Value] = dict(inherited or {})
        self.own: set[str] = set()
        """Attributes that were set here, not just inherited or edited."""
        self.spoiled: dict[str, Origin] = {}
        """Attributes whose restriction was lost, with the line that lost it."""
        self.unknown: list[Assignment] = []

    def apply(self, assignment: Assignment) -> None:
        """Apply one line; every reason not to is reported."""
        mark = attributes.ALL.get(assignment.name)
        if mark is None:
            self.unknown.append(assignment)
        elif self._belongs(assignment, mark) and self._operator_fits(assignment, mark):
            words = self._words(assignment)
            if self._count_fits(assignment, mark, len(words)):
                self._set(assignment, mark, words)

    def report_unknown(self) -> None:
        """Report the words that name no attribute; for sections where they can be nothing else."""
        for each in self.unknown:
            if attributes.report_unknown(each.spelling, each.origin, self.report):
                self.spoiled[ANY] = each.origin

    def options(self) -> dict[str, Words]:
        """Give the words of the lines that may be a built-in service's own options.

        ``+=`` and ``-=`` edit what this stanza has set before. What can't be done might restrict, so it spoils.
        """
        found: dict[str, Words] = {}
        for each in self.unknown:
            found[each.name] = self._option(each, found.get(each.name, ()))
        return found

    def _option(self, assignment: Assignment, before: Words) -> Words:
        words = self._words(assignment)
        if assignment.operator == "+=":
            return (*before, *words)
        old, new = [word.value.lower() for word in before], [word.value.lower() for word in words]
        if assignment.operator == "-=":
            missing = " ".join(word for word in new if word not in old)
            if missing:
                text = f"{assignment.spelling} is not set to {missing} here, so that -= can't take it out"
                self._spoil("nothing-removed", assignment, text, _IGNORED)
            return tuple(word for word in before if word.value.lower() not in new)
        if before and old != new:
            text = f"{assignment.spelling} was already set in {before[0].origin}, to something else"
            self._spoil("set-differently", assignment, text, _IGNORED)
        return words

    def _spoil(self, code: str, assignment: Assignment, text: str, xinetd: str, hint: str = "") -> None:
        self.report.error(code, assignment.origin, text, hint=hint, xinetd=xinetd)
        self.spoiled.setdefault(assignment.name, assignment.origin)

    def _lose(self, code: str, assignment: Assignment, mark: Attribute, text: str) -> None:
        """A line that xinetd ignores: a warning, unless it restricts."""
        if mark.restricts:
            self._spoil(code, assignment, text, "ignores the line and starts the service without it")
        else:
            self.report.warning(code, assignment.origin, f"{text}; the line is ignored")

    def _belongs(self, assignment: Assignment, mark: Attribute) -> bool:
        if self.defaults and not mark.shared:
            self._outside_service(assignment, mark)
            return False
        if not self.defaults and assignment.name not in attributes.SERVICE:
            self._outside_defaults(assignment)
            return False
        return True

    def _outside_service(self, assignment: Assignment, mark: Attribute) -> None:
        words = {word.upper() for word in assignment.words}
        harmless = assignment.name == "deny_time" or (
            assignment.name == "flags" and words <= _FLAGS_WITHOUT_EFFECT
        )
        text = f"{assignment.spelling} can't stand in defaults"
        if mark.restricts and not harmless:
            text += "; services that do not set it themselves are not started"
            self._spoil("not-in-defaults", assignment, text, "ignores the line")
        else:
            self.report.warning("not-in-defaults", assignment.origin, f"{text}; the line is ignored")

    def _outside_defaults(self, assignment: Assignment) -> None:
        off = assignment.name == "disabled" and [word.lower() for word in assignment.words] != ["no"]
        if off:
            text = "disabled can only stand in defaults; taken for disable: the service is not started"
            self._spoil(
                "disabled-in-service", assignment, text, "ignores it and starts the service", "disable = yes"
            )
            return
        text = f"{assignment.spelling} can only stand in defaults; the line is ignored"
        self.report.warning("only-in-defaults", assignment.origin, text)

    def _operator_fits(self, assignment: Assignment, mark: Attribute) -> bool:
        if assignment.name == "env" and assignment.operator == "-=":
            self._spoil("env-minus", assignment, "-= can't be used for env", "does not start the service")
            return False
        if assignment.operator == "=" or mark.edits:
            return True
        text = f"{assignment.operator} can't be used for {assignment.spelling}"
        self._lose("operator-not-allowed", assignment, mark, text)
        return False

    def _words(self, assignment: Assignment) -> Words:
        words = assignment.words
        comment = trailing_comment(words)
        if comment is not None and assignment.name != "server_args":
            words = words[:comment]
            text = f"the comment behind the values of {assignment.spelling} is cut off"
            taken = "takes its words for values, and ignores lines with too many of them"
            self.report.warning("trailing-comment", assignment.origin, text, xinetd=taken)
        elif comment is not None:
            text = "what looks like a comment is part of the server's arguments"
            self.report.warning("comment-in-arguments", assignment.origin, text)
        if any('"' in (word[0], word[-1]) or '="' in word for word in words):
            text = f"quotes mean nothing here; they stay part of the words of {assignment.spelling}"
            self.report.warning("quoted-value", assignment.origin, text)
        return tuple(Word(value=word, origin=assignment.origin) for word in words)

    def _count_fits(self, assignment: Assignment, mark: Attribute, count: int) -> bool:
        if mark.least <= count and (mark.most is None or count <= mark.most):
            return True
        text = f"{assignment.spelling} takes {_range(mark)}, not {count}"
        if mark.most == mark.least:
            self._lose("wrong-count", assignment, mark, text)
            return False
        hint = "write log_type = FILE path" if assignment.name == "log_type" and count == 1 else ""
        if self.defaults:
            self._spoil("bad-default", assignment, text, "exits", hint)
        else:
            self._spoil("too-few-or-many", assignment, text, "does not start the service", hint)
        return False

    def _set(self, assignment: Assignment, mark: Attribute, words: Words) -> None:
        name = assignment.name
        if mark.edits:
            self._edit(assignment, words)
        elif name in self.own:
            self._repeat(assignment, mark, words)
        else:
            self.own.add(name)
            self.values[name] = words[0] if mark.most == 1 else words

    def _repeat(self, assignment: Assignment, mark: Attribute, words: Words) -> None:
        first = self.values[assignment.name]
        before = first if isinstance(first, tuple) else (first,)
        text = f"{assignment.spelling} was already set in {before[0].origin}"
        if mark.restricts and [word.value for word in before] != [word.value for word in words]:
            self._spoil("set-differently", assignment, f"{text}, to something else", "keeps the first value")
        elif self.defaults and assignment.name == "log_type":
            self.report.warning(
                "second-log-type", assignment.origin, f"{text}; the first stays", xinetd="exits"
            )
        else:
            self.report.warning("set-twice", assignment.origin, f"{text}; the first value stays")

    def _edit(self, assignment: Assignment, words: Words) -> None:
        name = assignment.name
        held = self.values.get(name, ())
        before = held if isinstance(held, tuple) else (held,)
        if assignment.operator == "-=":
            self.values[name] = self._without(assignment, before, words)
        elif assignment.operator == "=" and not self.defaults and not self._adds_anyway(assignment, before):
            self.values[name] = words
            self.own.add(name)
        else:
            known = {word.value for word in before}
            self.values[name] = (*before, *(word for word in words if word.value not in known))

    def _adds_anyway(self, assignment: Assignment, before: Words) -> bool:
        """A second ``=`` in one stanza replaces the first; for no_access that would let the first ones in."""
        if assignment.name not in self.own or not before:
            return False
        if assignment.name == "no_access":
            text = "no_access was already set; the addresses are added to it"
            self.report.warning("no-access-again", assignment.origin, text, xinetd="forgets the first list")
            return True
        text = f"{assignment.spelling} was already set in {before[0].origin}; this replaces it"
        self.report.warning("list-replaced", assignment.origin, text, hint="write += to add to it")
        return False

    def _without(self, assignment: Assignment, before: Words, words: Words) -> Words:
        name = assignment.name
        drop = {key for word in words for key in _keys(name, word)}
        kept = tuple(word for word in before if not drop.issuperset(_keys(name, word)))
        missing = [
            word.value for word in words if not any(_keys(name, word) <= _keys(name, each) for each in before)
        ]
        if missing and name in _LOOSENED_BY_LEFTOVERS:
            text = f"{name} does not hold {' '.join(missing)}, so that -= can't take it out"
            self._spoil("nothing-removed", assignment, text, "ignores the line", "use no_access")
        elif missing and name in _FLAGS_OF_LOGS:
            text = f"{name} does not hold {' '.join(missing)}, so that -= can't take it out"
            xinetd = "refuses the line if there is no such flag"
            self.report.warning("log-flag-not-held", assignment.origin, text, xinetd=xinetd)
        elif name in _SWITCHES:
            text = f"-= takes ids out of {name}"
            self.report.warning("minus-removes", assignment.origin, text, xinetd="adds them")
        return kept


def _keys(name: str, word: Word) -> frozenset[str]:
    """What makes two words of a list equal: for addresses the networks they mean."""
    if name in _ADDRESSES:
        try:
            patterns = addresses.parse(word.value, word.origin)
        except ValueError:
            return frozenset({word.value})
        return frozenset(str(pattern.network or pattern.name) for pattern in patterns)
    return frozenset({word.value if name in {"env", "passenv"} else word.value.lower()})


def _range(mark: Attribute) -> str:
    if mark.most is None:
        return f"at least {mark.least} value{'s' * (mark.least != 1)}"
    if mark.most == mark.least:
        return f"{mark.least} value{'s' * (mark.least != 1)}"
    return f"{mark.least} to {mark.most} values"
