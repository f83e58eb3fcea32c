"""Has libwrap decide as it would without the bugs that superd repairs: ``repaired``, ``settled``.

Only words that run into a bug are replaced, by words that mean to libwrap what the first meant to whoever wrote them.
Everything else reaches libwrap as it is, so a difference in it shows. The names of the repairs are those of the table
in docs/differences-hosts-access.md.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import AddressValueError, IPv6Address
from typing import Final

from tools.libwrap import Case, Result

LINE_LIMIT: Final = 2047
"""Bytes of a logical line with its newline in libwrap."""

NEVER: Final = "0"
"""Matches no host, and makes libwrap look up no name."""

_NO_DAEMON = "-"
_CLEAR = "aclexec true #"
"""Ends what an ``aclexec`` that failed does to later rules."""

_WORD = re.compile(r"[^ \t\r\n,]+")
_QUAD = re.compile(r"(?:(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])(?:\.(?!$)|$)){4}", re.ASCII)
_NUMBER = re.compile(r"[0-9a-fx.]*", re.ASCII | re.IGNORECASE)
_WILD_ADDRESS = re.compile(r"(?=.*[0-9])[0-9.*?]*", re.ASCII)
_PORT = re.compile(r"[+-]?[0-9]+", re.ASCII)
_SMALL = re.compile(r"[0-9]{1,5}", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,3}", re.ASCII)


def repaired(case: Case) -> tuple[Case, Counter[str]]:
    """Return the case as libwrap should get it, and which repairs that took."""
    repair = _Repair(case.get("client_addr") or "unknown", case.get("server_addr") or "unknown")
    changed = dict(case)
    repair.allow = case.get("allow_text") or ""
    for which in ("allow_text", "deny_text"):
        if case.get(which) is not None:
            repair.denies = which == "deny_text"
            changed[which] = "".join(repair.lines(case[which]))
    files = {
        name: text if name.startswith("b/") else repair.pattern_file(text)
        for name, text in (case.get("files") or {}).items()
    }
    return {**changed, "files": files}, repair.made


def settled(result: Result) -> Result:
    """Take out of libwrap's result what the repairs put in; an exit over a long expansion refuses in superd."""
    kept = replace(
        result,
        options=tuple(option for option in result.options if option != _CLEAR),
        actions=tuple(action for action in result.actions if " ".join(action) != _CLEAR),
    )
    if result.verdict != "exit":
        return kept
    return replace(
        kept,
        verdict="denied",
        failed=True,
        actions=tuple(action for action in kept.actions if action[0] not in {"sleep", "exit"}),
    )


