"""What the benchmarks need from the system: a C compiler, /proc, and facts about the machine."""

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent

PROGRAM = "int main(void) { return 0; }"
"""The server that is started for each connection: as little as a process can do."""

FALLBACK_PROGRAM = Path("/bin/true")

_LISTEN = "0A"
"""TCP_LISTEN in /proc/net/tcp."""


def build(directory: Path) -> tuple[Path, Path]:
    """Compile the load generator and the program to start; return their paths."""
    load, program = directory / "load", directory / "program"
    compile_c(["-O2", "-o", str(load), str(HERE / "load.c")])
    (directory / "program.c").write_text(PROGRAM)
    try:
        compile_c(["-O2", "-static", "-o", str(program), str(directory / "program.c")])
    except subprocess.CalledProcessError:
        return load, FALLBACK_PROGRAM
    return load, program


def compile_c(arguments: list[str]) -> None:
    """Run the C compiler with all warnings."""
    subprocess.run(["cc", "-Wall", "-Wextra", *arguments], check=True)


def listening(host: str) -> set[int]:
    """The TCP ports that are open on exactly this IPv4 address."""
    address = "".join(f"{int(octet):02X}" for octet in reversed(host.split(".")))
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    ends = (line.split(maxsplit=4)[1:4] for line in lines)
    return {int(end[0][9:], 16) for end in ends if end[2] == _LISTEN and end[0].startswith(address)}


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for the condition to become true, looking every millisecond."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"after {seconds:g} s still not: {what}")
        time.sleep(0.001)


def tree(pid: int) -> list[int]:
    """A process and everything below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        below = [int(word) for word in children.read_text().split()]
    except FileNotFoundError:
        return []
    return [pid, *(descendant for child in below for descendant in tree(child))]


def memory(pids: list[int]) -> int:
    """Bytes of memory these processes take together: the sum of their proportional shares (PSS)."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def machine() -> str:
    """The machine in one line, without its name."""
    cores = os.cpu_count()
    return f"{cores} cores, Linux {platform.release().split('-')[0]}, Python {platform.python_version()}"


def package_version(package: str) -> str:
    """The version of an installed Debian package, or an empty string."""
    if not shutil.which("dpkg-query"):
        return ""
    query = ["dpkg-query", "-W", "-f", "${Version}", package]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout
