"""The addresses a service listens on, from ``bind``, ``v6only`` and the flags IPv4 and IPv6.

One stanza without ``bind`` listens in both families, as xinetd's IPv6 socket that takes IPv4 clients does.
"""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from superd.config import values
from superd.config.context import Context
from superd.config.model import Family
from superd.config.origin import Origin
from superd.config.written import Word
from superd.errors import SuperdError

BIND_LIMIT: Final = 64
"""Addresses in one bind; every one takes a descriptor for each port."""

_ANY: Final = {Family.INET: "0.0.0.0", Family.INET6: "::"}
_SHORT: Final = re.compile(r"(0[xX])?[0-9a-fA-F]+(\.(0[xX])?[0-9a-fA-F]+){0,3}", re.ASCII)
_HOST: Final = re.compile(r"(?!-)[A-Za-z0-9_.-]{1,253}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """An address in one family; see ``model.Endpoint`` for the fields."""

    family: Family
    address: str
    device: str = ""
    optional: bool = False


def derive_addresses(context: Context) -> tuple[Place, ...]:
    """Derive the addresses, without repetitions; empty after an error, which is reported."""
    alone = _v6only(context)
    word = context.written.bind
    if word is None:
        return tuple(_anywhere(context, alone))
    found: list[Place] = []
    texts = word.value.split(",")
    if len(texts) > BIND_LIMIT:
        context.bad("bind", word.origin, f"more than {BIND_LIMIT} addresses")
        return ()
    for text in texts:
        found += _places(context, word, text, alone)
    return tuple(dict.fromkeys(found))


def _v6only(context: Context) -> bool:
    word = context.written.v6only
    alone = context.value("v6only", word, values.yes_no)
    if word is None or alone is None:
        return False
    if context.is_inherited(word.origin):
        if alone:
            text = "v6only in defaults holds for services without bind"
            context.warning("v6only-default", word.origin, text, xinetd="does not apply it")
    elif not alone:
        text = "v6only = no means no"
        context.warning("v6only-no", word.origin, text, xinetd="takes it for yes")
    return alone


def _families(context: Context, alone: bool) -> tuple[Family, ...]:
    """The families of a wildcard. xinetd's IPv6 sockets serve IPv4, too, unless v6only is set."""
    four, six = "IPV4" in context.flags, "IPV6" in context.flags
    if four and not six:
        return (Family.INET,)
    if alone or (six and not four and context.written.dialect == "inetd"):
        return (Family.INET6,)
    return (Family.INET, Family.INET6)


def _anywhere(context: Context, alone: bool, device: str = "") -> list[Place]:
    families = _families(context, alone)
    both = len(families) > 1
    if both and "IPV6" in context.flags and "IPV4" not in context.flags:
        origin = context.origin_of(context.written.flags, "IPV6")
        _warn_both(context, origin, "flags = IPv6")
    return [Place(each, _ANY[each], device, both and each is Family.INET6) for each in families]


def _warn_both(context: Context, origin: Origin, what: str) -> None:
    text = f"{what} serves IPv4 clients, too, as in xinetd"
    context.warning("ipv6-serves-ipv4", origin, text, hint="v6only = yes serves IPv6 alone")


def _places(context: Context, word: Word, text: str, alone: bool) -> list[Place]:
    if text.startswith("/"):
        context.bad("bind", word.origin, f"{text} is a path", hint="protocol = unix listens on a path")
        return []
    address = _literal(context, word, text)
    if address is None:
        return _named(context, word, text, alone)
    family = Family.INET if isinstance(address, IPv4Address) else Family.INET6
    if not _fits(context, word, str(address), family):
        return []
    if (
        family is Family.INET6
        and address == IPv6Address("::")
        and not alone
        and context.written.dialect == "xinetd"
    ):
        _warn_both(context, word.origin, f"bind = {text}")
        return [Place(Family.INET, _ANY[Family.INET]), Place(Family.INET6, _ANY[Family.INET6], optional=True)]
    return [Place(family, str(address))]


def _literal(context: Context, word: Word, text: str) -> IPv4Address | IPv6Address | None:
    if ":" in text:
        try:
            address = IPv6Address(text)
        except ValueError:
            context.bad("bind", word.origin, f"{text!r} is not an IPv6 address")
            return None
        return address.ipv4_mapped or address
    try:
        return IPv4Address(text)
    except ValueError:
        return _short(context, word, text)


def _short(context: Context, word: Word, text: str) -> IPv4Address | None:
    """Read what only inet_aton(3) takes for an address, like 127.1."""
    if not _SHORT.fullmatch(text) or not text[:1].isdigit():
        return None
    try:
        address = IPv4Address(socket.inet_aton(text))
    except OSError:
        return None
    context.warning("short-address", word.origin, f"bind = {text} is read as {address}")
    return address


def _fits(context: Context, word: Word, text: str, family: Family) -> bool:
    """Check an address against the family flags, which xinetd answers by listening everywhere."""
    four, six = "IPV4" in context.flags, "IPV6" in context.flags
    wanted = Family.INET6 if six and not four else Family.INET if four and not six else family
    if wanted is family:
        return True
    flag = "IPv6" if six else "IPv4"
    text = f"bind = {text} contradicts flags = {flag}"
    context.error("bind-family-conflict", word.origin, text, xinetd="listens on all addresses")
    return False


def _named(context: Context, word: Word, text: str, alone: bool) -> list[Place]:
    if ":" in text:
        return []
    if text in context.machine.interfaces:
        return _anywhere(context, alone, device=text)
    if not _HOST.fullmatch(text):
        context.bad("bind", word.origin, f"{text!r} is no address, host name or network interface")
        return []
    found, reasons = [], []
    flagged = {"IPV4": Family.INET, "IPV6": Family.INET6}
    families = [family for flag, family in flagged.items() if flag in context.flags] or list(flagged.values())
    for family in families:
        try:
            found += [Place(family, address) for address in context.machine.addresses(text, family)[:1]]
        except SuperdError as error:
            reasons.append(str(error))
    if not found:
        reason = reasons[0] if reasons else f"{text} has no address"
        context.bad("bind", word.origin, f"{reason}, and there is no network interface {text}")
    elif len(found) > 1:
        both = " and ".join(place.address for place in found)
        context.warning(
            "bind-name-families", word.origin, f"bind = {text} is {both}", xinetd="takes the IPv6 address"
        )
    return found
