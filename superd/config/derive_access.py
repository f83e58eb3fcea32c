"""Who may connect, and when: only_from, no_access, access_times, libwrap, deny_time, and the rules between them.

Addresses that can't be read never open anything: in no_access they keep the service from starting, in only_from they
match nobody.
"""

import re
from functools import lru_cache, partial
from ipaddress import IPv4Network, IPv6Address
from typing import Final

from superd.access import addresses, times
from superd.config import values
from superd.config.context import Context
from superd.config.derive_action import behind_tcpd
from superd.config.model import LOOKUP_SECONDS, Access, AddressPattern, TimeSpan
from superd.config.origin import Origin
from superd.config.written import Word, Words

_EVERY_IPV4: Final = IPv4Network("0.0.0.0/0")
_NOT_STARTED: Final = "does not start the service"
_MAPPED: Final = IPv6Address("::ffff:0:0")
"""The first IPv6 address that stands for an IPv4 one."""
_FACTORISED: Final = re.compile(r"(?:[0-9]{1,9}\.){0,3}\{[0-9]{1,9}(?:,[0-9]{1,9})*\}", re.ASCII)
"""A factorised address whose form xinetd accepts, and whose numbers it adds up however large they are."""


def derive_access(context: Context) -> Access:
    """Derive the access rules; errors are reported."""
    written = context.written
    only_from = _patterns(context, "only_from", written.only_from)
    no_access = _patterns(context, "no_access", written.no_access)
    if _is_local(context):
        _check_local(context)
        only_from = no_access = None
    _check_wait(context)
    most_specific = context.value("address_rule", written.address_rule, values.address_rule) or False
    if not most_specific:
        _check_both(context, only_from or (), no_access or ())
    _check_deny_time(context)
    _check_ident(context)
    seconds = context.value("lookup_timeout", written.lookup_timeout, values.lookup_seconds)
    first = written.only_from[0].origin if written.only_from else written.origin
    return Access(
        only_from=only_from,
        no_access=no_access,
        only_from_origin=None if only_from is None else first,
        most_specific=most_specific,
        times=_times(context, written.access_times),
        daemon=daemon_name(context),
        paranoid=_paranoid(context),
        lookup_seconds=LOOKUP_SECONDS if seconds is None else seconds,
        deny_minutes=context.value("deny_time", written.deny_time, values.deny_minutes),
    )


def check_shared(context: Context) -> None:
    """Report what is wrong with the attributes of a defaults section that are about clients."""
    written = context.written
    _patterns(context, "only_from", written.only_from)
    _patterns(context, "no_access", written.no_access)
    context.value("address_rule", written.address_rule, values.address_rule)
    context.value("lookup_timeout", written.lookup_timeout, values.lookup_seconds)
    _paranoid(context)


def _patterns(context: Context, name: str, words: Words | None) -> tuple[AddressPattern, ...] | None:
    if words is None:
        return None
    return tuple(pattern for word in words for pattern in _pattern(context, name, word))


def _pattern(context: Context, name: str, word: Word) -> tuple[AddressPattern, ...]:
    try:
        found = _parse(word.value, word.origin)
    except ValueError as error:
        _refuse(context, name, word, str(error))
        return ()
    _remark(context, name, word, found)
    if any(pattern.name for pattern in found):
        _remark_on_name(context, name, word)
    return found


@lru_cache(maxsize=4096)
def _parse(text: str, origin: Origin) -> tuple[AddressPattern, ...]:
    """Parse a word once, however many services inherit it."""
    return addresses.parse(text, origin)


def _refuse(context: Context, name: str, word: Word, reason: str) -> None:
    if _FACTORISED.fullmatch(word.value):
        context.odd(name, word.origin, reason)
    elif "," in word.value or "{" in word.value:
        context.bad(name, word.origin, reason)
    elif name == "no_access":
        text = f"no_access: {reason}; the service is not started, because that would let it in"
        context.error(
            "no-access-unreadable", word.origin, text, xinetd="drops the word and starts the service"
        )
    else:
        text = f"only_from: {reason}; the word matches nobody"
        context.report.error("only-from-unreadable", word.origin, text)


def _remark(context: Context, name: str, word: Word, found: tuple[AddressPattern, ...]) -> None:
    remark = addresses.remark(word.value) or _unlike_xinetd(context, word.value, found)
    if remark:
        context.warning("address-remark", word.origin, f"{name}: {remark}")
    networks = [pattern.network for pattern in found]
    if networks == [_EVERY_IPV4] and "IPV4" not in context.flags and _hears_ipv6(context):
        text = f"{name}: {word.value} is every IPv4 address, and the service listens on IPv6, too"
        context.warning("ipv4-only-pattern", word.origin, text, hint="add ::/0")
    elif _surprises(word.value):
        text = f"{name}: zeros at the end are wildcards: {word.value} is {networks[0]}"
        context.warning("trailing-zeros", word.origin, text, hint=f"write {networks[0]} if that is meant")


def _remark_on_name(context: Context, name: str, word: Word) -> None:
    xinetd = "believes the name that the client's name server gives"
    if name == "only_from":
        text = f"only_from: {word.value} holds clients whose name leads back to their address"
        context.warning("host-name", word.origin, text, xinetd=xinetd)
    else:
        text = f"no_access: whom {word.value} is to shut out gets in without a name that leads back to the address"
        hint = "write addresses, or paranoid = yes besides"
        context.warning("host-name", word.origin, text, hint=hint, xinetd=xinetd)