@dataclass
class _Repair:
    client: str
    server: str
    allow: str = ""
    denies: bool = False
    made: Counter[str] = field(default_factory=Counter)

    def lines(self, text: str) -> Iterator[str]:
        """Rewrite the rules of a file; every rule keeps its line number."""
        physicals = text.split("\n")
        last = physicals.pop()
        pending: list[str] = []
        joined = ""
        for position, physical in enumerate(physicals):
            pending.append(f"{physical}\n")
            joined += physical
            if "\0" in physical:
                self.made["nul"] += 1
                yield "x"  # no newline: an error from here on
                return
            if len(joined) >= LINE_LIMIT:
                yield "\n".join(["".join(pending) + "\n".join(physicals[position + 1 :]), last])
                return
            if physical.endswith("\\"):
                joined = joined[:-1]
                continue
            rewritten = self.rule(joined)
            yield "".join(pending) if rewritten == joined else "\n" * (len(pending) - 1) + rewritten + "\n"
            pending, joined = [], ""
        if "\0" in last:
            self.made["nul"] += 1
            last = "x"
        yield "".join(pending) + last

    def rule(self, line: str) -> str:
        """Rewrite one logical line."""
        first = _find(line, ":")
        if line.startswith("#") or first < 0:
            return line
        second = _find(line, ":", first + 1)
        clients = line[first + 1 :] if second < 0 else line[first + 1 : second]
        options = "" if second < 0 else line[second:]
        room = len(line) + len(_CLEAR) + 2 < LINE_LIMIT
        if room and options and self.denies and "aclexec" in self.allow.replace("\\\n", "").lower():
            options = f": {_CLEAR}{options}"
            self.made["aclexec"] += 1
        daemons = _WORD.sub(lambda found: self.daemon(found[0]), line[:first])
        return f"{daemons}:{_WORD.sub(lambda found: self.word(found[0]), clients)}{options}"

    def daemon(self, word: str) -> str:
        at = _find(word, "@", 1)
        name, host = (word, "") if at < 0 else (word[:at], word[at + 1 :])
        name = self.wild(name)
        if _PORT.fullmatch(name) and (not _SMALL.fullmatch(name) or int(name) == 0):
            self.made["port"] += 1
            name = _NO_DAEMON
        return name if at < 0 else f"{name}@{self.host(host, self.server)}"

    def word(self, word: str) -> str:
        at = _find(word, "@", 1)
        if at < 0:
            return self.host(word, self.client)
        return f"{self.wild(word[:at])}@{self.host(word[at + 1 :], self.client)}"

    def pattern_file(self, text: str) -> str:
        return re.sub(r"[^ \t\n\v\f\r]+", lambda found: self.host(found[0], None), text)

    def host(self, word: str, address: str | None) -> str:
        """Rewrite a host pattern; ``address`` is what it is about, ``None`` if that may be either end."""
        if not word or word[0] in "@/":
            return word
        if _find(word, "/") >= 0:
            return self.noted("mask", word, _with_brackets_of(word, _net(word)))
        if word.startswith("[") and word.endswith("]"):
            return self.noted("mapped", word, _literal(word))
        plain = self.wild(word)
        if address is None or not ("*" in plain or "?" in plain) or not _WILD_ADDRESS.fullmatch(plain):
            return plain
        return self.noted("wild-address", word, _exactly(address) if _matches(plain, address) else NEVER)

    def wild(self, word: str) -> str:
        return self.noted("stars", word, re.sub(r"\*+", "*", word))

    def noted(self, name: str, word: str, rewritten: str) -> str:
        self.made[name] += rewritten != word
        return rewritten


def _find(text: str, separator: str, start: int = 0) -> int:
    """The place of a separator outside of brackets, as libwrap counts them."""
    depth = 0
    for place, character in enumerate(text[start:], start):
        if character == separator and depth == 0:
            return place
        depth += {"[": 1, "]": -1}.get(character, 0)
    return -1


def _with_brackets_of(word: str, rewritten: str) -> str:
    """Keep lone brackets: they hide the colons behind them."""
    lone = word.count("[") - word.count("]")
    if rewritten == word or not lone:
        return rewritten
    return f"{NEVER}/{'[' * lone}{']' * -lone}"


def _net(word: str) -> str:
    slash = _find(word, "/")
    net, mask = word[:slash], word[slash + 1 :]
    if net.startswith("["):
        return word if _LENGTH.fullmatch(mask) and int(mask) <= 128 else NEVER
    if not _NUMBER.fullmatch(net):
        return word
    if not _QUAD.fullmatch(net):
        return NEVER
    if _LENGTH.fullmatch(mask) and int(mask) == 0:
        return "0.0.0.0/0.0.0.0" if net == "0.0.0.0" else NEVER
    if mask == "255.255.255.255":
        return NEVER if net == mask else net
    strict = _QUAD.fullmatch(mask) or (_LENGTH.fullmatch(mask) and int(mask) <= 32)
    return word if strict else NEVER


def _literal(word: str) -> str:
    try:
        mapped = IPv6Address(word[1:-1]).ipv4_mapped
    except AddressValueError:
        return word
    return word if mapped is None else str(mapped)


def _exactly(address: str) -> str:
    subject = _folded(address)
    return f"[{subject}]" if ":" in subject else subject


def _folded(address: str) -> str:
    lower = address.lower()
    return lower.removeprefix("::ffff:") if "." in lower else lower


def _matches(pattern: str, address: str) -> bool:
    regex = "".join({"*": ".*", "?": "."}.get(character) or re.escape(character) for character in pattern)
    return re.fullmatch(regex, _folded(address)) is not None
