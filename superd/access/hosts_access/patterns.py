"""The patterns of hosts_access(5): one word -> a ``HostPattern`` for an endpoint, or a test of plain text.

Every pattern also knows its ``keys``: under which it is found in an index, instead of being tried. ``None``
means that it must always be tried. ``asks`` tells whether it looks at the host's name when the address does
not match, and ``doubts`` whether the answer may then hang on it.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address
from socket import if_nametoindex
from typing import Final, Protocol

from superd.access.facts import PARANOID, UNKNOWN, Need, Question
from superd.access.hosts_access.inquiry import Answer, Endpoint
from superd.access.hosts_access.lines import lower
from superd.access.hosts_access.wildcards import Piece, Wild, is_wild, piece

Key = str | tuple[int, int, int] | Piece
"""Text that equals the address or name, or a part of it up to or from a dot; or version, mask, network; or a part of
either that wildcards leave."""

Files = Callable[[str], Iterable[str] | None]
"""Gives the words of a pattern file; ``None`` when it is none. Raises OSError or ValueError when it can't be read."""

NESTING_LIMIT: Final = 8
"""Pattern files that name pattern files; libwrap recurses until it crashes."""

_FULL4: Final = (1 << 32) - 1
_FULL6: Final = (1 << 128) - 1
_OCTET = re.compile(r"0|[1-9][0-9]{0,2}", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,3}", re.ASCII)
_ADDRESS_ONLY = re.compile(r"[0-9./]*|(?=.*[0-9])[0-9.*?/]*", re.ASCII)


class HostPattern(Protocol):
    """A pattern for one end of a connection."""

    @property
    def word(self) -> str:
        """The word as written."""

    @property
    def keys(self) -> tuple[Key, ...] | None:
        """Where an index lists it."""

    @property
    def asks(self) -> bool:
        """Whether the name is asked for when the address does not match."""

    @property
    def doubts(self) -> bool:
        """Whether the answer can hang on the name."""

    def test(self, end: Endpoint, /) -> Answer:
        """Tell whether the endpoint matches."""


@dataclass(frozen=True, slots=True)
class Text:
    """A word compared with the address, and with the name unless it can only be an address."""

    word: str
    matches: Callable[[str], bool]
    keys: tuple[Key, ...] | None
    asks: bool
    doubts: bool

    def test(self, end: Endpoint, /) -> Answer:
        """Try the address, then the name."""
        if self.matches(end.text):
            return True
        if not self.asks:
            return False
        name = end.name()
        if name is None:
            return None if self.doubts else False
        return self.matches(name)


@dataclass(frozen=True, slots=True)
class Literal6:
    """``[2001:db8::1]``: an IPv6 address as a number. The name is asked for too, as in libwrap, in vain."""

    word: str
    number: int
    keys: tuple[Key, ...]
    asks: bool = True
    doubts: bool = False

    def test(self, end: Endpoint, /) -> Answer:
        """Compare as numbers; note that the name would be asked for."""
        if end.version == 6 and end.number == self.number:
            return True
        end.name()
        return False


@dataclass(frozen=True, slots=True)
class Net:
    """A network: ``number & mask == network``; never looks at names."""

    word: str
    version: int
    mask: int
    network: int
    keys: tuple[Key, ...]
    asks: bool = False
    doubts: bool = False

    def test(self, end: Endpoint, /) -> Answer:
        """Compare the masked address."""
        return end.version == self.version and end.number & self.mask == self.network


@dataclass(frozen=True, slots=True)
class Known:
    """``KNOWN``: the address is known, and the name is known and not distrusted."""

    word: str
    keys: None = None
    asks: bool = True
    doubts: bool = True

    def test(self, end: Endpoint, /) -> Answer:
        """Look at the name unless there is not even an address."""
        if end.text == UNKNOWN:
            return False
        name = end.name()
        return None if name is None else name not in {UNKNOWN, PARANOID}


