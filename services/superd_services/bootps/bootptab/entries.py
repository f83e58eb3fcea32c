"""Gives the fields of entries their meaning: ``parse`` makes hosts of them, templates and ``tc`` included."""

import re
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from superd_services.bootps.bootptab import values
from superd_services.bootps.bootptab.lexer import Entry, EntryError, Field, Lexer, plain
from superd_services.bootps.bootptab.table import Host, Mistake, Names, Table
from superd_services.bootps.bootptab.tags import PROTOCOL_OPTIONS, TAGS
from superd_services.bootps.bootptab.values import Value

MISTAKES_LIMIT: Final = 1000
"""Mistakes that are remembered; a file with more is of another kind."""

_TAG: Final = re.compile(r"([A-Za-z]{2}|T[0-9]{1,3})(=|@\Z|\Z)")
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
ETHERNET: Final = 1
DIRECT: Final = 8
"""Hardware types: the one that counts unless said, and the one that has no addresses."""


class FieldError(ValueError):
    """What is wrong with a field, and on which line."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


@dataclass(slots=True)
class _Meaning:
    """What is known of an entry while it is read."""

    tags: dict[str, Value] = field(default_factory=dict)
    generic: dict[int, bytes] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    def inherit(self, template: "_Meaning") -> None:
        """Take from a template what is not set here; options by number only if none are."""
        for tag, value in template.tags.items():
            if TAGS[tag].inherited:
                self.tags.setdefault(tag, value)
        if not self.generic:
            self.generic |= template.generic


class _Reader:
    """Reads the entries of one file."""

    def __init__(self, path: str, names: Names) -> None:
        self.path = path
        self.names = names
        self.meanings: dict[str, _Meaning] = {}
        self.hosts: list[Host] = []
        self.mistakes: list[Mistake] = []
        self._places: dict[tuple[int, bytes, IPv4Network], Host] = {}

    def complain(self, line: int, text: str, *, drops: bool = True) -> None:
        if len(self.mistakes) < MISTAKES_LIMIT:
            self.mistakes.append(Mistake(self.path, line, text, drops))

    def take(self, entry: Entry) -> None:
        """Read an entry; raises FieldError."""
        if not entry.name:
            raise FieldError(
                entry.line, "an entry without a name; is a backslash missing on the line before?"
            )
        meaning = _Meaning()
        for each in entry.fields:
            self._field(entry, meaning, each)
        if entry.name in self.meanings:
            self.complain(entry.line, f"there is an entry {values.shown(entry.name)} already", drops=False)
        self.meanings[entry.name] = meaning
        if _HOST_NAME.fullmatch(entry.name):
            self._add(entry.line, self._host(entry, meaning))

    def _field(self, entry: Entry, meaning: _Meaning, each: Field) -> None:
        found = _TAG.match(each.text)
        if found is None:
            raise FieldError(each.line, _no_tag(each.text))
        tag, sign = found[1], found[2]
        raw = each.text[found.end() :].lstrip()
        try:
            if tag == "tc":
                self._inherit(entry, meaning, each.line, plain(raw))
            elif tag == "ex":
                self.complain(each.line, "ex: commands are not run; the tag means nothing", drops=False)
            elif tag.startswith("T") and tag[1:].isdecimal():
                _set_generic(meaning, tag, sign, raw)
                if int(tag[1:]) in PROTOCOL_OPTIONS:
                    text = f"{tag}: the protocol sets this option by itself; it is not sent"
                    self.complain(each.line, text, drops=False)
            else:
                self._set(meaning, tag, sign, plain(raw))
                meaning.lines[tag] = each.line
        except ValueError as error:
            raise FieldError(each.line, f"{tag}: {error}") from None

    def _inherit(self, entry: Entry, meaning: _Meaning, line: int, name: str) -> None:
        template = self.meanings.get(name)
        if template is None:
            text = f"{values.shown(entry.name)}: there is no entry {values.shown(name)} before this one"
            self.complain(line, text, drops=False)
        else:
            meaning.inherit(template)

    def _set(self, meaning: _Meaning, tag: str, sign: str, text: str) -> None:
        known = TAGS.get(tag)
        if known is None:
            raise ValueError("no such tag")
        if sign == "@":
            meaning.tags.pop(tag, None)
        elif sign == "" and not known.alone:
            raise ValueError("a value is missing")
        else:
            meaning.tags[tag] = known.read(text, self._resolve)

    def _resolve(self, name: str) -> tuple[IPv4Address, ...]:
        return self.names.hosts.get(name.lower(), ())

    def _host(self, entry: Entry, meaning: _Meaning) -> Host:
        htype = meaning.tags.get("ht", ETHERNET)
        assert isinstance(htype, int)  # noqa: S101 - as its tag reads it
        address = self._address(entry, meaning)
        tags = {tag: value for tag, value in meaning.tags.items() if tag not in {"ht", "ha", "ip"}}
        hardware = self._hardware(entry, meaning, htype)
        origin = f"{self.path}:{entry.line}"
        return Host(entry.name, origin, htype, hardware, address, tags, dict(meaning.generic))

    def _address(self, entry: Entry, meaning: _Meaning) -> IPv4Address:
        value = meaning.tags.get("ip")
        found = value if isinstance(value, tuple) else self._resolve(entry.name)
        if not found:
            raise FieldError(entry.line, f"{entry.name} has no ip, and no address in the hosts file")
        if not _usable(found[0]):
            line = meaning.lines.get("ip", entry.line)
            raise FieldError(line, f"ip: {found[0]} can't be the address of a client")
        return found[0]

    def _hardware(self, entry: Entry, meaning: _Meaning, htype: int) -> bytes:
        text = meaning.tags.get("ha")
        if not isinstance(text, str):
            if htype != DIRECT and 61 not in meaning.generic:
                raise FieldError(entry.line, f"{entry.name} has no hardware address")
            return b""
        try:
            return values.hardware(text, htype, self.names.ethers)
        except ValueError as error:
            raise FieldError(meaning.lines["ha"], f"ha: {error}") from None

    def _add(self, line: int, host: Host) -> None:
        """Take a host, unless there is one with its hardware address in the same network."""
        place = (host.htype, host.hardware, host.network)
        other = self._places.setdefault(place, host) if host.hardware else host
        if other is not host:
            text = f"{host.name} has the hardware address of {other.name}, in the same network"
            raise FieldError(line, text)
        self.hosts.append(host)


def parse(path: str, lexer: Lexer, names: Names) -> Table:
    """Read all entries; those with mistakes are left out."""
    reader = _Reader(path, names)
    step = partial(_step, reader, lexer)
    while step():
        pass
    return Table(reader.hosts, reader.mistakes)


def _step(reader: _Reader, lexer: Lexer) -> bool:
    try:
        entry = lexer.entry()
        if entry is None:
            return False
        reader.take(entry)
    except (EntryError, FieldError) as error:
        reader.complain(error.line, str(error))
    return True


def _set_generic(meaning: _Meaning, tag: str, sign: str, raw: str) -> None:
    code = int(tag[1:])
    if not 1 <= code <= 254:
        raise ValueError("options have numbers from 1 to 254")
    if sign != "=":
        raise ValueError("options by number can't be deleted" if sign else "a value is missing")
    meaning.generic[code] = values.generic(plain(raw), quoted=raw.startswith('"'))


def _usable(address: IPv4Address) -> bool:
    return not (
        address.is_multicast or address.is_loopback or address.is_unspecified or int(address) == 0xFFFFFFFF
    )


def _no_tag(text: str) -> str:
    shown = values.shown(text)
    if re.fullmatch(r"[0-9A-Fa-f]{1,2}", text):
        return f"{shown} is no tag; a hardware address with colons is written in double quotes"
    return f"{shown} is no tag"
