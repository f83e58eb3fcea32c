"""Which rules are never reached, because earlier ones decide about everybody they mean: ``Cover``.

The first rule that matches ends the search, so a rule is dead when each pair of its daemon and client words is covered
by a pair of an earlier rule without EXCEPT. Only what is certain is found: the same words, ALL, networks within
networks, and names and addresses with a beginning or an end that is listed. Each pair costs a few look-ups, however
many rules came before.
"""

from typing import Final, NamedTuple

from superd.access.addresses import numeric
from superd.access.hosts_access.patterns import (
    File,
    HostPattern,
    Literal6,
    Net,
    Netgroup,
    Never,
    Text,
    Unread,
)
from superd.access.hosts_access.rules import Client, Daemon, Rule, Simple
from superd.config.origin import Origin

PAIRS_LIMIT: Final = 256
"""Pairs of one rule; rules with more are passed over, so that a hostile file can't make the check slow."""

MASKS_LIMIT: Final = 256
"""Different masks looked at; IPv4 and IPv6 together have 162 that are not odd."""

WORD_LIMIT: Final = 255
"""Characters of a word whose parts are looked up; no host name is longer (RFC 1035 section 2.3.4)."""

_FULL4: Final = (1 << 32) - 1
_FULL6: Final = (1 << 128) - 1
_WHOLE: Final = frozenset("*? ")
"""What a word holds that equals nothing but itself: wildcards, or the blank that marks what is no text."""

_ALL: Final = ""
"""Stands for any daemon, any user, any server address, any client."""


class Range(NamedTuple):
    """A network, or one address."""

    version: int
    mask: int
    network: int


class Subject(NamedTuple):
    """A word compared as text; ``asks``: with the client's name, too. Empty: everybody."""

    word: str
    asks: bool


Meant = Range | Subject | None
"""What a client word means; ``None``: nobody."""

Pair = tuple[str, str, str, Meant]
"""Daemon, server address, user, client."""


class _Clients:
    """The clients about whom earlier rules decide, for one daemon, server address and user."""

    __slots__ = ("_nets", "_texts")

    def __init__(self) -> None:
        self._texts: dict[Subject, Origin] = {}
        self._nets: dict[tuple[int, int], dict[int, Origin]] = {}

    def add(self, meant: Range | Subject, origin: Origin) -> None:
        if isinstance(meant, Subject):
            self._texts.setdefault(meant, origin)
        elif (kind := (meant.version, meant.mask)) in self._nets or len(self._nets) < MASKS_LIMIT:
            self._nets.setdefault(kind, {}).setdefault(meant.network, origin)

    def find(self, meant: Range | Subject) -> Origin | None:
        everybody = self._texts.get(Subject(_ALL, asks=False))
        if everybody is not None:
            return everybody
        return self._range(meant) if isinstance(meant, Range) else self._text(meant)

    def _range(self, meant: Range) -> Origin | None:
        for (version, mask), table in self._nets.items():
            if version == meant.version and not mask & ~meant.mask:
                found = table.get(meant.network & mask)
                if found is not None:
                    return found
        return None

    def _text(self, meant: Subject) -> Origin | None:
        for word in covering(meant.word):
            for asks in (True,) if meant.asks else (True, False):
                found = self._texts.get(Subject(word, asks))
                if found is not None:
                    return found
        return None


