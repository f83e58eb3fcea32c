"""The counters of one service: ``Counters`` (connections), ``Window`` (rate of the service), ``SourceRates``.

All are O(1) per connection and know no clock: the time comes as an argument. What a source is, ``prefixes`` says.
"""

from collections.abc import Callable
from typing import Final

from superd.access.prefixes import SOURCE, Key, counted_by
from superd.config.model import Rate, SourceRate
from superd.net.buckets import TokenBuckets

SOURCES_LIMIT: Final = 16384
"""Sources remembered for one ``rate`` of a service: a few MB. Over it the one not seen longest is forgotten, so a
flood from more sources than this is not slowed down; ``cps`` and ``instances`` are."""


class Counters:
    """Live connections of a service, in total and (given what tells sources apart) per source.

    Bounded by the connections themselves.
    """

    __slots__ = ("_key", "_sources", "total")

    def __init__(self, key: Callable[[str], Key] | None = None) -> None:
        self.total = 0
        self._key = key
        self._sources: dict[Key, int] = {}

    def enter(self, host: str) -> None:
        """Count a connection that was admitted."""
        self.total += 1
        if self._key is not None:
            key = self._key(host)
            self._sources[key] = self._sources.get(key, 0) + 1

    def leave(self, host: str) -> None:
        """Forget a connection that ended. Raises KeyError when its source has none."""
        self.total -= 1
        if self._key is not None:
            key = self._key(host)
            left = self._sources[key] - 1
            if left:
                self._sources[key] = left
            else:
                del self._sources[key]

    def of(self, host: str) -> int:
        """Return the number of live connections of everybody who counts as one with a host."""
        return 0 if self._key is None else self._sources.get(self._key(host), 0)


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
    """Attempts of each source, by a token bucket for each; at most ``SOURCES_LIMIT`` sources."""

    __slots__ = ("_buckets", "_key")

    def __init__(self, rate: SourceRate) -> None:
        self._key = counted_by(SOURCE)
        self._buckets = TokenBuckets(rate.count / rate.period, rate.burst, SOURCES_LIMIT)

    def exceeded(self, host: str, monotonic: float) -> bool:
        """Count an attempt of a source, and tell whether that is more than its rate allows."""
        return not self._buckets.take(self._key(host), monotonic)