def _unlike_xinetd(context: Context, text: str, found: tuple[AddressPattern, ...]) -> str:
    """Say that a pattern holds clients whom it does not hold in xinetd; empty when it holds the same ones."""
    networks = [pattern.network for pattern in found if pattern.network is not None]
    if networks and text[:1].isalpha() and ":" not in text:
        return f"{text} is {networks[0]}, from networks(5), which matches nobody in xinetd"
    holds = any(isinstance(each, IPv4Network) or _MAPPED in each for each in networks)
    if ":" in text and holds and ("IPV4" in context.flags or not _hears_ipv6(context)):
        return f"{text} holds IPv4 clients; in xinetd not those of an IPv4 socket"
    return ""


def _surprises(text: str) -> bool:
    """Tell an address with more than one zero octet at its end, and something in front of them."""
    octets = text.split(".")
    return len(octets) == 4 and octets[2:] == ["0", "0"] and octets != ["0"] * 4


def _hears_ipv6(context: Context) -> bool:
    bind = context.written.bind
    return bind is None or ":" in bind.value


def _is_local(context: Context) -> bool:
    word = context.written.protocol
    return word is not None and word.value.lower() == "unix"


def _check_local(context: Context) -> None:
    """Clients of a Unix socket have no address: lists in defaults are not for them, one of its own is an error."""
    written = context.written
    for name, words in (("only_from", written.only_from), ("no_access", written.no_access)):
        if words is None:
            continue
        origin = words[0].origin if words else written.origin
        text = f"{name}: clients of a Unix socket have no address; socket_mode says who may connect"
        if context.is_inherited(origin):
            context.warning("unix-with-defaults", origin, text)
        else:
            context.error("unix-with-addresses", origin, text)


def _check_wait(context: Context) -> None:
    """A server that accepts by itself meets clients that nobody has looked at."""
    written = context.written
    words = next((each for each in (written.only_from, written.no_access) if each is not None), None)
    if words is None or not context.waits or not context.streams or _is_local(context):
        return
    if context.internal or context.sensor:
        return
    origin = words[0].origin if words else written.origin
    if context.is_inherited(origin):
        origin = written.origin
    context.error(
        "wait-with-addresses",
        origin,
        f"service {written.name}: only_from and no_access can't be checked with wait = yes on a stream socket",
        xinetd="refuses everybody because of only_from, and nobody because of no_access",
    )


def _check_both(
    context: Context, only_from: tuple[AddressPattern, ...], no_access: tuple[AddressPattern, ...]
) -> None:
    """Point out what the manual of xinetd promises and neither does: that the better match wins."""
    listed = addresses.AddressSet(no_access)
    for entry in only_from:
        outer = None if entry.network is None else listed.match(entry.network.network_address)
        if outer is None or outer.network is None or entry.network is None:
            continue
        if outer.network.prefixlen <= entry.network.prefixlen:
            text = f"only_from: {entry.text} lies within no_access {outer.text} and lets nobody in"
            hint = "address_rule = most-specific lets the more specific entry win"
            context.warning("covered-by-no-access", entry.origin, text, hint=hint)


def _check_deny_time(context: Context) -> None:
    word = context.written.deny_time
    if word is not None and not context.sensor:
        text = "deny_time means nothing without flags = SENSOR"
        context.warning("deny-time-ignored", word.origin, text)


def _check_ident(context: Context) -> None:
    logged = {word.value.upper() for word in context.written.log_on_success or ()}
    if "IDONLY" in context.flags and "USERID" not in logged:
        origin = context.origin_of(context.written.flags, "IDONLY")
        text = "IDONLY refuses clients without an ident server, though log_on_success has no USERID"
        context.warning("idonly-without-userid", origin, text, xinetd="asks nobody and serves everybody")


def _paranoid(context: Context) -> Origin | None:
    """Where it was written. Not for sensors: a doubtful name must not keep a scanner from being banned."""
    word = context.written.paranoid
    wanted = context.value("paranoid", word, values.yes_no)
    return word.origin if word and wanted and not context.sensor else None


def _times(context: Context, words: Words | None) -> tuple[TimeSpan, ...] | None:
    if words is None:
        return None
    spans = [context.value("access_times", word, partial(times.parse, origin=word.origin)) for word in words]
    found = tuple(span for span in spans if span is not None)
    for span in found:
        if remark := times.remark(span):
            context.warning("extended-times", span.origin, f"access_times: {remark}", xinetd=_NOT_STARTED)
    return found


def daemon_name(context: Context) -> str:
    """Derive what hosts.allow and hosts.deny know the service by; empty when they are not asked."""
    written = context.written
    if context.sensor:
        return ""
    wrapped = behind_tcpd(context)
    if wrapped is not None:
        return written.libwrap.value if written.libwrap else wrapped[1]
    if "NOLIBWRAP" in context.flags:
        return ""
    if written.libwrap is not None:
        return written.libwrap.value
    if context.internal or written.redirect is not None:
        return written.name
    named = "NAMEINARGS" in context.flags and written.server_args
    word = written.server_args[0] if named and written.server_args else written.server
    return word.value.rpartition("/")[2] if word else ""
