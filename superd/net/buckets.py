"""``TokenBuckets``: at most so many actions per second for each of many keys, in bounded memory."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

BUCKET_LIMIT: Final = 4096
"""Keys remembered; the one not seen longest goes first, after which it has a full bucket again. About 1 MB when
full."""


class TokenBuckets:
    """A bucket per key: ``burst`` tokens at first and at most, ``rate`` new ones per second; at most ``limit`` keys.

    Each action takes the same time, however many keys there are.
    """

    __slots__ = ("_buckets", "_burst", "_limit", "_rate")

    def __init__(self, rate: float, burst: int, limit: int = BUCKET_LIMIT) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._limit = limit
        # Ordered, because the first key of a plain dict is found by passing over all that were deleted before it.
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, now: float) -> bool:
        """Take a token, if there is one; ``now`` is CLOCK_MONOTONIC in seconds."""
        tokens, since = self._buckets.pop(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - since) * self._rate)
        allowed = tokens >= 1.0
        if len(self._buckets) >= self._limit:
            self._buckets.popitem(last=False)
        self._buckets[key] = (tokens - allowed, now)
        return allowed
