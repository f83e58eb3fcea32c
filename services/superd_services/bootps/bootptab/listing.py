"""The older form of bootptab, a table of one line for each client behind a line ``%%`` (RFC 951 section 8, Mac OS X).

    /usr/boot               the directory of boot files
    vmunix                  the boot file of clients that have none
    gate    gateways/gate   a generic name that clients may ask for, and the file it means
    %%
    # host  htype  hardware address   address    boot file
    burr    1      02.60.8c.34.11.78  36.44.0.12 gate

Everything before ``%%`` may be missing. A fifth word may be missing as well; further ones mean nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from superd_services.bootps.bootptab import values
from superd_services.bootps.bootptab.table import Host, Mistake, Names, Table
from superd_services.bootps.bootptab.values import Value

Line = tuple[int, list[str]]
"""The number of a line, and its words."""


@dataclass(frozen=True, slots=True)
class Sections:
    """The lines before and behind ``%%`` that say something."""

    head: Sequence[Line]
    body: Sequence[Line]


def sections(text: str) -> Sections | None:
    """Part a text at its ``%%``; ``None`` for one of the usual form, which has no such line."""
    if "%%" not in text:
        return None
    lines = [(number, line.split()) for number, line in enumerate(text.split("\n"), 1)]
    lines = [(number, words) for number, words in lines if words and not words[0].startswith("#")]
    at = next((place for place, (_, words) in enumerate(lines) if words == ["%%"]), None)
    return None if at is None else Sections(lines[:at], lines[at + 1 :])


def parse(path: str, parts: Sections, names: Names) -> Table:
    """Read both sections; lines with mistakes are left out."""
    home, default, files = _head(parts.head)
    hosts: dict[tuple[int, bytes, IPv4Network], Host] = {}
    mistakes = []
    for number, words in parts.body:
        try:
            host = _host(f"{path}:{number}", words, home, names)
            other = hosts.setdefault((host.htype, host.hardware, host.network), host)
            if other is not host:
                text = f"{host.name} has the hardware address of {other.name}, in the same network"
                mistakes.append(Mistake(path, number, text))
        except ValueError as error:
            mistakes.append(Mistake(path, number, str(error)))
    return Table(hosts.values(), mistakes, default, files)


def _head(lines: Sequence[Line]) -> tuple[str, str, dict[str, str]]:
    singles = [words[0] for _, words in lines if len(words) == 1]
    files = {words[0]: words[1] for _, words in lines if len(words) > 1}
    home = singles.pop(0) if singles and singles[0].startswith("/") else ""
    return home.partition(":")[0], singles[0] if singles else "", files


def _host(origin: str, words: list[str], home: str, names: Names) -> Host:
    if len(words) < 4:
        raise ValueError("a line needs a name, a hardware type, a hardware address and an address")
    name, kind, hardware, address, *file = words

    def resolve(name: str) -> tuple[IPv4Address, ...]:
        return names.hosts.get(name.lower(), ())

    htype = values.hardware_type(kind, resolve)
    tags: dict[str, Value] = {"hd": home} if home else {}
    if file:
        tags["bf"] = file[0]
    return Host(
        name=name,
        origin=origin,
        htype=htype,
        hardware=values.hardware(hardware, htype, names.ethers),
        address=values.address(address, resolve),
        tags=tags,
        generic={},
    )
