"""``Places``: so many things at a time, and of these only so many for one party; who comes later waits."""

import asyncio
from collections import defaultdict


class Places:
    """``limit`` places in all; a party, known by its key, has at most ``share`` of them."""

    __slots__ = ("_free", "_share", "_shares", "_users")

    def __init__(self, limit: int, share: int) -> None:
        self._free = asyncio.Semaphore(limit)
        self._share = share
        self._shares: dict[str, asyncio.Semaphore] = {}
        self._users: defaultdict[str, int] = defaultdict(int)

    def members(self, party: str) -> int:
        """How many of a party have a place or wait for one."""
        return self._users.get(party, 0)

    async def take(self, party: str) -> None:
        """Wait for a place; first come, first served within a party."""
        share = self._shares.setdefault(party, asyncio.Semaphore(self._share))
        self._users[party] += 1
        try:
            await share.acquire()
        except BaseException:
            self._forget(party)
            raise
        try:
            await self._free.acquire()
        except BaseException:
            share.release()
            self._forget(party)
            raise

    def leave(self, party: str) -> None:
        """Give the place back."""
        self._free.release()
        self._shares[party].release()
        self._forget(party)

    def _forget(self, party: str) -> None:
        """Remember only parties that have a place or wait for one."""
        self._users[party] -= 1
        if not self._users[party]:
            del self._users[party], self._shares[party]
