"""Compares TFTP with tftpd-hpa, atftpd and dnsmasq on this machine; needs root, a C compiler and quiet.

Run as ``python -m benchmarks.tftp``. The servers take turns; each row is one block size, window size and number of
clients. Server and clients share one processor, because what is woken on another one can be ten times slower in a
virtual machine; ``--cpus`` says otherwise. Processor seconds are those of the server's processes for a gigabyte (10^9).
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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import tools
from benchmarks.servers import USER
from superd import __version__

HOST = "127.77.0.1"
PORT = 69
FILE = "file"
FILE_SIZE = 64 << 20

BLKSIZES = (512, 1428, 8192, 65464)
WINDOWS = (4, 16, 64)
CLIENTS = (16, 64)

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0

_V1, _V2 = Path("/sys/fs/cgroup/cpuacct"), Path("/sys/fs/cgroup")
_ENTER = 'echo $$ > "$0"/cgroup.procs && exec "$@"'
"""Starts a server in a control group, the only one who knows what tftpd-hpa's children have used (cgroups(7))."""

_ROOT = "@DIR@/root"
_HPA = ("-L", "-4", "-a", f":{PORT}", "-s", "-u", USER, _ROOT)
"""On every address, because it looks up the one it is told in a way that fails without another interface than lo."""
_ATFTPD = (
    *("--daemon", "--no-fork", "--user", "nobody.nogroup", "--verbose=3", "--maxthread", "1000"),
    *("--port", str(PORT), "--bind-address", HOST, _ROOT),
)
_DNSMASQ = (
    *("--no-daemon", "--conf-file=/dev/null", "--user=nobody", "--port=0", f"--listen-address={HOST}"),
    *("--bind-interfaces", "--enable-tftp", f"--tftp-root={_ROOT}", "--tftp-max=1000"),
    "--edns-packet-max=65535",  # bounds its blocks, too
)


@dataclass(frozen=True)
class Row:
    """One measurement."""

    blksize: int
    window: int = 1
    clients: int = 1
    curl: bool = False
    """curl reads the file once, instead of our load generator, which costs less and so shows servers' costs more."""

    @property
    def title(self) -> str:
        """Its name in the table."""
        if self.curl:
            return f"blksize {self.blksize}, curl"
        many = f"{self.clients} clients" if self.clients > 1 else "1 client"
        return f"blksize {self.blksize}, windowsize {self.window}, {many}"


ROWS = (
    *(Row(blksize, curl=True) for blksize in BLKSIZES),
    *(Row(blksize) for blksize in BLKSIZES),
    *(Row(1428, window) for window in WINDOWS),
    Row(8192, 4),
    *(Row(blksize, clients=clients) for clients in CLIENTS for blksize in BLKSIZES),
)


@dataclass(frozen=True)
class Server:
    """One TFTP server by its command line, in which ``@DIR@`` is the directory of a run."""

    name: str
    version: str
    command: tuple[str, ...]
    windows: bool = True
    """It knows windowsize."""

    @contextmanager
    def running(self, directory: Path, group: Path, cpus: str) -> Iterator[None]:
        """Start it on these processors and wait until it has the port."""
        command = [word.replace("@DIR@", str(directory)) for word in self.command]
        words = ["sh", "-c", _ENTER, str(group), "taskset", "-c", cpus, *command]
        with (directory / f"{self.name}.out").open("wb") as output:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            tools.wait_until(_bound, _START_SECONDS, f"{self.name} serves")
            time.sleep(0.5)  # its workers may still be starting; there is no common sign of it
            yield
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)
            tools.wait_until(lambda: not _bound(), _START_SECONDS, "port closed")


def superd(version: str) -> Server:
    """This project."""
    options = ("--user", USER, "--log-to", "file:@DIR@/superd.log", "--log-level", "warning")
    state = ("--state-file", "@DIR@/state", "--drain", "1")
    command = (sys.executable, "-Im", "superd", "run", "-c", "@DIR@/conf", *options, *state)
    return Server("superd", version, command)


def configuration(directory: Path) -> str:
    """The stanza of our server."""
    shape = (
        f"type = INTERNAL\nsocket_type = dgram\nprotocol = udp\nwait = yes\nuser = {USER}\nbind = {HOST}\n"
    )
    limits = "instances = UNLIMITED\nper_source = UNLIMITED\ncps = 0 1\nflags = NOLIBWRAP\n"
    return f"service tftp\n{{\n{shape}{limits}root = {directory}/root\n}}\n"


def _peers(atftpd: str) -> Iterator[Server]:
    sbin = "/usr/sbin:/usr/local/sbin"
    if hpa := shutil.which("in.tftpd", path=sbin):
        yield Server("tftpd-hpa", tools.package_version("tftpd-hpa"), (hpa, *_HPA), windows=False)
    if Path(atftpd).exists():
        yield Server("atftpd", "", (atftpd, *_ATFTPD))
    if dnsmasq := shutil.which("dnsmasq", path=sbin):
        yield Server("dnsmasq", tools.package_version("dnsmasq-base"), (dnsmasq, *_DNSMASQ), windows=False)


@contextmanager
def _group() -> Iterator[Path]:
    """A control group for the servers."""
    group = (_V1 if _V1.exists() else _V2) / f"superd-bench-{os.getpid()}"
    group.mkdir()
    try:
        yield group
    finally:
        tools.wait_until(lambda: not (group / "cgroup.procs").read_text(), _STOP_SECONDS, "servers ended")
        group.rmdir()


def _processor_seconds(group: Path) -> float:
    """What everything in the group has used."""
    if _V1 in group.parents:
        return int((group / "cpuacct.usage").read_text()) / 1e9
    lines = (group / "cpu.stat").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("usage_usec")) / 1e6


