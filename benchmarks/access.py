"""Compares decisions by hosts.allow and hosts.deny with libwrap's; needs libwrap0-dev, a C compiler and quiet.

Both are asked about the same client in turns, round after round, because a machine's speed swings; the figures are
medians, of processor time, since others may use the machine, too. The client is mentioned nowhere, so that libwrap
tries every rule. Run as ``python -m benchmarks.access``.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import tools
from superd.access.facts import ClientFacts
from superd.access.hosts_access import HostsAccess

DAEMON, ADDRESS, NAME = "sshd", "203.0.113.7", "client.example.org"

MANY = 10_000
HUGE = 132_723
"""Rules of a hosts.deny that a log watcher has filled for years."""

LIBWRAP_SECONDS = 0.2
"""About how long libwrap is measured each time; 200 decisions by 10,000 rules would take a second."""

REPEAT = 10_000
"""Decisions of superd that are measured each time."""

Line = Callable[[int], str]

KINDS: dict[str, Line] = {
    "exact addresses": lambda n: f"{DAEMON}: 10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}",
    "networks (/24)": lambda n: f"{DAEMON}: 10.{n >> 8 & 255}.{n & 255}.0/24",
    "prefixes (10.1.2.)": lambda n: f"{DAEMON}: 10.{n >> 8 & 255}.{n & 255}.",
    "domains (.example.com)": lambda n: f"{DAEMON}: .net{n}.example.com",
    "host names": lambda n: f"{DAEMON}: host{n}.example.com",
    "wildcards (10.1.?.*)": lambda n: f"{DAEMON}: 10.{n >> 8 & 255}.?.{n & 255}*",
    "wildcards (*.net1.*)": lambda n: f"{DAEMON}: *.net{n}.*",
    "IPv6 networks (/48)": lambda n: f"{DAEMON}: [2001:db8:{n:x}::]/48",
    "IPv6 addresses": lambda n: f"{DAEMON}: [2001:db8:{n:x}::1]",
    "other daemons": lambda n: f"daemon{n}: ALL",
    "mixed": lambda n: list(KINDS.values())[n % 10](n),
}

SMALL = "two rules"


@dataclass
class Decisions:
    """The figures of one file: microseconds of a decision by each, milliseconds to load."""

    title: str
    rules: int
    superd: list[float] = field(default_factory=list)
    libwrap: list[float] = field(default_factory=list)
    load: list[float] = field(default_factory=list)

    def row(self) -> str:
        """One row of the table."""
        ours, theirs = statistics.median(self.superd), statistics.median(self.libwrap)
        figures = (
            f"{ours:,.1f}",
            f"{theirs:,.1f}",
            f"{theirs / ours:,.1f}",
            f"{statistics.median(self.load):,.1f}",
        )
        return "| " + " | ".join((self.title, f"{self.rules:,}", *figures)) + " |"


def cases() -> Iterable[tuple[Decisions, str, str]]:
    """Each measurement with its hosts.allow and hosts.deny."""
    yield Decisions(SMALL, 2), f"{DAEMON}: 10. .example.com\n", "ALL: 192.168.\n"
    for title, line in KINDS.items():
        yield Decisions(title, MANY), "", "".join(f"{line(number)}\n" for number in range(MANY))
    exact = KINDS["exact addresses"]
    for rules in (HUGE // 4, HUGE // 2, HUGE):
        yield (
            Decisions("exact addresses", rules),
            "",
            "".join(f"{exact(number)}\n" for number in range(rules)),
        )


def measure(rounds: int, directory: Path) -> list[Decisions]:
    """Measure everything; both take turns."""
    timer = directory / "libwrap_time"
    tools.compile_c(["-O2", "-o", str(timer), str(tools.HERE / "libwrap_time.c"), "-lwrap"])
    found = []
    for decisions, allow, deny in cases():
        paths = directory / "hosts.allow", directory / "hosts.deny"
        for path, text in zip(paths, (allow, deny), strict=True):
            path.write_text(text)
        for _ in range(rounds):
            ours(decisions, paths)
            theirs(decisions, timer, paths)
        sys.stderr.write(decisions.row() + "\n")
        found.append(decisions)
    return found


def ours(decisions: Decisions, paths: tuple[Path, Path]) -> None:
    """Measure superd: a load and some decisions."""
    facts = ClientFacts(ADDRESS, name=NAME, user="unknown")
    start = time.process_time()
    hosts = HostsAccess(*paths)
    decisions.load.append((time.process_time() - start) * 1e3)
    for repeat in (REPEAT // 10, REPEAT):  # the first ones warm up
        start = time.process_time()
        for _ in range(repeat):
            verdict = hosts.decide(DAEMON, facts)
    decisions.superd.append((time.process_time() - start) / REPEAT * 1e6)
    if not verdict.allowed:
        raise RuntimeError(f"{decisions.title}: superd refuses {ADDRESS}: {verdict.rule}")


def theirs(decisions: Decisions, timer: Path, paths: tuple[Path, Path]) -> None:
    """Measure libwrap, for about the wanted time."""
    last = decisions.libwrap[-1] if decisions.libwrap else decisions.rules * 0.5 + 10
    repeat = max(3, int(LIBWRAP_SECONDS * 1e6 / last))
    command: list[str | Path] = [timer, *paths, DAEMON, ADDRESS, NAME, str(repeat)]
    figure, granted = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    decisions.libwrap.append(float(figure))
    if int(granted) != repeat:
        raise RuntimeError(f"{decisions.title}: libwrap refuses {ADDRESS}")


def report(rounds: int, found: Sequence[Decisions]) -> str:
    """The table."""
    return f"""## Decisions by hosts.allow and hosts.deny

{tools.machine()}; libwrap {tools.package_version("libwrap0")}. {rounds} rounds, both in turns; medians of processor
time. The client is in none of the rules. superd's decision includes a stat(2) of each file, libwrap's reads them;
loading is what superd does once.

| rules | number | superd, us a decision | libwrap, us a decision | libwrap / superd | superd loads, ms |
| --- | ---: | ---: | ---: | ---: | ---: |
""" + "".join(f"{decisions.row()}\n" for decisions in found)


def run(rounds: int) -> str:
    """Measure in a directory of its own and return the table."""
    with tempfile.TemporaryDirectory(prefix="superd-bench-") as name:
        return report(rounds, measure(rounds, Path(name)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write the table to standard output."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.access", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    sys.stdout.write(run(parser.parse_args(arguments).rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