@dataclass(frozen=True, slots=True)
class Local:
    """``LOCAL``: the name is known, not distrusted, and has no dot."""

    word: str
    keys: None = None
    asks: bool = True
    doubts: bool = True

    def test(self, end: Endpoint, /) -> Answer:
        """Look at the name."""
        name = end.name()
        return None if name is None else "." not in name and name not in {UNKNOWN, PARANOID}


@dataclass(frozen=True, slots=True)
class Netgroup:
    """``@group``: the host's name is in that netgroup (innetgr(3)); the address is never tried."""

    word: str
    keys: None = None
    asks: bool = True
    doubts: bool = True

    def test(self, end: Endpoint, /) -> Answer:
        """Look the name up in the group."""
        name = end.name()
        if name is None:
            return None
        answer = end.inquiry.ask(Question(Need.NETGROUP, f"{self.word[1:]} {name}"))
        return None if answer is None else bool(answer)


@dataclass(frozen=True, slots=True)
class File:
    """``/path``: any pattern in that file."""

    word: str
    patterns: tuple[HostPattern, ...]
    keys: tuple[Key, ...] | None
    asks: bool
    doubts: bool

    def test(self, end: Endpoint, /) -> Answer:
        """Try the file's patterns in order."""
        result: Answer = False
        for pattern in self.patterns:
            answer = pattern.test(end)
            if answer:
                return True
            if answer is None:
                result = None
        return result


@dataclass(frozen=True, slots=True)
class Never:
    """A word that can't match anything; ``why`` is for whoever reads the diagnostics.

    libwrap looks up the name for words with brackets, though in vain.
    """

    word: str
    why: str
    asks: bool = False
    keys: tuple[Key, ...] = ()
    doubts: bool = False

    def test(self, end: Endpoint, /) -> Answer:
        """Match nothing."""
        if self.asks:
            end.name()
        return False


@dataclass(frozen=True, slots=True)
class Unread:
    """``/path`` that is there and can't be read: who stands in it may or may not be meant.

    libwrap takes it for an empty file; it runs as root where that matters, which a worker never does.
    """

    word: str
    keys: None = None
    asks: bool = False
    doubts: bool = True

    def test(self, _end: Endpoint, /) -> Answer:
        """Leave it open, so that a rule for these clients grants nothing and refuses them."""
        return None


def host(word: str, files: Files, depth: int = 0) -> HostPattern:
    """Compile one word of a client list, or what stands after ``@`` in a daemon list."""
    if not word:
        return Never(word, "has nothing after its @")
    if word.startswith("@"):
        return Netgroup(word)
    if word.startswith("/"):
        return _file(word, files, depth)
    upper = word.upper()
    if upper == "KNOWN":
        return Known(word)
    if upper == "LOCAL":
        return Local(word)
    slash = find(word, "/")
    if slash >= 0:
        return _net(word, word[:slash], word[slash + 1 :])
    if word.startswith("["):
        return _literal(word)
    asks = not _ADDRESS_ONLY.fullmatch(word)
    if not asks and word[-1:].isdigit() and word[0] != "." and not _quad_or_wild(word):
        return Never(word, "is not an IPv4 address")
    if upper == "ALL":
        asks = False
    return Text(word, text(word), _text_keys(word), asks, asks)


def text(word: str) -> Callable[[str], bool]:
    """Compile the common string test; its subject must be folded."""
    pattern = lower(word)
    if pattern.startswith("["):
        return lambda _: False
    if is_wild(pattern):
        return Wild(pattern)
    if pattern.startswith("."):
        return lambda subject: len(subject) > len(pattern) and subject.endswith(pattern)
    if pattern == "all":
        return lambda _: True
    if pattern == "known":
        return lambda subject: subject != UNKNOWN
    if pattern.endswith("."):
        return lambda subject: subject.startswith(pattern)
    return lambda subject: subject == pattern


def find(word: str, separator: str, start: int = 0) -> int:
    """Find a separator outside of brackets (a closing one without an opening one hides it too); -1: none."""
    depth = 0
    for index in range(start, len(word)):
        character = word[index]
        if character == separator and depth == 0:
            return index
        depth += (character == "[") - (character == "]")
    return -1


