"""One logical line -> ``Rule``: two word lists with EXCEPT, and options."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from superd.access.hosts_access import options, patterns
from superd.access.hosts_access.inquiry import Answer, Inquiry, fold
from superd.access.hosts_access.lines import lower
from superd.access.hosts_access.options import Options
from superd.access.hosts_access.patterns import Files, HostPattern

_PLAIN = re.compile(r"[^\[\]:]*", re.ASCII)
_SEPARATORS = re.compile(r"[ \t\r\n,]+")


class Word(Protocol):
    """One word of a list."""

    def matches(self, inquiry: Inquiry) -> Answer:
        """Tell whether the word matches."""


W = TypeVar("W", bound=Word)


@dataclass(frozen=True, slots=True)
class WordList(Generic[W]):
    """``parts[0] EXCEPT (parts[1] EXCEPT ...)``: any of the first, and not what the rest matches."""

    parts: tuple[tuple[W, ...], ...]

    def matches(self, inquiry: Inquiry) -> Answer:
        """Evaluate from left to right, in the order in which facts are to be asked for."""
        if len(self.parts) == 1:
            return _any(self.parts[0], inquiry)
        answers: list[Answer] = []
        for part in self.parts:
            answers.append(_any(part, inquiry))
            if answers[-1] is False:
                break
        result: Answer = False
        for answer in reversed(answers):
            result = both(answer, None if result is None else not result)
        return result


@dataclass(frozen=True, slots=True)
class Daemon:
    """A word of a daemon list: a process name pattern or a port, perhaps only on one server address."""

    name: str
    port: int | None
    test: Callable[[str], bool]
    host: HostPattern | None
    plain: str | None
    """The one process name that matches, in lower case; ``None`` when others may, or a port."""

    def matches(self, inquiry: Inquiry) -> Answer:
        """Compare the name or port, then the server's end."""
        facts = inquiry.facts
        found = self.test(inquiry.daemon) if self.port is None else 0 < self.port == facts.server_port
        if not found or self.host is None:
            return found
        return self.host.test(inquiry.server_end())


@dataclass(frozen=True, slots=True)
class Client:
    """A word of a client list: a host pattern, perhaps with a user, asked for when the host matches."""

    host: HostPattern
    user: Callable[[str], bool] | None = None
    user_word: str = ""
    """The pattern of the user as written."""

    def matches(self, inquiry: Inquiry) -> Answer:
        """Compare the host, then the user."""
        answer = self.host.test(inquiry.client)
        if answer is False or self.user is None:
            return answer
        user = inquiry.user()
        return both(answer, None if user is None else self.user(fold(user)))


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule; ``number`` is its line, ``text`` the line as written, continuations joined."""

    number: int
    text: str
    daemons: WordList[Daemon]
    clients: WordList[Client]
    options: Options

    def matches(self, inquiry: Inquiry) -> Answer:
        """Compare the daemon, then the client."""
        answer = self.daemons.matches(inquiry)
        return answer if answer is False else both(answer, self.clients.matches(inquiry))


def both(one: Answer, other: Answer) -> Answer:
    """And, in three values."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def _any(words: tuple[Word, ...], inquiry: Inquiry) -> Answer:
    result: Answer = False
    for word in words:
        answer = word.matches(inquiry)
        if answer:
            return True
        if answer is None:
            result = None
    return result


_OCTET = "(?:[1-9]?[0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"
_SIMPLE = re.compile(
    rf"([^:@\[\]#]+):[ \t]*({_OCTET}(?:\.{_OCTET}){{3}})[ \t\r]*(?::(.*))?", re.ASCII | re.DOTALL
)


class Simple(NamedTuple):
    """What an index needs of a line with one IPv4 address for a client, which is not compiled until it matches."""

    daemons: WordList["Daemon"]
    address: str
    options: Options


class Parser:
    """Compiles lines; lists and options seen before are shared, as files repeat them thousands of times."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._daemons: dict[str, WordList[Daemon]] = {}
        self._options: dict[str, Options] = {}

    def rule(self, number: int, text: str) -> Rule | None:
        """Compile one line; ``None`` when it has no colon that separates daemons from clients."""
        fields = _fields(text)
        if len(fields) < 2:
            return None
        tail = fields[2] if len(fields) > 2 else None
        clients = _list(fields[1], self._client)
        return Rule(number, text, self._daemon_list(fields[0]), clients, self._option_list(tail))

    def simple(self, text: str) -> Simple | None:
        """Recognise the lines that large files consist of; ``None`` for any other."""
        found = _SIMPLE.fullmatch(text)
        if found is None:
            return None
        return Simple(self._daemon_list(found[1]), found[2], self._option_list(found[3]))

    def _daemon_list(self, text: str) -> WordList[Daemon]:
        if text not in self._daemons:
            self._daemons[text] = _list(text, self._daemon)
        return self._daemons[text]

    def _option_list(self, text: str | None) -> Options:
        if text is None:
            return _NO_OPTIONS
        if text not in self._options:
            self._options[text] = options.parse(text)
        return self._options[text]

    def _daemon(self, word: str) -> Daemon:
        at = patterns.find(word, "@", 1)
        name = word if at < 0 else word[:at]
        host = None if at < 0 else patterns.host(word[at + 1 :], self._files)
        port = int(name) if name.isascii() and name.isdigit() and len(name) <= 5 else None
        plain = None if port is not None or not patterns.is_plain(name) else lower(name)
        return Daemon(name, port, patterns.text(name), host, plain)

    def _client(self, word: str) -> Client:
        at = patterns.find(word, "@", 1)
        if at < 0:
            return Client(patterns.host(word, self._files))
        return Client(patterns.host(word[at + 1 :], self._files), patterns.text(word[:at]), word[:at])


_NO_OPTIONS = Options()


def _fields(text: str) -> list[str]:
    """Daemons, clients and the rest: split at the first two colons outside of brackets."""
    if _PLAIN.fullmatch(text.replace(":", "", 2)):
        return text.split(":", 2)
    first = patterns.find(text, ":")
    if first < 0:
        return [text]
    second = patterns.find(text, ":", first + 1)
    if second < 0:
        return [text[:first], text[first + 1 :]]
    return [text[:first], text[first + 1 : second], text[second + 1 :]]


def _list(text: str, compile_word: Callable[[str], W]) -> WordList[W]:
    parts: list[list[W]] = [[]]
    for word in _SEPARATORS.split(text):
        if word.upper() == "EXCEPT":
            parts.append([])
        elif word:
            parts[-1].append(compile_word(word))
    return WordList(tuple(map(tuple, parts)))
