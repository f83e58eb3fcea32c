"""Files in xinetd's language -> ``WrittenService``s: ``Reader`` collects all files first, then inherits and filters.

xinetd hands some defaults down while it reads, so that a ``defaults`` behind a service comes too late for it. Here
every defaults section holds for every service of the load.
"""

from pathlib import Path
from typing import Final

from superd.config import attributes, lexer, sources, stanzas
from superd.config.enabling import Candidate, choose
from superd.config.merge import ANY, Section, Value
from superd.config.origin import Origin, Report
from superd.config.stanzas import Include, Stanza
from superd.config.written import Words, WrittenDefaults, WrittenService

INCLUDE_DEPTH: Final = 16
"""Files that include each other in a row; real configurations need two."""

FILES_LIMIT: Final = 20_000
"""Files of one load: includes that fan out stop here."""

_FOR_ALL: Final = (ANY, "enabled", "disabled")
"""What no service can do without when it is spoiled in defaults."""


def read(file: str, text: str, report: Report) -> list[WrittenService]:
    """Read one file, and what it includes; return the services that are switched on and whose stanza is whole."""
    reader = Reader(report)
    reader.read(file, text)
    return reader.services()


class Reader:
    """All files of one load, in the order in which they are met."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.files: list[str] = []
        self._stanzas: list[Stanza] = []
        self._defaults: list[Stanza] = []
        self._late: set[int] = set()
        self._open: list[str] = []
        self.defaults = WrittenDefaults(name="defaults", origin=Origin(""))
        """All defaults sections together; complete after ``services``."""
        self.unusable: list[WrittenService] = []
        """Services that must not start because of an error, but whose values can be looked at; as above."""

    def read(self, file: str, text: str) -> None:
        """Take in one file and everything it includes."""
        self.files.append(file)
        self._open.append(str(Path(file).resolve()))
        first_defaults = len(self._defaults)
        for item in stanzas.parse(file, lexer.lines(file, text, self.report), self.report):
            if isinstance(item, Include):
                self._include(item)
            elif isinstance(item, Stanza) and item.keyword == "service":
                self._stanzas.append(item)
            elif isinstance(item, Stanza):
                self._add_defaults(item, first_defaults)
        self._open.pop()

    def _add_defaults(self, stanza: Stanza, first: int) -> None:
        if any(each.origin.file == stanza.origin.file for each in self._defaults[first:]):
            text = "a second defaults in one file; both hold"
            self.report.warning("second-defaults", stanza.origin, text, xinetd="ignores the second")
        if self._stanzas:
            self._late.add(len(self._defaults))
        self._defaults.append(stanza)

    def _include(self, include: Include) -> None:
        path = include.path
        if not path.startswith("/"):
            text = f"{path} is looked for in the directory superd was started in"
            self.report.warning("relative-path", include.origin, text, hint="write the whole path")
        if include.keyword == "include":
            self._include_file(str(Path(path).absolute()), include.origin)
            return
        try:
            taken, passed = sources.entries(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            self.report.error("unreadable-include", include.origin, f"can't read directory {path}: {reason}")
            return
        for name in passed:
            text = f"{name} is passed over: includedir reads no names with a dot"
            self.report.warning("dotted-name", include.origin, text)
        for name in taken:
            if not Path(name).is_dir():
                self._include_file(str(Path(name).absolute()), include.origin)

    def _include_file(self, path: str, origin: Origin) -> None:
        obstacle = ""
        text = ""
        try:
            if str(Path(path).resolve()) in self._open:
                obstacle = "it includes itself"
            elif len(self._open) >= INCLUDE_DEPTH or len(self.files) >= FILES_LIMIT:
                obstacle = "too many includes"
            else:
                text = sources.read_text(path, self.report)
        except (sources.Unreadable, OSError, RuntimeError, ValueError) as error:
            obstacle = str(error)
        if obstacle:
            self.report.error("unreadable-include", origin, f"can't read {path}: {obstacle}")
        else:
            self.read(path, text)

    def services(self) -> list[WrittenService]:
        """Give every service that is switched on and can be trusted to be as its author meant it."""
        section = self._merge_defaults()
        unusable = next((section.spoiled[name] for name in _FOR_ALL if name in section.spoiled), None)
        if unusable is not None:
            text = "no service starts, because what this should have restricted is not known"
            self.report.error("defaults-unusable", unusable, text, xinetd="starts the services without it")
        candidates = [self._candidate(stanza, section) for stanza in self._stanzas]
        chosen = choose(candidates, self.defaults, self.report)
        for candidate in chosen:
            self.report.diagnostics += candidate.problems
        left_out = [each.broken or each.spoiled or unusable is not None for each in chosen]
        self.unusable = [
            each.written for each, out in zip(chosen, left_out, strict=True) if out and not each.broken
        ]
        return [each.written for each, out in zip(chosen, left_out, strict=True) if not out]

    def _merge_defaults(self) -> Section:
        section = Section(self.report, defaults=True)
        for index, stanza in enumerate(self._defaults):
            self.report.diagnostics += stanza.problems.diagnostics
            if stanza.broken:
                section.spoiled[ANY] = stanza.origin
            for assignment in stanza.assignments:
                section.apply(assignment)
                if index in self._late and assignment.name in attributes.IN_PLACE:
                    self._report_late(assignment.name, assignment.origin)
        section.report_unknown()
        origin = self._defaults[0].origin if self._defaults else Origin("")
        self.defaults = WrittenDefaults(name="defaults", origin=origin, **section.values)
        return section

    def _report_late(self, name: str, origin: Origin) -> None:
        text = f"{name} stands in a defaults behind services; it holds for them, too"
        self.report.warning("late-defaults", origin, text, xinetd="does not apply it to services read before")

    def _candidate(self, stanza: Stanza, defaults: Section) -> Candidate:
        problems = stanza.problems
        inherited = {name: value for name, value in defaults.values.items() if name in attributes.SERVICE}
        section = Section(problems, inherited)
        for assignment in stanza.assignments:
            section.apply(assignment)
        options: dict[str, Words] = {}
        if _is_internal(section.values.get("type")):
            options = section.options()
        else:
            section.report_unknown()
        for name, origin in defaults.spoiled.items():
            if name in attributes.SERVICE and name not in section.own:
                section.spoiled[name] = origin
                text = f"service {stanza.name} would take {name} from defaults, where it can't be used ({origin})"
                problems.error(
                    "defaults-blocked", stanza.origin, text, xinetd="starts the service without it"
                )
        written = WrittenService(
            name=stanza.name, origin=stanza.origin, end=stanza.end, options=options, **section.values
        )
        return Candidate(written, tuple(problems.diagnostics), stanza.broken, bool(section.spoiled))


def _is_internal(value: Value | None) -> bool:
    return isinstance(value, tuple) and any(word.value.upper() == "INTERNAL" for word in value)
