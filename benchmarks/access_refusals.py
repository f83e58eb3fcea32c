"""Compares how many connections a second superd and xinetd refuse; needs root, xinetd, a C compiler and quiet.

One service is flooded with connections that its ``no_access`` refuses, another with such that hosts.deny refuses, a
third, for comparison, serves them (daytime). Servers take turns. Run as ``python -m benchmarks.access_refusals``.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import access, servers, tools
from benchmarks.servers import DAYTIME, HOST, WRAPPED, Server, Service

LISTED = 1414
"""Port of the service with ``no_access``; hosts.deny is asked about the one on ``WRAPPED``."""

FLOODS = {"served (daytime)": DAYTIME, "refused by no_access": LISTED, "refused by hosts.deny": WRAPPED}
BEHIND = f"refused by hosts.deny, rule {access.MANY + 1:,}"

CLIENTS = 8
"""Processes that connect without pause."""

_SHORT = "ALL: 127.\n"
_LONG = "".join(f"ALL: 10.1.{n >> 8}.{n & 255}\n" for n in range(access.MANY)) + _SHORT
"""Two files for the flood by hosts.deny: the rule that refuses alone, and behind 10,000 others."""

_WITH_DENY = ("sh", "-c", 'mount --bind "$0" /etc/hosts.deny && exec "$@"', "@DIR@/hosts.deny")
"""Shows a server another hosts.deny; the mount is in the namespace that it is started in, and nowhere else."""

_SERVICES = (
    Service("daytime", DAYTIME),
    Service("daytime", LISTED),
    Service("daytime", WRAPPED, wrapped=True),
)

Figures = dict[str, dict[str, list[float]]]


def flooded(server: Server) -> Server:
    """The server with one service that refuses by address list, and a hosts.deny that refuses loopback."""

    def configure(services: Sequence[Service], directory: Path) -> str:
        name = f"id = daytime-{LISTED}\n"
        return server.configure(services, directory).replace(name, f"{name}no_access = 127.0.0.0/8\n")

    return replace(server, configure=configure, command=(*_WITH_DENY, *server.command))


def measure(rounds: int, seconds: float, directory: Path) -> Figures:
    """Flood every service of both servers, in turns."""
    load, _ = tools.build(directory)
    deny = directory / "hosts.deny"
    figures: Figures = defaultdict(lambda: defaultdict(list))
    for number in range(rounds):
        for server in list(contestants())[:: -1 if number % 2 else 1]:
            deny.write_text(_SHORT)
            with server.running(_SERVICES, directory):
                for title, port in FLOODS.items():
                    figures[title][server.name].append(flood(load, port, seconds))
            deny.write_text(_LONG)
            with server.running(_SERVICES, directory):
                figures[BEHIND][server.name].append(flood(load, WRAPPED, seconds))
    return figures


def contestants() -> Iterator[Server]:
    """Both servers."""
    yield flooded(servers.superd("superd", "warning"))
    yield flooded(servers.xinetd(shutil.which("xinetd") or "/usr/sbin/xinetd"))


def flood(load: Path, port: int, seconds: float) -> float:
    """Connections a second that ended as the server wants: read to the end."""
    command: list[str | Path] = [load, "eof", HOST, str(port), str(CLIENTS), str(int(seconds * 1000))]
    completed, failed, elapsed = map(
        int, subprocess.run(command, check=True, capture_output=True).stdout.split()
    )
    if failed:
        sys.stderr.write(f"{failed} of {completed + failed} connections to port {port} failed\n")
    return completed / (elapsed / 1e6)


def report(rounds: int, figures: Figures) -> str:
    """The table."""
    rows = ""
    for title, rates in figures.items():
        ours, theirs = (statistics.median(rates[name]) for name in ("superd", "xinetd"))
        rows += f"| {title} | {ours:,.0f} | {theirs:,.0f} | {ours / theirs:.2f} |\n"
    return f"""## Connections refused a second

{tools.machine()}; xinetd {tools.package_version("xinetd")}. {rounds} rounds in turns, medians, {CLIENTS} clients.

| connections a second | superd | xinetd | superd / xinetd |
| --- | ---: | ---: | ---: |
{rows}"""


def run(rounds: int, seconds: float) -> str:
    """Measure in a directory of its own and return the table."""
    with tempfile.TemporaryDirectory(prefix="superd-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        return report(rounds, measure(rounds, seconds, directory))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write the table to standard output."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.access_refusals", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one flood")
    options = parser.parse_args(arguments)
    if os.geteuid() != 0:
        sys.stderr.write("this benchmark needs root: it mounts a hosts.deny of its own and changes users\n")
        return 1
    sys.stdout.write(run(options.rounds, options.seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
