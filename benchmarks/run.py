"""Compares superd with xinetd and openbsd-inetd on this machine; needs root, a C compiler and quiet.

The servers take turns within each round and the order changes from round to round, because a machine's speed
swings; the figures are medians, with the lowest and highest behind them. Run as ``make bench``.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import access, access_refusals, servers, tools
from benchmarks.servers import DAYTIME, ECHO, HOST, PROGRAM, WRAPPED, Server, Service

MANY = 1000
"""Services in the start-up measurement."""

RESULTS = tools.HERE / "results"


@dataclass(frozen=True)
class Rate:
    """One measurement of connections per second."""

    title: str
    mode: str
    port: int
    clients: int


RATES = (
    Rate("program starts/s, 1 client", "eof", PROGRAM, 1),
    Rate("program starts/s, 16 clients", "eof", PROGRAM, 16),
    Rate("daytime connections/s, 1 client", "eof", DAYTIME, 1),
    Rate("daytime connections/s, 16 clients", "eof", DAYTIME, 16),
    Rate("daytime, hosts.allow asked, 1 client", "eof", WRAPPED, 1),
    Rate("daytime, hosts.allow asked, 16 clients", "eof", WRAPPED, 16),
    Rate("connect-echo-close/s, 1 client", "echo", ECHO, 1),
    Rate("connect-echo-close/s, 16 clients", "echo", ECHO, 16),
)

START = f"seconds until {MANY:,} ports are open"
AT_REST = "memory at rest, MiB"
PER_CONNECTION = "memory per idle echo connection, KiB"
PROCESSES = "processes with the idle connections"
HIGHER_IS_BETTER = frozenset(rate.title for rate in RATES)


@dataclass
class Results:
    """Every figure: by measurement, then by server."""

    figures: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def add(self, title: str, server: Server, figure: float) -> None:
        """Record one figure, and show it at once."""
        self.figures[title][server.name].append(figure)
        sys.stderr.write(f"{server.name:>14}  {title}: {figure:,.4g}\n")

    def table(self, names: Sequence[str]) -> str:
        """A Markdown table of medians, ranges and ratios."""
        ratios = [f"{names[0]} / {name}" for name in names[1:]]
        rows = [["", *names, *ratios], ["---", *["---:"] * (len(names) + len(ratios))]]
        rows += [self._row(title, names) for title in self.figures]
        return "\n".join("| " + " | ".join(row) + " |" for row in rows)

    def _row(self, title: str, names: Sequence[str]) -> list[str]:
        figures = self.figures[title]
        medians = {name: statistics.median(figures[name]) for name in names if figures[name]}
        ratios = [
            f"{medians[names[0]] / medians[name]:.2f}" if medians.get(name) and names[0] in medians else "-"
            for name in names[1:]
        ]
        return [title, *(_cell(figures[name]) for name in names), *ratios]


def _cell(figures: Sequence[float]) -> str:
    if not figures:
        return "-"
    low, middle, high = min(figures), statistics.median(figures), max(figures)
    return (
        f"**{_short(middle)}** ({_short(low)}-{_short(high)})"
        if len(figures) > 1
        else f"**{_short(middle)}**"
    )


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.2f}"


@dataclass(frozen=True)
class Bench:
    """Everything one run needs."""

    options: argparse.Namespace
    load: Path
    program: Path
    directory: Path
    results: Results

    def services(self) -> list[Service]:
        """The services of the rate measurements."""
        builtins = [
            Service("daytime", DAYTIME),
            Service("echo", ECHO),
            Service("daytime", WRAPPED, wrapped=True),
        ]
        return [*builtins, Service("program", PROGRAM, self.program)]

    def rates(self, server: Server) -> None:
        """Measure every rate once."""
        with server.running(self.services(), self.directory):
            for rate in (rate for rate in RATES if server.serves(rate.port)):
                milliseconds = str(int(self.options.seconds * 1000))
                target = [rate.mode, HOST, str(rate.port), str(rate.clients), milliseconds]
                output = subprocess.run([self.load, *target], check=True, capture_output=True).stdout
                completed, failed, elapsed = map(int, output.split())
                if failed:
                    sys.stderr.write(
                        f"{server.name}: {rate.title}: {failed} of {completed + failed} failed\n"
                    )
                self.results.add(rate.title, server, completed / (elapsed / 1e6))

    def start_time(self, server: Server) -> None:
        """Measure the time from its start until every port is open."""
        many = [Service(f"service-{n}", PROGRAM + n, self.program) for n in range(MANY)]
        begin = time.monotonic()
        with server.running(many, self.directory):
            self.results.add(START, server, time.monotonic() - begin)

    def memory(self, server: Server) -> None:
        """Measure memory at rest and with many idle connections."""
        count = self.options.idle
        with server.running(self.services(), self.directory) as process:
            time.sleep(1.0)  # let workers finish starting; there is no common sign of it
            rest = tools.memory(tools.tree(process.pid))
            self.results.add(AT_REST, server, rest / 2**20)
            with self._idle(count):
                family = tools.tree(process.pid)
                self.results.add(PER_CONNECTION, server, (tools.memory(family) - rest) / count / 1024)
                self.results.add(PROCESSES, server, len(family))

    def _idle(self, count: int) -> subprocess.Popen[bytes]:
        """Hold idle connections until the block ends."""
        command = [str(self.load), "idle", HOST, str(ECHO), str(count)]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert holder.stdout
        if not holder.stdout.readline().startswith(b"ready"):
            raise RuntimeError(f"not all of {count} connections were served")
        return holder


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything and write the table to standard output and to ``results``."""
    options = _parser().parse_args(arguments)
    if os.geteuid() != 0:
        sys.stderr.write("the benchmarks need root: they use ports below 1024 and change users\n")
        return 1
    if options.only == ["access"]:
        return _access(options)
    peers = list(_peers(options))
    with tempfile.TemporaryDirectory(prefix="superd-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        load, program = tools.build(directory)
        bench = Bench(options, load, program, directory, Results())
        _measure(bench, peers)
    report = _report(bench, peers)
    sys.stdout.write(report)
    if not options.no_save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{time.strftime('%Y-%m-%d')}.md").write_text(report)
    return 0


def _access(options: argparse.Namespace) -> int:
    """Compare decisions about clients, and refusals, and write the tables."""
    report = f"# Access control, {time.strftime('%Y-%m-%d')}\n\n{access.run(options.rounds)}\n"
    report += access_refusals.run(options.rounds, options.seconds)
    sys.stdout.write(report)
    if not options.no_save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{time.strftime('%Y-%m-%d')}-access.md").write_text(report)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one rate measurement")
    parser.add_argument("--idle", type=int, default=5000, help="idle connections in the memory measurement")
    parser.add_argument("--only", choices=["rates", "start", "memory", "access"], action="append")
    parser.add_argument("--xinetd", default=shutil.which("xinetd") or "/usr/sbin/xinetd")
    parser.add_argument("--inetd", default=_openbsd_inetd(), help="path of openbsd-inetd's inetd")
    parser.add_argument("--inetd-version", default=tools.package_version("openbsd-inetd"))
    parser.add_argument("--no-save", action="store_true", help="write no file into benchmarks/results")
    return parser


