"""Lines -> ``Stanza``s and ``Include``s: the grammar of xinetd.conf(5), with everything else diagnosed.

A syntax error spoils its stanza (``broken``) and nothing else. Problems inside a stanza are kept with it, because
those of a service that is switched off interest nobody.
"""

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, Literal

from superd.config.assignments import OPERATORS, Assignment, parse_line, parse_run
from superd.config.attributes import ALL, canonical
from superd.config.lexer import Line
from superd.config.origin import Origin, Report

KEYWORDS: Final = ("service", "defaults", "include", "includedir")
_SOCKET_TYPES: Final = frozenset({"stream", "dgram", "raw", "rdm", "seqpacket"})
_XINETD_SKIPS: Final = "skips everything up to the next line with a lone }"


@dataclass(slots=True)
class Stanza:
    """A ``service`` or ``defaults`` section; ``end`` is the line of its closing brace."""

    keyword: Literal["service", "defaults"]
    name: str
    origin: Origin
    end: int = 0
    assignments: list[Assignment] = field(default_factory=list)
    problems: Report = field(default_factory=Report)
    broken: bool = False
    """It has a syntax error: nothing in it can be trusted to be complete."""


@dataclass(frozen=True, slots=True)
class Include:
    """An ``include`` or ``includedir`` line."""

    keyword: Literal["include", "includedir"]
    path: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Skipped:
    """Lines that belong to no stanza; a problem was reported for the first of them."""

    origin: Origin
    end: int


Item = Stanza | Include | Skipped


def parse(file: str, lines: list[Line], report: Report) -> list[Item]:
    """Divide a file's lines into its items, in order; every line belongs to exactly one."""
    return _Parser(file, lines, report).parse()