class Cover:
    """The rules so far, of one file or of hosts.allow and then hosts.deny."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str, str], _Clients] = {}
        self._unsure: set[Origin] = set()
        """Rules with aclexec: when that fails, the other file is asked all the same."""

    def rule(self, rule: Rule, origin: Origin) -> list[Origin]:
        """Add a rule, and return the earlier ones that leave nothing to it; empty when it can be reached."""
        daemons, clients = rule.daemons.parts[0], rule.clients.parts[0]
        if len(daemons) * len(clients) > PAIRS_LIMIT:
            return []
        pairs = [(*_daemon(daemon), *_client(client)) for daemon in daemons for client in clients]
        simple = len(rule.daemons.parts) == 1 and len(rule.clients.parts) == 1
        if simple and rule.options.aclexec:
            self._unsure.add(origin)
        return self._next(pairs, origin, add=simple)

    def plain(self, rule: Simple, origin: Origin) -> list[Origin]:
        """The same for one of the plainest rules."""
        meant = Range(4, _FULL4, numeric(rule.address)[1])
        if len(rule.daemons.parts[0]) > PAIRS_LIMIT:
            return []
        pairs: list[Pair] = [(*_daemon(daemon), _ALL, meant) for daemon in rule.daemons.parts[0]]
        return self._next(pairs, origin, add=len(rule.daemons.parts) == 1)

    def _next(self, pairs: list[Pair], origin: Origin, *, add: bool) -> list[Origin]:
        found: dict[Origin, None] = {}
        for pair in pairs:
            if pair[3] is None:
                continue
            earlier = self._find(pair)
            if earlier is None or (earlier in self._unsure and earlier.file != origin.file):
                found.clear()
                break
            found[earlier] = None
        if add and not found:
            self._add(pairs, origin)
        return list(found)

    def _add(self, pairs: list[Pair], origin: Origin) -> None:
        for daemon, server, user, meant in pairs:
            if meant is not None:
                self._clients.setdefault((daemon, server, user), _Clients()).add(meant, origin)

    def _find(self, pair: Pair) -> Origin | None:
        daemon, server, user, meant = pair
        if meant is None:
            return None
        for name in (_ALL, *covering(daemon)):
            for address in {_ALL, server}:
                for who in {_ALL, user}:
                    clients = self._clients.get((name, address, who))
                    found = None if clients is None else clients.find(meant)
                    if found is not None:
                        return found
        return None


def covering(word: str) -> list[str]:
    """The words that match whatever a word matches: itself, and its beginnings up to and ends from a dot."""
    words = [word]
    if "." not in word or len(word) > WORD_LIMIT or not _WHOLE.isdisjoint(word):
        return words
    dots = [index for index, character in enumerate(word) if character == "."]
    if not word.startswith("."):
        words += [word[: dot + 1] for dot in dots if dot + 1 < len(word)]
    if word.startswith(".") or not word.endswith("."):
        words += [word[dot:] for dot in dots if dot]
    return words


def _daemon(daemon: Daemon) -> tuple[str, str]:
    name = f":{daemon.port}" if daemon.port is not None else daemon.name.lower()
    server = _ALL if daemon.host is None else daemon.host.word
    return _ALL if name in {"all", "*"} else name, server


def _client(client: Client) -> tuple[str, Meant]:
    user = client.user_word.lower()
    return _ALL if user in {"all", "*"} else user, meant(client.host)


def meant(host: HostPattern) -> Meant:
    """What a host pattern means."""
    match host:
        case Never():
            return None
        case Net():
            return Range(host.version, host.mask, host.network)
        case Literal6():
            return Range(6, _FULL6, host.number)
        case Text() if host.word.lower() in {"all", "*"}:
            return Subject(_ALL, asks=False)
        case Text():
            return _addresses(host.word) or Subject(host.word.lower(), host.asks)
        case Netgroup() | File() | Unread():
            return Subject(f"{host.word} ", asks=True)
        case _:
            return Subject(f"{host.word.upper()} ", asks=True)


def _addresses(word: str) -> Range | None:
    """The network that ``10.1.2.3`` or ``10.1.`` is; ``None`` for other words."""
    octets = word.removesuffix(".").split(".")
    whole = len(octets) == 4
    if whole == word.endswith(".") or len(octets) > 4:
        return None
    try:
        _, network = numeric(".".join(octets + ["0"] * (4 - len(octets))))
    except ValueError:
        return None
    return Range(4, _FULL4 ^ (_FULL4 >> 8 * len(octets)), network)
