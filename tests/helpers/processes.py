"""Reads /proc: which processes belong to a daemon under test, and as whom they run."""

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """What /proc says about one process (proc(5))."""

    pid: int
    parent: int
    title: str
    """Its command line; superd's processes show what they are there (``superd: worker common``)."""
    uids: tuple[int, ...]
    """Real, effective, saved, file system."""
    gids: tuple[int, ...]
    groups: tuple[int, ...]
    cap_permitted: int
    cap_effective: int


def read(pid: int) -> Process | None:
    """One process, or ``None`` when it is gone or a zombie."""
    try:
        text = (_PROC / str(pid) / "status").read_text()
        title = (_PROC / str(pid) / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    facts = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    if facts["State"].split()[0] in "ZX":
        return None
    return Process(
        pid=pid,
        parent=int(facts["PPid"]),
        title=title.replace(b"\0", b" ").decode(errors="replace").strip(),
        uids=_numbers(facts["Uid"]),
        gids=_numbers(facts["Gid"]),
        groups=_numbers(facts["Groups"]),
        cap_permitted=int(facts["CapPrm"], 16),
        cap_effective=int(facts["CapEff"], 16),
    )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split())


def everything() -> list[Process]:
    """Every living process."""
    pids = (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())
    return [process for pid in pids if (process := read(pid))]


def descendants(pid: int) -> list[Process]:
    """The living children of ``pid``, their children, and so on."""
    children: dict[int, list[Process]] = {}
    for process in everything():
        children.setdefault(process.parent, []).append(process)
    found, pending = [], [pid]
    while pending:
        below = children.get(pending.pop(), [])
        found += below
        pending += [process.pid for process in below]
    return found


def belonging_to(mark: str, log: Path) -> list[Process]:
    """The processes that started with ``mark`` in their environment, or have ``log`` open.

    A process that changes its title overwrites the environment that /proc shows, but still writes to the log; a
    program that was started has no log, but its environment. Nobody sees processes of other users but root.
    """
    return [process for process in everything() if _marked(process.pid, mark) or _has_open(process.pid, log)]


def _marked(pid: int, mark: str) -> bool:
    try:
        return mark.encode() in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return False


def _has_open(pid: int, file: Path) -> bool:
    try:
        return any(entry.readlink() == file for entry in (_PROC / str(pid) / "fd").iterdir())
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return False


def kill(pid: int) -> None:
    """SIGKILL, unless it is gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
