"""The inetd.conf reader: ``read`` gives the services of one file in the words of xinetd's language.

``inetd_lines`` joins lines to entries; ``inetd_columns`` names the columns of an entry, or of a definition
that ``netbsd`` read; ``inetd_service`` builds a service from them; ``inetd_duplicates`` lets later entries
replace earlier ones. Every entry becomes a service or an error that names its line. The language is that of
inetd(8) and inetd.conf(5) of Debian, OpenBSD, FreeBSD, NetBSD, GNU inetutils, busybox and illumos.
"""

from pathlib import Path
from typing import Final

from superd.config import inetd_include, netbsd
from superd.config.dialect import FACTS, Dialect
from superd.config.inetd_columns import defined, positional
from superd.config.inetd_duplicates import Table
from superd.config.inetd_fields import FieldError, addresses
from superd.config.inetd_lines import Comment, Entry, Joiner, Source
from superd.config.inetd_service import Columns, build
from superd.config.origin import Origin, Report
from superd.config.written import Word, WrittenService

INCLUDE_DEPTH: Final = 8
"""Files that may include one another; real files include once."""

_POLICY: Final = "#@"
_INCLUDE: Final = ".include"


def read(
    file: str, text: str, report: Report, dialect: Dialect = Dialect.DEBIAN, *, switched_off: bool = False
) -> list[WrittenService]:
    """Read the text of one inetd.conf; ``file`` is its name for diagnostics and ``.include``.

    Problems go to ``report``; nothing is raised. With ``switched_off`` the entries behind update-inetd's
    ``#<off>#``, and NetBSD's ``off`` definitions, are given too, with ``disable = yes``.
    """
    reader = _Reader(dialect, report, switched_off)
    reader.read(file, text)
    return reader.table.services()


class _Reader:
    def __init__(self, dialect: Dialect, report: Report, switched_off: bool) -> None:
        self.table = Table(report)
        self._facts = FACTS[dialect]
        self._report = report
        self._switched_off = switched_off
        self._host: Word | None = None
        """The address of the last ``host:`` line."""
        self._policy: Origin | None = None
        """Where the IPsec policy in force was written."""
        self._including: list[Path] = []

    def read(self, file: str, text: str) -> None:
        source = Source(file, text, self._report)
        self._including.append(Path(file).resolve())
        for item in Joiner(source, self._facts, self._report).items():
            if isinstance(item, Comment):
                self._comment(item)
            else:
                self._entry(item, source)
        self._including.pop()

    def _comment(self, comment: Comment) -> None:
        if not comment.text.startswith(_POLICY):
            return
        policy = comment.text.removeprefix(_POLICY).strip()
        self._policy = comment.origin if policy and self._facts.policy_lines else None
        if not policy:
            return
        text = f"the IPsec policy {policy!r} is not applied"
        if self._facts.policy_lines:
            self._report.error("ipsec-policy", comment.origin, text, hint="entries below it are not used")
        else:
            self._report.warning("ipsec-policy", comment.origin, text)

    def _entry(self, entry: Entry, source: Source) -> None:
        first = entry.words[0]
        if first.value.startswith("."):
            self._directive(entry, source)
        elif len(entry.words) == 1 and first.value.endswith(":") and not entry.off:
            self._default_host(first)
        elif self._facts.key_values and not entry.off and entry.values()[1:2] in (["on"], ["off"]):
            self._definition(entry, source)
        else:
            self._positional(entry)

    def _positional(self, entry: Entry) -> None:
        if entry.off and not self._switched_off:
            return
        try:
            self._add(positional(entry, self._host), entry.off)
        except FieldError as error:
            self._refuse(entry.origin, error)

    def _definition(self, entry: Entry, source: Source) -> None:
        definition = netbsd.read(source, entry, self._report)
        if not definition.usable:
            return
        try:
            self._add(defined(definition, self._host, self._report), not definition.on)
        except FieldError as error:
            self._refuse(entry.origin, error)

    def _add(self, columns: Columns, off: bool) -> None:
        services = list(build(columns, self._facts, self._report))
        if self._policy is not None:
            raise FieldError(
                "ipsec-policy", f"it needs the IPsec policy of {self._policy}, which can't be applied"
            )
        for service in services:
            if off:
                service.disable = Word(value="yes", origin=service.origin)
            if not off or self._switched_off:
                self.table.add(service)

    def _refuse(self, origin: Origin, error: FieldError) -> None:
        self._report.error(error.code, origin, f"{error}; the entry is not used", hint=error.hint)

    def _default_host(self, word: Word) -> None:
        text = word.value[:-1] or "*"
        try:
            self._host = Word(value=text, origin=word.origin) if addresses(text) else None
        except FieldError as error:
            self._refuse(word.origin, error)

    def _directive(self, entry: Entry, source: Source) -> None:
        words = entry.values()
        if words[0] != _INCLUDE or not self._facts.key_values or len(words) == 1:
            text = f"unknown directive {' '.join(words[:2])!r}; it is not used"
            self._report.error("unknown-directive", entry.origin, text, hint=".include file is NetBSD's")
            return
        if len(self._including) > INCLUDE_DEPTH:
            self._report.error(
                "include-cycle", entry.origin, f"files include one another {INCLUDE_DEPTH} deep"
            )
            return
        host = self._host
        for path in inetd_include.find(words[1], source.file, entry.origin, self._report):
            if path.resolve() in self._including:
                self._report.error("include-cycle", entry.origin, f"{path} includes itself through this line")
            elif (text_read := inetd_include.load(path, entry.origin, self._report)) is not None:
                self.read(str(path), text_read)
            self._host = host
