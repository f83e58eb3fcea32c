"""``Cache``: values that are remembered for so many seconds, in bounded memory."""

from typing import Final, Generic, TypeVar

T = TypeVar("T")

ENTRY_LIMIT: Final = 16384
"""Values remembered; the oldest goes first, and is asked for again. About 6 MB of answers about addresses."""


class Cache(Generic[T]):
    """Key -> value until a time. Every ``now`` is CLOCK_MONOTONIC in seconds."""

    __slots__ = ("_entries", "_limit")

    def __init__(self, limit: int = ENTRY_LIMIT) -> None:
        self._limit = limit
        self._entries: dict[str, tuple[T, float]] = {}

    def get(self, key: str, now: float) -> T | None:
        """Return the value unless its time is over."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[1] <= now:
            del self._entries[key]
            return None
        return entry[0]

    def put(self, key: str, value: T, ttl: float, now: float) -> None:
        """Remember the value for ``ttl`` seconds."""
        self._entries.pop(key, None)
        if len(self._entries) >= self._limit:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = (value, now + ttl)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)
