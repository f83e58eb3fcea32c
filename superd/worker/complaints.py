"""``Complaints``: one log line per host and minute about datagrams that were refused, or whose service failed."""

from typing import Final

INTERVAL: Final = 60.0
"""Seconds between two lines about the same host; xinetd's figure."""

HOSTS_LIMIT: Final = 1024
"""Hosts remembered; the oldest goes first, and is then reported again. Source addresses can be forged."""

LINES_LIMIT: Final = 100
"""Lines per ``INTERVAL`` about all hosts together: forged sources are as many as someone likes."""


class Complaints:
    """Counts what is not reported, to report it with the next line about the host."""

    __slots__ = ("_hosts", "_lines", "_since")

    def __init__(self) -> None:
        self._hosts: dict[str, list[float]] = {}
        self._since = float("-inf")
        self._lines = 0

    def due(self, host: str, now: float) -> int:
        """Count one; return how many to report now, 0 for none. ``now`` is CLOCK_MONOTONIC in seconds."""
        entry = self._hosts.get(host)
        if entry is not None and now - entry[0] < INTERVAL:
            entry[1] += 1
            return 0
        if not self._room(now):
            return 0
        if entry is None and len(self._hosts) >= HOSTS_LIMIT:
            del self._hosts[next(iter(self._hosts))]
        self._hosts[host] = [now, 0]
        return 1 + (int(entry[1]) if entry else 0)

    def _room(self, now: float) -> bool:
        if now - self._since >= INTERVAL:
            self._since, self._lines = now, 0
        self._lines += 1
        return self._lines <= LINES_LIMIT
