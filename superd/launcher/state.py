"""A launcher's part of the state dump: one line per running program."""

import time
from collections.abc import Iterator

from superd.launcher.table import Child, Table
from superd.privsep.messages import StateEnd, StateLine


def describe(name: str, table: Table, commands: int) -> Iterator[StateLine | StateEnd]:
    """Describe what the launcher ``name`` runs: pid, peer, and start in local time; commands of rules; the end mark."""
    now, monotonic = time.time(), time.monotonic()
    yield StateLine("", "launcher", f"{name}: {len(table)} running programs")
    if commands:
        yield StateLine("", "commands", f"{commands} of hosts.allow and hosts.deny")
    for child in table:
        started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now - monotonic + child.since))
        yield StateLine(
            child.launch.service, "program", f"pid {child.pid}, peer {_peer(child)}, started {started}"
        )
    yield StateEnd()


def _peer(child: Child) -> str:
    host, port = child.launch.peer_host, child.launch.peer_port
    if not host:
        return "unknown"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
