"""Where the system's administrator wants names to come from: ``System``, and ``Paths`` of the files that say so.

Of nsswitch.conf(5) the line ``hosts:`` is honoured, as far as ``files`` and ``dns`` go, in their order
(``resolve`` counts as ``dns``: systemd-resolved is a name server, too); other sources and the actions in
brackets are passed over. Without the line it is files, then dns. All files are read again when they change.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

import structlog

from superd.access.hosts_access.files import read, reason, stamp
from superd.log import events
from superd.lookup.dns import Address, Dns, NoAnswer
from superd.lookup.hosts_file import FILE_LIMIT, Hosts
from superd.lookup.verify import Forward, Pointer

log = structlog.get_logger()

STAT_INTERVAL: Final = 1.0
"""Seconds between two looks at whether a file has changed: soon enough for an administrator, and cheap."""

NSSWITCH_LIMIT: Final = 65536
"""Bytes of nsswitch.conf(5); real ones have less than 1,000."""

_WORDS: Final = {"files": "files", "dns": "dns", "resolve": "dns"}
_DEFAULT_ORDER: Final = ("files", "dns")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Paths:
    """The system's files."""

    hosts: str = "/etc/hosts"
    nsswitch: str = "/etc/nsswitch.conf"
    resolv: str = "/etc/resolv.conf"


SYSTEM: Final = Paths()


class Source(Protocol):
    """Somebody who knows names. Both raise NoAnswer when it can't be found out; ``None``: there is none."""

    async def pointer(self, client: Address) -> Pointer | None:
        """What a client's address is called."""

    async def forward(self, name: str, client: Address) -> Forward | None:
        """What a name means, in the client's family."""


class Resolver(Source, Protocol):
    """Where names come from as a whole, and whether that has changed."""

    def changed(self, now: float) -> bool:
        """Whether what was found out before counts no longer; ``now`` is CLOCK_MONOTONIC in seconds."""

    def close(self) -> None:
        """End every question with NoAnswer, and take no more."""


class _File(Generic[T]):
    """A file's meaning, and whether it has changed; without the file, or if it can't be read, that of no text."""

    def __init__(self, path: str, limit: int, parse: Callable[[str], T]) -> None:
        self._path, self._limit, self._parse = path, limit, parse
        self._read()

    def changed(self) -> bool:
        """Read the file again if it has changed, and say so."""
        if stamp(self._path) == self._stamp:
            return False
        self._read()
        return True

    def _read(self) -> None:
        self._stamp = stamp(self._path)
        text = ""
        try:
            text = read(self._path, self._limit)
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            log.error(events.LOOKUP_PROBLEM, path=self._path, reason=reason(error))
        self.value = self._parse(text)


class _HostsSource:
    """hosts(5) as a source."""

    def __init__(self, file: _File[Hosts]) -> None:
        self._file = file

    async def pointer(self, client: Address) -> Pointer | None:
        return self._file.value.pointer(client)

    async def forward(self, name: str, client: Address) -> Forward | None:
        return self._file.value.forward(name, client.version)


class System:
    """The sources of names of this system, in order. ``servers`` as for ``Dns``."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        paths: Paths = SYSTEM,
        servers: Sequence[str] | None = None,
    ) -> None:
        self._dns = Dns(loop, servers)
        self._resolv = paths.resolv
        self._resolv_stamp = stamp(paths.resolv)
        self._hosts = _File(paths.hosts, FILE_LIMIT, Hosts.parse)
        self._order = _File(paths.nsswitch, NSSWITCH_LIMIT, parse_order)
        self._sources: dict[str, Source] = {"files": _HostsSource(self._hosts), "dns": self._dns}
        self._looked = float("-inf")

    def changed(self, now: float) -> bool:
        """Look at the files, at most once per ``STAT_INTERVAL``; after a change nothing known before counts."""
        if now - self._looked < STAT_INTERVAL:
            return False
        self._looked = now
        changes = [self._hosts.changed(), self._order.changed(), self._servers_changed()]
        return any(changes)

    async def pointer(self, client: Address) -> Pointer | None:
        """What the first source that knows the client calls it. Raises NoAnswer."""
        return await self._first(lambda source: source.pointer(client))

    async def forward(self, name: str, client: Address) -> Forward | None:
        """What the first source that knows the name says of it, in the client's family. Raises NoAnswer."""
        return await self._first(lambda source: source.forward(name, client))

    async def _first(self, ask: Callable[[Source], Awaitable[T | None]]) -> T | None:
        """The first answer; without one, the last failure counts."""
        failure = None
        for word in self._order.value:
            try:
                found = await ask(self._sources[word])
            except NoAnswer as error:
                failure = error
            else:
                if found is not None:
                    return found
        if failure is not None:
            raise failure
        return None

    def close(self) -> None:
        """Ask nobody any more."""
        self._dns.close()

    def _servers_changed(self) -> bool:
        before, self._resolv_stamp = self._resolv_stamp, stamp(self._resolv)
        if before == self._resolv_stamp:
            return False
        self._dns.reopen()
        return True


def parse_order(text: str) -> tuple[str, ...]:
    """The sources that nsswitch.conf(5) names for hosts, "files" and "dns", each once."""
    for line in text.splitlines():
        database, colon, rest = line.partition("#")[0].partition(":")
        if colon and database.strip() == "hosts":
            return tuple(dict.fromkeys(_WORDS[word] for word in rest.split() if word in _WORDS))
    return _DEFAULT_ORDER
