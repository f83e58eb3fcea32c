"""``Bans``: who has touched a sensor, and may not use any service for a time.

The supervisor keeps the list over reloads; each worker has a copy. A client is banned with everybody who counts as one
with it (``prefixes``): xinetd bans exact addresses, of which an IPv6 client has 2**64.
"""

import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from superd.access.prefixes import SOURCE, Key, counted_by, network
from superd.config.origin import Origin

BANS_LIMIT: Final = 10240
"""Bans at a time, as in xinetd, about 5 MB. Over it the one whose sensor was not touched for longest goes, even if it
was for ever: a list that takes nothing more would let in whoever comes last."""

FOREVER: Final = math.inf

_key = counted_by(SOURCE)


@dataclass(frozen=True, slots=True)
class Ban:
    """One entry. ``host`` is the numeric address that touched the sensor, ``until`` on CLOCK_MONOTONIC in seconds."""

    host: str
    until: float
    sensor: str
    """``Service.key``."""
    origin: Origin
    """Where the sensor was written."""

    def __str__(self) -> str:
        return network(self.host)


class Bans:
    """Bans by whom they concern, the one touched last at the end."""

    __slots__ = ("_bans",)

    def __init__(self, bans: Iterable[Ban] = ()) -> None:
        self._bans: OrderedDict[Key, Ban] = OrderedDict()
        for ban in bans:
            self.add(ban)

    def __iter__(self) -> Iterator[Ban]:
        return iter(tuple(self._bans.values()))

    def __len__(self) -> int:
        return len(self._bans)

    def add(self, ban: Ban) -> Ban:
        """Ban somebody, or for longer than before, and return what holds now. Raises ValueError for no address."""
        if not ban.host:
            raise ValueError("a client without an address can't be banned")
        key = _key(ban.host)
        before = self._bans.pop(key, None)
        if before is not None and before.until > ban.until:
            ban = replace(ban, until=before.until)
        if len(self._bans) >= BANS_LIMIT:
            self._bans.popitem(last=False)
        self._bans[key] = ban
        return ban

    def find(self, host: str, now: float) -> Ban | None:
        """Return the ban on a client, if it holds at ``now``; a client without an address has none."""
        if not self._bans:
            return None
        ban = self._bans.get(_key(host))
        return None if ban is None or now >= ban.until else ban

    def expire(self, now: float) -> list[Ban]:
        """Forget what is over, and return it."""
        over = [(key, ban) for key, ban in self._bans.items() if now >= ban.until]
        for key, _ in over:
            del self._bans[key]
        return [ban for _, ban in over]
