"""Show what would run: one line for each address that a service listens on.

Problems are counted on standard error; ``superd check`` explains them.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from superd.cli.options import add_dialect
from superd.cli.terminal import printable, write_line
from superd.config.load import load
from superd.config.model import Builtin, Endpoint, Family, Program, Sensor, Service
from superd.config.origin import Severity

COLUMNS = ("ID", "ADDRESS", "PORT", "SOCKET", "WAIT", "USER", "ACTION")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``superd list``."""
    parser.add_argument(
        "-c",
        "--config",
        action="append",
        type=Path,
        metavar="FILE",
        help="file or directory; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    add_dialect(parser)


def run(args: argparse.Namespace) -> int:
    """List; 1 when the configuration has errors, whose services are missing from the list."""
    loaded = load(args.config or (), args.dialect)
    services = loaded.config.services
    if args.json:
        rows = [_plain(service, row) for service in services for row in _rows(service)]
        write_line(json.dumps(rows, indent=1))
    else:
        _write([COLUMNS, *(row for service in services for row in _rows(service))])
    if not loaded.report.has(Severity.ERROR):
        return 0
    sys.stderr.write("superd: the configuration has errors; superd check shows them\n")
    return 1


def _rows(service: Service) -> Iterator[tuple[str, ...]]:
    """Yield a row for each address; the ports of a range share one."""
    action = _action(service)
    wait, user = "wait" if service.wait else "nowait", _user(service)
    places = groupby(service.endpoints, lambda each: (each.family, each.address, each.device))
    for _, group in places:
        endpoints = list(group)
        yield service.key, _address(endpoints[0]), _ports(endpoints), service.socket_type, wait, user, action
    if not service.endpoints:
        yield service.key, "-", "-", service.socket_type, wait, user, action


def _address(endpoint: Endpoint) -> str:
    return f"{endpoint.address}%{endpoint.device}" if endpoint.device else endpoint.address


def _ports(endpoints: Sequence[Endpoint]) -> str:
    if endpoints[0].family is Family.UNIX:
        return "-"
    low, high = endpoints[0].port, endpoints[-1].port
    name = endpoints[0].protocol
    return f"{low}/{name}" if low == high else f"{low}-{high}/{name}"


def _user(service: Service) -> str:
    credentials = service.action.credentials
    return credentials.user if credentials else "-"


def _action(service: Service) -> str:
    if service.unsupported:
        return "not yet supported: " + ", ".join(each.feature for each in service.unsupported)
    action = service.action
    if isinstance(action, Program):
        return " ".join((action.path, *action.argv[1:]))
    if isinstance(action, Builtin):
        return f"built-in {action.name}"
    if isinstance(action, Sensor):
        return "sensor"
    return f"redirect to {action.host} port {action.port}"


def _plain(service: Service, row: tuple[str, ...]) -> dict[str, str | int]:
    names = (name.lower() for name in COLUMNS)
    return {
        **dict(zip(names, row, strict=True)),
        "file": service.origin.file,
        "line": service.origin.line,
    }


def _write(rows: Sequence[tuple[str, ...]]) -> None:
    """Print aligned columns."""
    shown = [tuple(printable(cell) for cell in row) for row in rows]
    widths = [max(len(row[column]) for row in shown) for column in range(len(COLUMNS) - 1)]
    for row in shown:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        write_line("  ".join((*cells, row[-1])))
