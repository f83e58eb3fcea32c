"""What an entry tells its client: ``of_host`` gives options by code, in the order of ``tags.ORDER``."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

from superd_services.bootps.boot_files import Chosen
from superd_services.bootps.bootptab import Host
from superd_services.bootps.bootptab.tags import ORDER, PROTOCOL_OPTIONS, TAGS
from superd_services.bootps.bootptab.values import AUTO, Value
from superd_services.bootps.request import Request
from superd_services.bootps.vendor import Code

BLOCK: Final = 512
"""Bytes that the size of a boot file is counted in (RFC 1497, tag 13)."""

Offset = Callable[[float], int]
"""Gives this machine's seconds east of Greenwich at a time."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One option, and the tag it comes from."""

    tag: str
    code: int
    value: bytes


def of_host(host: Host, request: Request, chosen: Chosen, offset: Offset) -> Iterator[Setting]:
    """Give the options of an entry; those by number come last. ``T61`` is only what it is found by."""
    for tag in ORDER:
        code = TAGS[tag].option
        value = _value(tag, host, request, chosen, offset)
        if code is not None and value:
            yield Setting(tag, code, value)
    for number, value in host.generic.items():
        if number not in PROTOCOL_OPTIONS and number != Code.CLIENT:
            yield Setting(f"T{number}", number, value)


def mask(host: Host, request: Request) -> IPv4Address:
    """Return the mask of a client's network: its own, or else ours if it is in our network, or else by class."""
    known = "sm" in host.tags or host.address not in request.network
    return (host.network if known else request.network).netmask


def _value(tag: str, host: Host, request: Request, chosen: Chosen, offset: Offset) -> bytes:
    value = host.tags.get(tag)
    if tag == "sm" and (value is not None or Code.MASK not in host.generic):
        return mask(host, request).packed
    if value is None or value is False:
        return b""
    if tag == "hn":
        return host.name.encode("latin-1")
    if tag == "to":
        return (offset(request.now) if value == AUTO else _number(value)).to_bytes(4, "big", signed=True)
    if tag == "bs":
        return _blocks(value, chosen)
    return _plain(value)


def _blocks(value: Value, chosen: Chosen) -> bytes:
    if value != AUTO:
        return min(_number(value), 0xFFFF).to_bytes(2, "big")
    if chosen.size is None:
        return b""
    return min(-(-chosen.size // BLOCK), 0xFFFF).to_bytes(2, "big")


def _number(value: Value) -> int:
    assert isinstance(value, int)  # noqa: S101 - as its tag reads it
    return value


def _plain(value: Value) -> bytes:
    if isinstance(value, tuple):
        return b"".join(address.packed for address in value)
    return str(value).encode("latin-1")


def ordered(settings: Iterator[Setting], request: Request) -> list[Setting]:
    """Put what the client asked for first (option 55), in its own order, so that it finds room before the rest."""
    wanted = request.options.get(Code.WANTED, b"")
    places: dict[int, int] = {}
    for place, code in enumerate(wanted):
        places.setdefault(code, place)
    # The mask comes before the routers whatever was asked (RFC 2132 section 3.3).
    if Code.ROUTERS in places and Code.MASK in places:
        first = min(places[Code.ROUTERS], places[Code.MASK])
        places[Code.MASK] = first
        places[Code.ROUTERS] = max(places[Code.ROUTERS], first)
    return sorted(settings, key=lambda each: (places.get(each.code, len(wanted)), each.code != Code.MASK))
