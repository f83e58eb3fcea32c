"""Finds the rules that may match without trying every rule: ``Index``.

A rule can only match when a word of its client list before EXCEPT does, so it is listed under their keys.
Rules are numbers, their positions in the file; ``candidates`` gives them in file order.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, TypeVar

from superd.access.hosts_access.inquiry import Inquiry
from superd.access.hosts_access.patterns import HostPattern, Key
from superd.access.hosts_access.wildcards import Piece

PARTS_CACHED: Final = 1024
"""Addresses and names whose parts are remembered: a client asks once per file and daemon list."""

Positions = int | list[int]
"""Of the rules under one key; mostly there is one, and a list for each would cost the garbage collector dearly."""

K = TypeVar("K")


class Index:
    """The rules for one daemon name, or those whose daemon list is no plain name."""

    __slots__ = ("_always", "_askers", "_doubtful", "_nets", "_pieces", "_stoppers", "_texts")

    def __init__(self) -> None:
        self._texts: dict[str, Positions] = {}
        self._pieces: dict[tuple[str, int], dict[str, Positions]] = {}
        self._nets: dict[tuple[int, int], dict[int, Positions]] = {}
        self._always: list[int] = []
        self._askers: list[int] = []
        self._doubtful: list[int] = []
        self._stoppers: list[int] = []

    def add(self, position: int, hosts: list[HostPattern], *, grants: bool) -> None:
        """List a rule; ``grants`` tells that a doubtful match of it may be passed over."""
        if any(host.keys is None for host in hosts):
            self.add_always(position)
            return
        for host in hosts:
            for key in host.keys or ():
                self._add_key(key, position)
        if any(host.doubts for host in hosts):
            (self._doubtful if grants else self._stoppers).append(position)
        elif any(host.asks for host in hosts):
            self._askers.append(position)

    def add_always(self, position: int) -> None:
        """List a rule that has to be tried for every client, be it for what it asks before it looks at the client."""
        self._always.append(position)

    def add_address(self, position: int, address: str) -> None:
        """List a rule for one IPv4 address."""
        self._add_key(address, position)

    def _add_key(self, key: Key, position: int) -> None:
        if isinstance(key, str):
            _list(self._texts, key, position)
        elif isinstance(key, Piece):
            _list(self._pieces.setdefault((key.place, len(key.text)), {}), key.text, position)
        else:
            version, mask, network = key
            _list(self._nets.setdefault((version, mask), {}), network, position)

    def candidates(self, inquiry: Inquiry) -> list[Iterable[int]]:
        """Give ascending runs of the rules that may match this client."""
        end = inquiry.client
        runs = self._by_text(end.text)
        if self._always:
            runs.append(self._always)
        for (version, mask), table in self._nets.items():
            if version == end.version and end.number & mask in table:
                runs.append(_run(table[end.number & mask]))
        known = end.known_name
        if known is None:
            runs += self._without_name(inquiry)
        else:
            runs += self._by_text(known)
            if inquiry.facts.name is None:
                runs += [_until_known(run, inquiry) for run in self._asking() if run]
        return runs

    def _by_text(self, subject: str) -> list[Iterable[int]]:
        """Give the rules under the parts of an address or name."""
        texts = self._texts
        runs: list[Iterable[int]] = [_run(texts[part]) for part in _parts(subject) if part in texts]
        for (place, length), table in self._pieces.items():
            runs += [_run(table[part]) for part in _windows(subject, place, length) if part in table]
        return runs

    def _asking(self) -> tuple[list[int], ...]:
        return self._stoppers, self._askers, self._doubtful

    def _without_name(self, inquiry: Inquiry) -> Iterator[Iterable[int]]:
        if self._stoppers:
            yield self._stoppers
        if self._askers:
            yield _until_asked(self._askers, inquiry)
        if self._doubtful:
            yield _until_doubt(self._doubtful, inquiry)


@lru_cache(maxsize=PARTS_CACHED)
def _parts(subject: str) -> tuple[str, ...]:
    """The subject, its beginnings up to a dot, and its ends from a dot: what plain patterns can equal."""
    dots = _dots(subject)
    return (subject, *(subject[: dot + 1] for dot in dots), *(subject[dot:] for dot in dots))


def _windows(subject: str, place: str, length: int) -> Iterable[str]:
    """The parts of a subject that a piece of this length can be, each once."""
    if place == "start":
        return (subject[:length],)
    if place == "end":
        return (subject[-length:],)
    if place == "dot":
        return {subject[dot : dot + length] for dot in _dots(subject)}
    return {subject[start : start + length] for start in range(len(subject) - length + 1)}


@lru_cache(maxsize=PARTS_CACHED)
def _dots(subject: str) -> tuple[int, ...]:
    """Where the dots of a subject are."""
    return tuple(index for index, character in enumerate(subject) if character == ".")


def _list(table: dict[K, Positions], key: K, position: int) -> None:
    """Add a position under a key, once."""
    found = table.setdefault(key, position)
    if isinstance(found, int):
        if found != position:
            table[key] = [found, position]
    elif found[-1] != position:
        found.append(position)


def _run(found: Positions) -> Sequence[int]:
    return (found,) if isinstance(found, int) else found


def _until_asked(positions: list[int], inquiry: Inquiry) -> Iterator[int]:
    """Rules that ask for the name but can't match by it: they only matter until something was asked for."""
    for position in positions:
        if inquiry.question is not None:
            return
        yield position


def _until_known(positions: list[int], inquiry: Inquiry) -> Iterator[int]:
    """Rules that ask for a name that was found out already: the first one makes it known to what follows."""
    for position in positions:
        if inquiry.facts.name is not None:
            return
        yield position


def _until_doubt(positions: list[int], inquiry: Inquiry) -> Iterator[int]:
    """Granting rules that may match by name: the first one casts the doubt, the others add nothing."""
    for position in positions:
        if inquiry.doubt is not None:
            return
        yield position
