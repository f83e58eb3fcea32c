"""Read every file of a directory with the configuration readers: ``read_corpus.py DIR``.

Prints how many files, services, comments and diagnostics there were. Fails when a reader raises, or when a line that is
neither blank nor a comment is neither part of a service, defaults or include, nor diagnosed.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from superd.config import detect, inetd, lexer, stanzas
from superd.config.derive import derive
from superd.config.machine import Machine
from superd.config.model import Family
from superd.config.origin import Report
from superd.config.sources import Unreadable, read_text
from superd.config.written import WrittenService
from superd.config.xinetd import Reader

BLANKS: Final = " \t\r"


@dataclass(slots=True)
class Counts:
    """What was met."""

    files: int = 0
    lines: int = 0
    comments: int = 0
    services: int = 0
    startable: int = 0
    errors: int = 0
    warnings: int = 0
    lost: list[str] = field(default_factory=list)
    """Lines that nothing accounts for, as ``file:line``."""


def read(path: Path, counts: Counts) -> None:
    """Read one file and account for each of its lines."""
    report = Report()
    text = read_text(str(path), report)
    counts.files += 1
    rows = [(number, row.strip(BLANKS)) for number, row in enumerate(text.split("\n"), 1)]
    counts.comments += sum(1 for _, row in rows if row.startswith("#"))
    counts.lines += sum(1 for _, row in rows if row and not row.startswith("#"))
    if detect.kind(text) == "xinetd":
        reader = Reader(report)
        reader.read(str(path), text)
        services = reader.services()
        covered = set(_xinetd_lines(path, text, report))
    else:
        services = inetd.read(str(path), text, report)
        covered = set(_inetd_lines(path, rows, services, report))
    machine = Machine(resolve=_no_names)
    counts.services += len(services)
    counts.startable += sum(1 for each in services if derive(each, report, machine) is not None)
    counts.errors += sum(1 for each in report.diagnostics if each.severity == "error")
    counts.warnings += sum(1 for each in report.diagnostics if each.severity == "warning")
    counts.lost += [
        f"{path}:{number}: {row}"
        for number, row in rows
        if row and not row.startswith("#") and number not in covered
    ]


def _no_names(_name: str, _family: Family) -> tuple[str, ...]:
    return ()


def _xinetd_lines(path: Path, text: str, report: Report) -> Iterator[int]:
    diagnosed = {each.origin.line for each in report.diagnostics}
    for item in stanzas.parse(str(path), lexer.lines(str(path), text, Report()), Report()):
        if isinstance(item, stanzas.Include):
            yield item.origin.line
        elif isinstance(item, stanzas.Stanza) or item.origin.line in diagnosed:
            yield from range(item.origin.line, item.end + 1)


def _inetd_lines(
    path: Path, rows: list[tuple[int, str]], services: list[WrittenService], report: Report
) -> Iterator[int]:
    here = [each for each in report.diagnostics if each.origin.file == str(path)]
    yield from (each.origin.line for each in here)
    yield from (
        int(line) for each in here for line in re.findall(rf"{re.escape(str(path))}:(\d+)", each.text)
    )
    yield from _refused_definitions(rows, {each.origin.line for each in here})
    for service in services:
        yield from range(service.origin.line, service.end + 1)
    yield from (number for number, row in rows if row.endswith(":") and len(row.split()) == 1)


def _refused_definitions(rows: list[tuple[int, str]], diagnosed: set[int]) -> Iterator[int]:
    """NetBSD's ``name on key = value, ...;`` over several lines: an error at its head is one for all of it."""
    inside = False
    for number, row in rows:
        inside = inside or (number in diagnosed and row.split()[1:2] == ["on"])
        if inside:
            yield number
        inside = inside and not row.endswith(";")


def main() -> int:
    """Read the directory named on the command line."""
    counts = Counts()
    for path in sorted(Path(sys.argv[1]).iterdir()):
        try:
            read(path, counts)
        except Unreadable as error:
            counts.lost.append(f"{path}: {error}")
    for lost in counts.lost:
        print(f"not accounted for: {lost}")
    print(
        f"{counts.files} files, {counts.lines} lines and {counts.comments} comments: {counts.services} services"
        f" ({counts.startable} can be started here), {counts.errors} errors, {counts.warnings} warnings,"
        f" {len(counts.lost)} lines not accounted for"
    )
    return 1 if counts.lost else 0


if __name__ == "__main__":
    sys.exit(main())
