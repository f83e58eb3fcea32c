"""Report every problem in configuration files, with the place and, where it differs, what xinetd would do.

Diagnostics go to standard output, one a line, a summary to standard error. Without files the installed configuration
is checked.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from superd.cli.options import add_dialect
from superd.cli.terminal import printable, write_line
from superd.config.load import Loaded, load
from superd.config.origin import Diagnostic, Severity


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``superd check``."""
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="file or directory to check")
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    parser.add_argument("--strict", action="store_true", help="let warnings fail, too")
    add_dialect(parser)


def run(args: argparse.Namespace) -> int:
    """Check; 0 without errors (with ``--strict``: without warnings either), 1 with, 2 for unreadable files."""
    loaded = load(args.files, args.dialect)
    diagnostics = loaded.report.diagnostics
    if args.json:
        write_line(json.dumps([_plain(each) for each in diagnostics], indent=1))
    else:
        for each in diagnostics:
            write_line(printable(str(each)))
    sys.stderr.write(f"superd: {_summary(loaded)}\n")
    failed = diagnostics if args.strict else [each for each in diagnostics if each.severity is Severity.ERROR]
    return 1 if failed else 0


def _plain(diagnostic: Diagnostic) -> dict[str, object]:
    """Flatten a diagnostic, its file and line beside its text."""
    plain = asdict(diagnostic)
    return {**plain.pop("origin"), **plain}


def _summary(loaded: Loaded) -> str:
    found = dict.fromkeys(Severity, 0)
    for each in loaded.report.diagnostics:
        found[each.severity] += 1
    services = loaded.config.services
    started = sum(1 for service in services if not service.unsupported)
    counts = [
        _count(len(loaded.config.files), "file"),
        _count(started, "service"),
        _count(found[Severity.ERROR], "error"),
        _count(found[Severity.WARNING], "warning"),
    ]
    later = len(services) - started
    return ", ".join(counts) + (f"; {later} not yet supported" if later else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
