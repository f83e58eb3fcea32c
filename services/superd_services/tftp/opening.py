"""``Opening``: opens a file in a thread, and lets go of it even when nobody waits for it any more."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Opening(Generic[T]):
    """The work of a call. ``release`` is done with what ``work`` returned, once ``abandon`` was called."""

    __slots__ = ("_abandoned", "_lock", "_release", "_value", "_work")

    def __init__(self, work: Callable[[], T], release: Callable[[T], None]) -> None:
        self._work = work
        self._release = release
        self._value: T | None = None
        self._abandoned = False
        self._lock = Lock()

    def __call__(self) -> T:
        """Open it (in a thread)."""
        value = self._work()
        with self._lock:
            if not self._abandoned:
                self._value = value
                return value
        self._release(value)
        return value

    def abandon(self) -> None:
        """Let go of it, now or as soon as it is open."""
        with self._lock:
            self._abandoned = True
            value, self._value = self._value, None
        if value is not None:
            self._release(value)
