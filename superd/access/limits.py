"""The counters of one service: ``Counters`` (connections), ``Window`` (rate of the service), ``SourceRates``.

All are O(1) per connection and know no clock: the time comes as an argument.
"""

from collections import OrderedDict
from typing import Final

from superd.config.model import Rate

SOURCES_LIMIT: Final = 16384
"""Sources remembered per service for ``source_rate``: a few MB. Over it the one not seen longest is forgotten, so a
flood from more addresses than this is not slowed down; ``cps`` and ``instances`` are."""

SOURCE_WINDOW: Final = 60.0
"""Seconds over which one source's connections are counted (inetd(8) of FreeBSD: per minute)."""


class Counters:
    """Live connections of a service, in total and per host; bounded by the connections themselves."""

    __slots__ = ("_hosts", "total")

    def __init__(self) -> None:
        self.total = 0
        self._hosts: dict[str, int] = {}

    def enter(self, host: str) -> None:
        """Count a connection that was admitted."""
        self.total += 1
        self._hosts[host] = self._hosts.get(host, 0) + 1

    def leave(self, host: str) -> None:
        """Forget a connection that ended. Raises KeyError when the host has none."""
        left = self._hosts[host] - 1
        self.total -= 1
        if left:
            self._hosts[host] = left
        else:
            del self._hosts[host]

    def of(self, host: str) -> int:
        """Return the number of live connections of a host."""
        return self._hosts.get(host, 0)


class Window:
    """Attempts in a window of time; trips when there are more than the rate allows.

    With ``Rate.window`` unset this is xinetd's arithmetic: the window is as many seconds as ``starts``, and
    what is compared is the whole number of attempts per whole second since it began. So ``cps = 50 10``
    trips on the 51st attempt within a second, but also lets 100 attempts pass when the second half comes a
    second later.
    """

    __slots__ = ("_count", "_rate", "_start")

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._start = 0.0
        self._count = 0

    def trips(self, now: float) -> bool:
        """Count an attempt at ``now`` (monotonic seconds), and tell whether it is one too many."""
        if self._rate.window is None:
            return self._per_second(int(now))
        return self._fixed(now, self._rate.window)

    def _per_second(self, now: int) -> bool:
        age = now - int(self._start)
        if not self._count or age >= self._rate.starts:
            self._start, self._count = now, 1
            return False
        self._count += 1
        return self._count // max(age, 1) > self._rate.starts

    def _fixed(self, now: float, seconds: int) -> bool:
        if not self._count or now - self._start >= seconds:
            self._start, self._count = now, 0
        self._count += 1
        return self._count > self._rate.starts


class SourceRates:
    """Connections per minute of each source, in fixed windows; at most ``SOURCES_LIMIT`` sources."""

    __slots__ = ("_most", "_sources")

    def __init__(self, most: int) -> None:
        self._most = most
        self._sources: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def exceeded(self, host: str, monotonic: float) -> bool:
        """Count a connection of a source, and tell whether that is more than allowed within a minute."""
        start, count = self._sources.get(host, (monotonic, 0))
        if monotonic - start >= SOURCE_WINDOW:
            start, count = monotonic, 0
        self._sources[host] = (start, count + 1)
        self._sources.move_to_end(host)
        if len(self._sources) > SOURCES_LIMIT:
            self._sources.popitem(last=False)
        return count >= self._most
