"""``Poller``: watches many descriptors through one epoll instance of its own, which the event loop watches.

Two reasons against ``loop.add_reader`` for each of them. libuv makes every descriptor it watches
non-blocking, and that flag belongs to the open file description: a program that is later handed the same
socket would find it non-blocking. And one handle per descriptor costs libuv three epoll calls and some 700
bytes; here it is one call and one dictionary entry.
"""

import asyncio
import select
from typing import Final, Protocol

from superd.log.batch import batch

READABLE: Final = select.EPOLLIN
WRITABLE: Final = select.EPOLLOUT
BROKEN: Final = select.EPOLLHUP | select.EPOLLERR
"""Reported whether asked for or not."""

EVENT_LIMIT: Final = 256
"""Descriptors served per wake-up; the rest come next time, after timers and signals had their turn."""


class Pollable(Protocol):
    """Something that owns a watched descriptor."""

    def ready(self, events: int) -> None:
        """React to ``READABLE``, ``WRITABLE`` and ``BROKEN`` bits; level-triggered."""


class Poller:
    """Calls ``ready`` of whoever owns a descriptor that can be read or written."""

    __slots__ = ("_epoll", "_gone", "_loop", "_owners")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._owners: dict[int, Pollable] = {}
        self._gone: set[int] = set()
        loop.add_reader(self._epoll.fileno(), self._wake)

    def __len__(self) -> int:
        return len(self._owners)

    def watch(self, fd: int, owner: Pollable, events: int = READABLE) -> None:
        """Start watching; the descriptor must not be watched yet."""
        self._epoll.register(fd, events)
        self._owners[fd] = owner

    def change(self, fd: int, events: int) -> None:
        """Watch for these events from now on; 0 leaves ``BROKEN`` alone."""
        self._epoll.modify(fd, events)

    def forget(self, fd: int) -> None:
        """Stop watching; to be called before the descriptor is closed. Not watched is fine."""
        if self._owners.pop(fd, None) is not None:
            self._epoll.unregister(fd)
            self._gone.add(fd)

    def drop(self, fd: int) -> None:
        """Like ``forget``, for a descriptor nobody else holds and that is closed next: epoll notices."""
        if self._owners.pop(fd, None) is not None:
            self._gone.add(fd)

    def owners(self) -> tuple[Pollable, ...]:
        """Whose descriptors are watched."""
        return tuple(self._owners.values())

    def close(self) -> None:
        """Stop watching everything."""
        if not self._epoll.closed:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
        self._owners.clear()

    def _wake(self) -> None:
        owners, gone = self._owners, self._gone
        gone.clear()
        with batch:
            for fd, events in self._epoll.poll(0, EVENT_LIMIT):
                if fd in gone:
                    continue  # forgotten earlier in this turn, and perhaps already in use for another
                owners[fd].ready(events)