class _Parser:
    def __init__(self, file: str, lines: list[Line], report: Report) -> None:
        self.file = file
        self.lines = lines
        self.report = report
        self.items: list[Item] = []
        self.at = 0

    def parse(self) -> list[Item]:
        while self.at < len(self.lines):
            line = self.lines[self.at]
            self.at += 1
            self.items.append(self._item(line))
        return self.items

    def _item(self, line: Line) -> Item:
        words = _split_brace(line.words)
        keyword = words[0].lower()
        origin = Origin(self.file, line.number)
        if keyword in {"service", "defaults"}:
            return self._section(line, words, origin)
        if keyword in {"include", "includedir"}:
            return self._include(words, origin)
        return self._garbage(line, words, origin)

    def _include(self, words: tuple[str, ...], origin: Origin) -> Item:
        if len(words) == 1:
            self.report.error(
                "include-without-path", origin, f"{words[0]} needs a path", xinetd=_XINETD_SKIPS
            )
            return Skipped(origin, origin.line)
        keyword: Literal["include", "includedir"] = (
            "includedir" if words[0].lower() == "includedir" else "include"
        )
        return Include(keyword, words[1], origin)

    def _section(self, line: Line, words: tuple[str, ...], origin: Origin) -> Item:
        keyword: Literal["service", "defaults"] = "service" if words[0].lower() == "service" else "defaults"
        brace = words.index("{") if "{" in words else None
        head = words[1:brace]
        if keyword == "service" and not head:
            self.report.error("service-without-name", origin, "service needs a name", xinetd=_XINETD_SKIPS)
            return self._skip(origin, opened=brace is not None)
        stanza = Stanza(keyword, head[0] if keyword == "service" else "", origin, line.number)
        if brace is not None:
            self._warn_one_line(stanza, origin)
            self._run(stanza, line, words[brace + 1 :])
            return stanza
        return self._open(stanza)

    def _open(self, stanza: Stanza) -> Item:
        line = self.lines[self.at] if self.at < len(self.lines) else None
        if line is None or line.words[0] != "{":
            self.report.error(
                "missing-open-brace",
                stanza.origin,
                f"{_title(stanza)} has no {{ on the line after it; it is left out",
                xinetd=_XINETD_SKIPS,
            )
            stanza.broken = True
            stanza.end = self._skip(stanza.origin, opened=True).end
            return stanza
        self.at += 1
        if len(line.words) == 1:
            self._body(stanza)
        else:
            self._warn_one_line(stanza, Origin(self.file, line.number))
            self._run(stanza, line, line.words[1:])
        return stanza

    def _warn_one_line(self, stanza: Stanza, origin: Origin) -> None:
        stanza.problems.warning(
            "brace-not-alone",
            origin,
            "{ should stand alone on the line after the name",
            xinetd="refuses the stanza",
        )

    def _run(self, stanza: Stanza, line: Line, words: tuple[str, ...]) -> None:
        """Read a stanza that starts, and perhaps ends, on one line."""
        close = words.index("}") if "}" in words else None
        if words and words[0].startswith("#"):
            words, close = (), None
        assignments = parse_run(words[:close], Origin(self.file, line.number), stanza.problems)
        if assignments is None:
            stanza.broken = True
        else:
            stanza.assignments += assignments
        if close is None:
            self._body(stanza)
        else:
            stanza.end = line.number
            self._after_brace(stanza, words[close + 1 :], Origin(self.file, line.number))

    def _body(self, stanza: Stanza) -> None:
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if _starts_section(line):
                break
            self.at += 1
            stanza.end = line.number
            origin = Origin(self.file, line.number)
            if line.words[0] == "}":
                self._after_brace(stanza, line.words[1:], origin)
                return
            self._attribute(stanza, line, origin)
        self._unclosed(stanza)

    def _attribute(self, stanza: Stanza, line: Line, origin: Origin) -> None:
        if _is_inetd(line.words):
            _report_inetd(stanza.problems, origin, line.words[0])
            stanza.broken = True
            return
        assignment = parse_line(line.words, origin, stanza.problems)
        if assignment is None:
            stanza.broken = True
        else:
            stanza.assignments.append(assignment)

    def _unclosed(self, stanza: Stanza) -> None:
        stanza.broken = True
        self.report.error(
            "missing-close-brace",
            stanza.origin,
            f"{_title(stanza)} has no closing }}; it is left out",
            xinetd="leaves out the stanza after it, too",
        )

    def _after_brace(self, stanza: Stanza, words: tuple[str, ...], origin: Origin) -> None:
        if not words:
            return
        if words[0].startswith("#"):
            stanza.problems.warning(
                "comment-after-brace", origin, "a comment behind }", xinetd="leaves the stanza out"
            )
            return
        stanza.broken = True
        self.report.error(
            "text-after-brace",
            origin,
            f"{words[0]!r} behind the }} of {_title(stanza)}, which is left out",
            hint="put each } on a line of its own",
            xinetd="leaves the stanza out",
        )

    def _garbage(self, line: Line, words: tuple[str, ...], origin: Origin) -> Item:
        if words[0] == "{":
            text = "{ without service or defaults before it; everything up to the next } is left out"
            self.report.error("stray-brace", origin, text)
            return self._skip(origin, opened="}" not in words)
        if words[0] == "}":
            self.report.error("stray-brace", origin, "} without a stanza before it", xinetd=_XINETD_SKIPS)
            return Skipped(origin, line.number)
        if _is_inetd(words):
            _report_inetd(self.report, origin, words[0])
            return Skipped(origin, line.number)
        if len(words) > 1 and canonical(words[0]) in ALL and words[1].startswith(OPERATORS):
            return self._homeless(words[0], origin)
        return self._unknown(words, origin)

    def _homeless(self, name: str, origin: Origin) -> Skipped:
        """An attribute behind a } that came too early: the stanza before it lacks what its author wrote."""
        before = next((item for item in reversed(self.items) if isinstance(item, Stanza)), None)
        text = f"{name} stands in no stanza"
        if before is not None:
            before.broken = True
            text += f"; {_title(before)}, which ends before it, is left out"
        self.report.error("attribute-outside", origin, text, xinetd=f"{_XINETD_SKIPS} and starts the rest")
        return Skipped(origin, origin.line)

    def _unknown(self, words: tuple[str, ...], origin: Origin) -> Item:
        near = get_close_matches(words[0].lower().rstrip("{"), KEYWORDS, 1)
        self.report.error(
            "unknown-keyword",
            origin,
            f"{words[0]!r} starts no section: expected service, defaults, include or includedir",
            hint=f"did you mean {near[0]}?" if near else "",
            xinetd=_XINETD_SKIPS,
        )
        skipped = self._skip(origin, opened="}" not in words and any(word.endswith("{") for word in words))
        if near == ["defaults"]:
            return Stanza("defaults", "", origin, skipped.end, broken=True)
        return skipped

    def _skip(self, origin: Origin, *, opened: bool) -> Skipped:
        """Leave out a section that can't be used: up to its } if it was opened, else nothing more."""
        end = origin.line
        following = self.lines[self.at] if self.at < len(self.lines) else None
        if not opened and (following is None or following.words[0] != "{"):
            return Skipped(origin, end)
        while self.at < len(self.lines) and not _starts_section(self.lines[self.at]):
            line = self.lines[self.at]
            end = line.number
            self.at += 1
            if line.words[0] == "}" or (line.words[0] == "{" and line.words[-1] == "}"):
                break
        return Skipped(origin, end)


def _title(stanza: Stanza) -> str:
    return f"service {stanza.name}" if stanza.keyword == "service" else "defaults"


def _split_brace(words: tuple[str, ...]) -> tuple[str, ...]:
    """Part ``service x{`` and ``defaults{`` into words."""
    if words[0].lower() not in {"service", "defaults{"} or len(words) > 2 or not words[-1].endswith("{"):
        return words
    head = words[-1][:-1]
    return (*words[:-1], head, "{") if head else words


def _starts_section(line: Line) -> bool:
    """Tell whether a line can only be the head of a section: a stanza that is still open lacks its brace."""
    words = line.words
    if words[0].lower() == "defaults":
        return len(words) == 1 or words[1] == "{"
    return words[0].lower() in KEYWORDS and len(words) > 1 and words[1][:2] not in {"=", "+=", "-="}


def _is_inetd(words: tuple[str, ...]) -> bool:
    """Tell a line of inetd.conf: name, socket type, protocol, wait flag, user, server."""
    return (
        len(words) >= 6
        and words[1].lower() in _SOCKET_TYPES
        and words[3].lower().startswith(("wait", "nowait"))
    )


def _report_inetd(report: Report, origin: Origin, name: str) -> None:
    report.error(
        "inetd-line",
        origin,
        f"this is a line of inetd.conf for {name}; this file is in xinetd's language",
        hint="move it to an inetd.conf of its own, or run superd convert on it",
        xinetd=_XINETD_SKIPS,
    )