def _bound() -> bool:
    lines = Path("/proc/net/udp").read_text().splitlines()[1:]
    return any(line.split()[1].endswith(f":{PORT:04X}") for line in lines)


@dataclass(frozen=True)
class Figures:
    """What one measurement gave."""

    rate: float
    """Megabytes (10^6) a second."""
    seconds: float
    """Processor seconds of the server for a gigabyte."""
    failed: int
    repeats: int


Found = dict[Row, dict[str, list[Figures]]]


def _measure(load: Path, group: Path, row: Row, options: argparse.Namespace) -> Figures:
    before = _processor_seconds(group)
    read = _curl if row.curl else _load
    received, elapsed, failed, repeats = read(load, row, options)
    used = _processor_seconds(group) - before
    return Figures(received / elapsed, used / max(received / 1e9, 1e-9), failed, repeats)


def _load(load: Path, row: Row, options: argparse.Namespace) -> tuple[int, int, int, int]:
    numbers = [str(row.blksize), str(row.window), str(row.clients), str(int(options.seconds * 1000))]
    words = ["taskset", "-c", options.cpus, str(load), HOST, str(PORT), FILE, *numbers]
    output = subprocess.run(words, check=True, capture_output=True).stdout
    received, elapsed, failed, repeats = map(int, output.split())
    return received, elapsed, failed, repeats


def _curl(_load: Path, row: Row, options: argparse.Namespace) -> tuple[int, int, int, int]:
    """What ``_load`` returns: bytes, microseconds, failures, and repeats, which curl does not tell."""
    place = f"tftp://{HOST}:{PORT}/{FILE}"
    words = [
        "taskset",
        "-c",
        options.cpus,
        "curl",
        "-s",
        "-o",
        "/dev/null",
        "--tftp-blksize",
        str(row.blksize),
        place,
    ]
    begin = time.monotonic()
    done = subprocess.run(words, check=False)
    return FILE_SIZE, round((time.monotonic() - begin) * 1e6), done.returncode != 0, 0


def _run(options: argparse.Namespace, peers: Sequence[Server], directory: Path) -> Found:
    load = directory / "tftp_load"
    tools.compile_c(["-O2", "-pthread", "-o", str(load), str(tools.HERE / "tftp_load.c")])
    found: Found = defaultdict(lambda: defaultdict(list))
    with _group() as group:
        for number in range(options.rounds):
            turn = number % len(peers)
            for server in [*peers[turn:], *peers[:turn]]:
                with server.running(directory, group, options.cpus):
                    for row in (row for row in ROWS if server.windows or row.window == 1):
                        figures = _measure(load, group, row, options)
                        found[row][server.name].append(figures)
                        sys.stderr.write(f"{server.name:>10}  {row.title}: {figures}\n")
    return found


def _cell(figures: Sequence[Figures]) -> str:
    if not figures:
        return "-"
    rate = statistics.median(each.rate for each in figures)
    seconds = statistics.median(each.seconds for each in figures)
    failed = sum(each.failed for each in figures)
    return f"**{rate:,.0f}** ({seconds:.2f})" + (f", {failed} failed" if failed else "")


def _ratio(ours: Sequence[Figures], theirs: Sequence[Figures]) -> str:
    if not ours or not theirs:
        return "-"
    return f"{statistics.median(f.rate for f in ours) / statistics.median(f.rate for f in theirs):.2f}"


def _table(names: Sequence[str], found: Found) -> str:
    head = ["", *names, *(f"{names[0]} / {name}" for name in names[1:])]
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    for row in (row for row in ROWS if row in found):
        cells = [_cell(found[row][name]) for name in names]
        ratios = [_ratio(found[row][names[0]], found[row][name]) for name in names[1:]]
        rows.append([row.title, *cells, *ratios])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _report(options: argparse.Namespace, peers: Sequence[Server], found: Found) -> str:
    versions = ", ".join(f"{server.name} {server.version}".strip() for server in peers)
    return f"""# TFTP, {time.strftime("%Y-%m-%d")}

{tools.machine()}; {versions}.

{options.rounds} rounds of {options.seconds:g} s for each figure, the servers taking turns; server and clients on
processor {options.cpus}. Clients read {FILE_SIZE >> 20} MiB again and again. Median of megabytes (10^6) a second,
in brackets the server's processor seconds for a gigabyte.

{_table([server.name for server in peers], found)}
"""


def _prepare(directory: Path) -> None:
    directory.chmod(0o755)
    (directory / "root").mkdir()
    (directory / "conf").write_text(configuration(directory))
    with (directory / "root" / FILE).open("wb") as file:
        for _ in range(FILE_SIZE >> 20):
            file.write(os.urandom(1 << 20))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the table to standard output and to ``results``."""
    options = _parser().parse_args(arguments)
    peers = [superd(__version__), *_peers(options.atftpd)]
    if options.server:
        peers = [server for server in peers if server.name in options.server]
    with tempfile.TemporaryDirectory(prefix="superd-bench-") as name:
        directory = Path(name)
        _prepare(directory)
        found = _run(options, peers, directory)
    report = _report(options, peers, found)
    sys.stdout.write(report)
    if options.save:
        Path(options.save).write_text(report)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tftp", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one measurement")
    parser.add_argument(
        "--cpus", default="1", help="processors for the server and for the clients (taskset(1))"
    )
    parser.add_argument("--atftpd", default=os.environ.get("SUPERD_ATFTPD", "/usr/sbin/atftpd"))
    parser.add_argument("--server", action="append", help="measure only this one (may be repeated)")
    parser.add_argument("--save", help="also write the table to this file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
