"""Write inetd.conf as files of xinetd.d, or either kind of configuration as systemd units.

Without -o everything is printed, each file under its name. Problems in what is read go to standard error.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from superd.cli.options import add_dialect
from superd.cli.terminal import write_line
from superd.config import detect, inetd, sources, xinetd
from superd.config.convert import output, to_systemd, to_xinetd
from superd.config.convert.output import Generated
from superd.config.convert.sections import Sections
from superd.config.dialect import Dialect
from superd.config.origin import Report, Severity
from superd.config.written import WrittenService
from superd.errors import ConfigError

_TARGETS: Final = ("xinetd", "systemd")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``superd convert``."""
    parser.add_argument("--to", required=True, choices=_TARGETS, help="the language to write")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="directory to write files into")
    parser.add_argument("--force", action="store_true", help="overwrite files that exist in DIR")
    add_dialect(parser)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="configuration file to read")


def run(args: argparse.Namespace) -> int:
    """Convert; 0 without errors, 1 when something could not be read or converted, 2 for unusable files."""
    report = Report()
    files = _convert(args.files, args.to, args.dialect, report)
    for diagnostic in report.diagnostics:
        sys.stderr.write(f"{output.printable(str(diagnostic))}\n")
    if args.output is None:
        for file in files:
            write_line(f"==> {file.name} <==\n{file.text}")
    else:
        output.write(args.output, files, force=args.force)
    return 1 if report.has(Severity.ERROR) else 0


def _convert(paths: Sequence[Path], target: str, dialect: Dialect, report: Report) -> list[Generated]:
    services: list[WrittenService] = []
    sections: dict[str, Sections] = {}
    for path in paths:
        text = _read(path, report)
        if detect.kind(text) == "inetd":
            services += inetd.read(str(path), text, report, dialect, switched_off=True)
            sections[str(path)] = Sections.of(text)
        elif target == "xinetd":
            raise ConfigError(f"{path}: this is xinetd's language already")
        else:
            services += xinetd.read(str(path), text, report)
    if target == "xinetd":
        return to_xinetd.files(services, sections)
    return to_systemd.files(services)


def _read(path: Path, report: Report) -> str:
    try:
        return sources.read_text(str(path), report)
    except sources.Unreadable as error:
        raise ConfigError(f"{path}: {error}") from error
