"""``TokenBuckets``: at most so many actions per second for each of many keys, in bounded memory."""

from typing import Final

BUCKET_LIMIT: Final = 4096
"""Keys remembered; the oldest goes first, after which it has a full bucket again. About 1 MB when full."""


class TokenBuckets:
    """A bucket per key: ``burst`` tokens at first and at most, ``rate`` new ones per second."""

    __slots__ = ("_buckets", "_burst", "_rate")

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str, now: float) -> bool:
        """Take a token, if there is one; ``now`` is CLOCK_MONOTONIC in seconds."""
        tokens, since = self._buckets.pop(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - since) * self._rate)
        allowed = tokens >= 1.0
        if len(self._buckets) >= BUCKET_LIMIT:
            del self._buckets[next(iter(self._buckets))]
        self._buckets[key] = (tokens - allowed, now)
        return allowed