def is_plain(word: str) -> bool:
    """Tell whether the string test of a word is nothing but equality."""
    special = is_wild(word) or word[0] in ".[" or word[-1] == "."
    return not special and word.upper() not in {"ALL", "KNOWN"}


def _text_keys(word: str) -> tuple[Key, ...] | None:
    folded = lower(word)
    if folded in {"all", "known"}:
        return None
    if not is_wild(folded):
        return (folded,)
    found = piece(folded)
    return None if found is None else (found,)


def _quad_or_wild(word: str) -> bool:
    return is_wild(word) or (word.count(".") == 3 and all(map(_is_octet, word.split("."))))


def _is_octet(part: str) -> bool:
    return _OCTET.fullmatch(part) is not None and int(part) < 256


def _literal(word: str) -> HostPattern:
    if not word.endswith("]"):
        return Never(word, "has an unbalanced bracket", asks=True)
    number = _ipv6(word[1:-1])
    if number is None:
        return Never(word, "is not an IPv6 address in brackets", asks=True)
    if number >> 32 == 0xFFFF:
        return _network(word, 4, _FULL4, number & _FULL4)
    return Literal6(word, number, ((6, _FULL6, number),))


def _ipv6(text_: str) -> int | None:
    """The address without its scope, which need not be the client's but must be an interface of this machine."""
    address, percent, scope = text_.partition("%")
    try:
        if percent:
            if_nametoindex(scope)
        return int(IPv6Address(address))
    except (ValueError, OSError):
        return None


def _net(word: str, net: str, mask: str) -> HostPattern:
    if net.startswith("[") and net.endswith("]"):
        return _net6(word, net[1:-1], mask)
    network, bits = _quad(net), _mask4(mask)
    if network is None or bits is None:
        return Never(word, "is not a network: write 10.1.0.0/16, 10.1.0.0/255.255.0.0 or [2001:db8::]/32")
    if network & ~bits:
        return Never(word, "has bits set outside of its mask, so no address is in it")
    return _network(word, 4, bits, network)


def _net6(word: str, net: str, mask: str) -> HostPattern:
    network = _ipv6(net)
    length = int(mask) if _LENGTH.fullmatch(mask) else 129
    if network is None or length > 128:
        return Never(word, "is not an IPv6 network: write [2001:db8::]/32")
    if network >> 32 == 0xFFFF and length >= 96:
        return Never(word, "is a mapped network, which no client is in: write it as an IPv4 network")
    bits = _FULL6 ^ (_FULL6 >> length)
    return _network(word, 6, bits, network & bits)


def _network(word: str, version: int, mask: int, network: int) -> Net:
    return Net(word, version, mask, network, ((version, mask, network),))


def _quad(part: str) -> int | None:
    octets = part.split(".")
    if len(octets) != 4 or not all(map(_is_octet, octets)):
        return None
    return int.from_bytes(bytes(map(int, octets)), "big")


def _mask4(mask: str) -> int | None:
    if "." in mask:
        return _quad(mask)
    if not _LENGTH.fullmatch(mask) or int(mask) > 32:
        return None
    return _FULL4 ^ (_FULL4 >> int(mask))


def _file(word: str, files: Files, depth: int) -> HostPattern:
    if depth >= NESTING_LIMIT:
        return Never(word, f"is named by more than {NESTING_LIMIT} pattern files in turn")
    try:
        words = files(word)
    except (OSError, ValueError):
        return Unread(word)
    if words is None:
        return Never(word, "is no pattern file: it does not exist, or is a directory")
    patterns = tuple(host(inner, files, depth + 1) for inner in words)
    keys: list[Key] | None = []
    for pattern in patterns:
        keys = None if keys is None or pattern.keys is None else [*keys, *pattern.keys]
    return File(
        word,
        patterns,
        None if keys is None else tuple(keys),
        any(pattern.asks for pattern in patterns),
        any(pattern.doubts for pattern in patterns),
    )
