"""Report every problem in configuration files, with the place and, where it differs, what xinetd would do.

Diagnostics go to standard output, one a line, a summary to standard error. Without files the installed configuration
is checked. hosts.allow and hosts.deny are checked along when a service asks them, or when they are named.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from superd.cli.check_hosts import HostsFiles, is_hosts_file
from superd.cli.options import add_dialect
from superd.cli.terminal import printable, write_line
from superd.config.load import Loaded, load
from superd.config.model import Config
from superd.config.origin import Diagnostic, Report, Severity


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``superd check``."""
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="file or directory to check")
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    parser.add_argument("--strict", action="store_true", help="let warnings fail, too")
    parser.add_argument("--hosts-allow", type=Path, metavar="FILE", help="in place of /etc/hosts.allow")
    parser.add_argument("--hosts-deny", type=Path, metavar="FILE", help="in place of /etc/hosts.deny")
    parser.add_argument("--explicit", action="store_true", help="want a verdict in each rule of hosts.allow")
    parser.add_argument("--dns", action="store_true", help="look up the names and addresses in their rules")
    add_dialect(parser)


def run(args: argparse.Namespace) -> int:
    """Check; 0 without errors (with ``--strict``: without warnings either), 1 with, 2 for unreadable files."""
    loaded, hosts = _load(args)
    diagnostics = loaded.report.diagnostics
    if args.json:
        write_line(json.dumps([_plain(each) for each in diagnostics], indent=1))
    else:
        for each in diagnostics:
            write_line(printable(str(each)))
    sys.stderr.write(f"superd: {_summary(loaded, hosts.named)}\n")
    failed = diagnostics if args.strict else [each for each in diagnostics if each.severity is Severity.ERROR]
    return 1 if failed else 0


def _load(args: argparse.Namespace) -> tuple[Loaded, HostsFiles]:
    """Read the configuration, unless only hosts files are named; then the hosts files."""
    configured = [path for path in args.files if not is_hosts_file(path)]
    alone = not configured and (args.files or args.hosts_allow or args.hosts_deny)
    loaded = Loaded(Config(), Report(), ()) if alone else load(configured, args.dialect)
    services = None if alone else loaded.config.services
    hosts = HostsFiles.of(args, services)
    tables = hosts.check(loaded.report, services, explicit=args.explicit)
    if args.dns:
        # Imported here: without look-ups, neither an event loop nor a resolver is wanted.
        from superd.cli.check_dns import look_up  # noqa: PLC0415

        look_up(tables, loaded.report)
    return loaded, hosts


def _plain(diagnostic: Diagnostic) -> dict[str, object]:
    """Flatten a diagnostic, its file and line beside its text."""
    plain = asdict(diagnostic)
    return {**plain.pop("origin"), **plain}


def _summary(loaded: Loaded, named: int) -> str:
    found = dict.fromkeys(Severity, 0)
    for each in loaded.report.diagnostics:
        found[each.severity] += 1
    services = loaded.config.services
    started = sum(1 for service in services if not service.unsupported)
    counts = [
        _count(len(loaded.config.files) + named, "file"),
        _count(started, "service"),
        _count(found[Severity.ERROR], "error"),
        _count(found[Severity.WARNING], "warning"),
    ]
    later = len(services) - started
    return ", ".join(counts) + (f"; {later} not yet supported" if later else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
