"""The text of netstat: ``render`` turns entries into lines, ``wanted`` chooses the states of a view.

No RFC describes the service; historically it was the output of netstat(8), and this looks like it.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import islice
from typing import Final

from superd_services.netstat.table import Entry, State

_HEADING: Final = ("Proto", "Recv-Q", "Send-Q", "Local address", "Foreign address", "State")
_NUMBERS: Final = frozenset({1, 2})
"""Columns set flush right."""


class View(StrEnum):
    """Which sockets are shown: words for the option ``show``."""

    ALL = "all"
    LISTENING = "listening"
    CONNECTIONS = "connections"


def wanted(entry: Entry, view: View) -> bool:
    """Tell whether a view has this socket; an unconnected UDP socket counts as listening."""
    listens = entry.state is State.LISTEN or (entry.protocol == "udp" and entry.remote.port == 0)
    return view is View.ALL or listens == (view is View.LISTENING)


def render(entries: Iterable[Entry], view: View, limit: int) -> bytes:
    """Return the table, lines ending in CR LF: listeners first, ``limit`` rows at most, then how many are left."""
    shown = [entry for entry in entries if wanted(entry, view)]
    shown.sort(key=lambda entry: (entry.protocol, entry.remote.port, entry.local.port))
    rows = [_HEADING, *(_row(entry) for entry in islice(shown, limit))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADING))]
    lines = [_line(row, widths) for row in rows]
    if len(shown) > limit:
        lines.append(f"... and {len(shown) - limit} more")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _row(entry: Entry) -> tuple[str, ...]:
    state = "" if entry.protocol == "udp" and entry.state is State.CLOSE else entry.state.name
    return (
        entry.protocol, str(entry.unread), str(entry.unsent), str(entry.local), str(entry.remote), state
    )  # fmt: skip


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (
        cell.rjust(width) if column in _NUMBERS else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return " ".join(cells).rstrip()