def _openbsd_inetd() -> str:
    return os.environ.get("SUPERD_OPENBSD_INETD") or shutil.which("inetd") or "/usr/sbin/inetd"


def _peers(options: argparse.Namespace) -> Iterable[Server]:
    yield servers.superd("superd", "warning")
    yield servers.superd("superd with events", "info")
    if Path(options.xinetd).exists():
        yield servers.xinetd(options.xinetd)
    if Path(options.inetd).exists():
        yield servers.inetd(options.inetd, options.inetd_version)
    yield servers.bare()


def _measure(bench: Bench, peers: list[Server]) -> None:
    steps: dict[str, Callable[[Server], None]] = {
        "rates": bench.rates,
        "start": bench.start_time,
        "memory": bench.memory,
    }
    wanted = [name for name in bench.options.only or steps if name in steps]
    for number in range(bench.options.rounds):
        for name in wanted:
            if name == "memory" and number:
                continue  # memory does not swing as speed does: once is enough
            turn = number % len(peers)
            for server in peers[turn:] + peers[:turn]:
                if name == "rates" or not server.only:
                    steps[name](server)


def _report(bench: Bench, peers: list[Server]) -> str:
    versions = ", ".join(f"{server.name} {server.version}".strip() for server in peers)
    program = "a static C program" if bench.program != tools.FALLBACK_PROGRAM else str(bench.program)
    return f"""# Benchmark of {time.strftime("%Y-%m-%d")}

{tools.machine()}; {versions}.

{bench.options.rounds} rounds, the servers taking turns; each rate measured for {bench.options.seconds:g} s
a round. Median (lowest-highest). Programs: {program} that ends at once, run as {servers.USER}.
superd and xinetd log each connection to a file (log_type), "superd with events" writes its own event log besides;
openbsd-inetd logs none. "bare Python" is a loop of accept, send and close, and nothing else. None asks DNS, and
hosts.allow only where it says so. Memory is the sum of the processes'
proportional shares (PSS), with {bench.options.idle:,} idle connections.

{bench.results.table([server.name for server in peers])}
"""


if __name__ == "__main__":
    sys.exit(main())
