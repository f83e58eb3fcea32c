"""Values of tags: functions from a field's text to a ``Value``. Each raises ValueError, which says what is wrong."""

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address
from typing import Final

Value = str | int | bool | bytes | tuple[IPv4Address, ...]
"""Texts, numbers, whether a tag stands there alone, bytes, and lists of addresses. A mask is its number of bits."""

Resolver = Callable[[str], tuple[IPv4Address, ...]]
"""Gives the addresses of a host name; empty when it has none."""

ADDRESSES_LIMIT: Final = 16
"""Addresses of a list, as in CMU bootpd; a vendor area could not hold more of them."""

TEXT_LIMIT: Final = 255
"""Characters of a text: what an option holds in one piece."""

AUTO: Final = "auto"

_HARDWARE_TYPES: Final[Mapping[str, int]] = {
    "ethernet": 1, "ether": 1, "ethernet3": 2, "ether3": 2, "ax.25": 3, "pronet": 4, "chaos": 5, "ieee802": 6,
    "tr": 6, "token-ring": 6, "arcnet": 7, "direct": 8, "serial": 8, "slip": 8, "ppp": 8,
}  # fmt: skip
_HARDWARE_LENGTHS: Final = {1: 6, 6: 6}

_BYTE: Final = re.compile(r"(?:0[xX])?([0-9A-Fa-f]{1,2})[.:]?")
_GENERIC_BYTE: Final = re.compile(r"\s*(?:0[xX])?([0-9A-Fa-f]{1,2})\s*\.?")


def address(text: str, resolve: Resolver) -> IPv4Address:
    """Read one address: one to four numbers as in inet_aton(3), or the name of a host."""
    if text[:1].isalpha():
        found = resolve(text)
        if not found:
            raise ValueError(
                f"{shown(text)} has no address in the hosts file; names are not asked for in the DNS"
            )
        return found[0]
    *parts, last = (_number(part) for part in text.split("."))
    if len(parts) > 3 or any(part > 255 for part in parts) or last >= 1 << 8 * (4 - len(parts)):
        raise ValueError(f"{shown(text)} is no address")
    high = sum(part << 8 * (3 - place) for place, part in enumerate(parts))
    return IPv4Address(high + last)


def _number(text: str) -> int:
    """Read a number as in C: octal with a leading 0, hexadecimal with 0x."""
    if re.fullmatch(r"0[xX][0-9A-Fa-f]{1,8}", text):
        return int(text, 16)
    if re.fullmatch(r"0[0-7]{0,11}", text):
        return int(text, 8)
    if re.fullmatch(r"[1-9][0-9]{0,9}", text):
        return int(text)
    raise ValueError(f"{shown(text)} is no number" if text else "a number is missing")


def addresses(text: str, resolve: Resolver) -> tuple[IPv4Address, ...]:
    """Read a list of addresses, parted by blanks or commas."""
    words = [word for word in re.split(r"[\s,]+", text) if word]
    if not 1 <= len(words) <= ADDRESSES_LIMIT:
        raise ValueError(f"{len(words)} addresses; 1 to {ADDRESSES_LIMIT} may be given")
    return tuple(address(word, resolve) for word in words)


def one_address(text: str, resolve: Resolver) -> tuple[IPv4Address, ...]:
    """Read one address, as a list of one."""
    return (address(text, resolve),)


def mask(text: str, resolve: Resolver) -> int:
    """Read a mask of a network; return its bits."""
    value = int(address(text, resolve))
    bits = value.bit_count()
    if value != (1 << 32) - (1 << 32 - bits):
        raise ValueError(f"{shown(text)} is no mask of a network")
    return bits


def words(text: str, _resolve: Resolver) -> str:
    """Read a text; an empty one keeps a template's from being inherited."""
    if len(text) > TEXT_LIMIT or "\0" in text:
        raise ValueError(f"a text of at most {TEXT_LIMIT} characters, without NUL")
    return text


def count(text: str, _resolve: Resolver) -> int:
    """Read a number of things, bytes or seconds."""
    value = _number(text)
    if value > 0xFFFFFFFF:
        raise ValueError(f"{text} is more than 32 bits")
    return value


def count_or_auto(text: str, resolve: Resolver) -> int | str:
    """Read a number, or the word auto."""
    return AUTO if text in {"", AUTO} else count(text, resolve)


def offset(text: str, _resolve: Resolver) -> int | str:
    """Read seconds east of Greenwich, which may be negative, or the word auto."""
    if text in {"", AUTO}:
        return AUTO
    value = -_number(text[1:]) if text.startswith("-") else _number(text)
    if not -86400 <= value <= 86400:
        raise ValueError(f"{text} seconds are more than a day")
    return value


def format_of_area(text: str, resolve: Resolver) -> str | bytes:
    """Read ``vm``: a word, or the four bytes that the vendor area begins with as an address."""
    known = {AUTO: AUTO, "rfc1048": "rfc1048", "rfc1084": "rfc1048", "rfc1497": "rfc1048", "cmu": "cmu"}
    return known[text] if text in known else address(text, resolve).packed


def hardware_type(text: str, _resolve: Resolver) -> int:
    """Read the kind of a network: a name, or a number of RFC 1700."""
    if text in _HARDWARE_TYPES:
        return _HARDWARE_TYPES[text]
    if not re.fullmatch(r"[0-9]{1,3}", text) or int(text) > 255:
        raise ValueError(
            f"{shown(text)} is no hardware type (known: {' '.join(_HARDWARE_TYPES)}, or a number)"
        )
    return int(text)


def hardware(text: str, htype: int, ethers: Mapping[str, bytes]) -> bytes:
    """Read a hardware address: a name of ethers(5), or hexadecimal bytes, parted by dots, colons or nothing."""
    if text[:1].isalpha() and text.lower() in ethers:
        return ethers[text.lower()]
    value = _bytes(text, _BYTE)
    length = _HARDWARE_LENGTHS.get(htype)
    if not 1 <= len(value) <= 16 or (length and len(value) != length):
        raise ValueError(f"{shown(text)} has {len(value)} bytes, and not {length or '1 to 16'}")
    return value


def generic(text: str, *, quoted: bool) -> bytes:
    """Read the value of an option by number: hexadecimal bytes, or a quoted text, to which a NUL is added."""
    value = text.encode("latin-1", "replace") + b"\0" if quoted else _bytes(text, _GENERIC_BYTE)
    if len(value) > TEXT_LIMIT:
        raise ValueError(f"{len(value)} bytes; an option holds {TEXT_LIMIT}")
    return value


def _bytes(text: str, byte: re.Pattern[str]) -> bytes:
    found = bytearray()
    place = 0
    while place < len(text):
        match = byte.match(text, place)
        if match is None:
            raise ValueError(f"{shown(text)} is not hexadecimal")
        found.append(int(match[1], 16))
        place = match.end()
    if not found:
        raise ValueError("hexadecimal bytes are missing")
    return bytes(found)


def shown(text: str) -> str:
    """Return a text of the file so that it can stand in a message, whatever is in it."""
    return ascii(text[:80]).strip("'\"") or "an empty text"
