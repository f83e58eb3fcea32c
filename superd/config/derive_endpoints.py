"""Where a service listens: socket type, protocol and ports here, addresses in ``derive_addresses``."""

import os
from typing import Final

from superd.config import values
from superd.config.context import Context
from superd.config.derive_addresses import derive_addresses
from superd.config.model import Endpoint, Family, SocketType

PORTS_LIMIT: Final = 1024
"""Ports of one range; each takes a descriptor or two."""

UNIX_PATH_LIMIT: Final = 107
"""Bytes of a Unix socket's path (unix(7), without the final NUL)."""

_NATURAL: Final = {"tcp": SocketType.STREAM, "udp": SocketType.DGRAM}
_NUMBERED: Final = {"tcp4": "IPv4", "udp4": "IPv4", "tcp6": "IPv6", "udp6": "IPv6"}


def socket_type(context: Context) -> SocketType | None:
    """Derive the socket type, from the protocol if need be; ``None`` after an error."""
    written = context.written
    if written.socket_type is None:
        protocol = written.protocol.value.lower() if written.protocol else ""
        kind = _NATURAL.get(protocol)
        if kind is None and protocol:
            text = f"service {written.name} needs the attribute socket_type"
            context.error("missing-attribute", written.origin, text)
        return kind
    try:
        return SocketType(written.socket_type.value.lower())
    except ValueError:
        known = ", ".join(SocketType)
        reason = f"there is no {written.socket_type.value!r}: {known}"
        context.bad("socket_type", written.socket_type.origin, reason)
        return None


def derive_endpoints(context: Context, kind: SocketType) -> tuple[Endpoint, ...]:
    """Derive every address to bind; empty for TCPMUX clients, and after an error, which is reported."""
    protocol = _protocol(context, kind)
    if protocol is None or context.types & {"TCPMUX", "TCPMUXPLUS"}:
        return ()
    sizes = {
        "sndbuf": context.value("sndbuf", context.written.sndbuf, values.size),
        "rcvbuf": context.value("rcvbuf", context.written.rcvbuf, values.size),
    }
    if protocol == "unix":
        return _unix(context, kind, sizes)
    return _internet(context, kind, protocol, sizes)


def _protocol(context: Context, kind: SocketType) -> str | None:
    word = context.written.protocol
    if word is None:
        natural = next((name for name, each in _NATURAL.items() if each is kind), None)
        if natural is None:
            text = f"service {context.written.name} needs the attribute protocol"
            context.error("missing-attribute", context.written.origin, text)
        return natural
    protocol = word.value.lower()
    if protocol == "unix":
        return protocol
    if protocol in _NUMBERED:
        hint = f"write protocol = {protocol[:-1]} and flags = {_NUMBERED[protocol]}"
        context.bad("protocol", word.origin, f"there is no {word.value!r}", hint=hint)
        return None
    if not context.machine.protocol(protocol):
        context.bad("protocol", word.origin, f"protocols(5) does not know {word.value!r}")
        return None
    if _NATURAL.get(protocol, kind) is not kind:
        text = f"a {kind} socket can't speak {protocol}"
        context.error("socket-protocol-mismatch", word.origin, text)
        return None
    return protocol


def _internet(
    context: Context, kind: SocketType, protocol: str, sizes: dict[str, int | None]
) -> tuple[Endpoint, ...]:
    stream = kind is SocketType.STREAM and protocol == "tcp"
    ports = _ports(context, protocol)
    return tuple(
        Endpoint(
            family=place.family,
            socket_type=kind,
            protocol=protocol,
            address=place.address,
            port=port,
            device=place.device,
            optional=place.optional,
            nodelay=stream and "NODELAY" in context.flags,
            keepalive=stream and "KEEPALIVE" in context.flags,
            **sizes,
        )
        for place in derive_addresses(context)
        for port in ports
    )


def _ports(context: Context, protocol: str) -> range:
    """The ports a service listens on; empty after an error."""
    written = context.written
    given = _given(context, protocol)
    if "RPC" in context.types:
        return given or range(1)
    if "UNLISTED" in context.types:
        if given is None and written.port is None:
            text = f"service {written.name} needs the attribute port, because it is UNLISTED"
            context.error("missing-attribute", written.origin, text)
        return given or range(0)
    listed = context.machine.port(written.name, protocol)
    if listed is None:
        more = "" if written.port else " and port = NUMBER"
        hint = f"add type = UNLISTED{more}" if written.dialect == "xinetd" else "write the port's number"
        text = f"services(5) does not know {written.name}/{protocol}"
        context.error("not-listed", written.origin, text, hint=hint)
        return range(0)
    if given and given != range(listed, listed + 1) and written.port is not None:
        text = f"services(5) has {listed} for {written.name}/{protocol}, not {written.port.value}"
        context.error("port-differs", written.port.origin, text, hint="add type = UNLISTED")
    return range(listed, listed + 1)


def _given(context: Context, protocol: str) -> range | None:
    word = context.written.port
    return context.value("port", word, lambda text: _range(context, text, protocol))


def _range(context: Context, text: str, protocol: str) -> range:
    """Read a number, a name of services(5), or a range of numbers."""
    low, dash, high = text.partition("-")
    if dash and low.isdigit() and high.isdigit():
        first, last = values.integer(low, 1, values.PORT_LIMIT), values.integer(high, 1, values.PORT_LIMIT)
        if not first <= last < first + PORTS_LIMIT:
            raise ValueError(f"{text} is not a range of 1 to {PORTS_LIMIT} ports")
        return range(first, last + 1)
    named = None if text[:1].isdigit() else context.machine.port(text, protocol)
    number = values.integer(text, 0, values.PORT_LIMIT) if named is None else named
    return range(number, number + 1)


def _unix(context: Context, kind: SocketType, sizes: dict[str, int | None]) -> tuple[Endpoint, ...]:
    word = context.written.bind
    if word is None or not word.value.startswith("/"):
        origin = word.origin if word else context.written.origin
        context.error("unix-path", origin, "protocol = unix needs bind = /path/of/the/socket")
        return ()
    if len(os.fsencode(word.value)) > UNIX_PATH_LIMIT:
        context.bad("bind", word.origin, f"the path is longer than {UNIX_PATH_LIMIT} bytes")
    mode = context.value("socket_mode", context.written.socket_mode, values.octal)
    endpoint = Endpoint(
        family=Family.UNIX,
        socket_type=kind,
        protocol="",
        address=word.value,
        owner=_owner(context),
        mode=0o666 if mode is None else mode,
        **sizes,
    )
    return (endpoint,)


def _owner(context: Context) -> tuple[int, int] | None:
    word = context.written.socket_owner
    if word is None:
        return None
    name, colon, group = word.value.partition(":")
    account = context.machine.user(name)
    if account is None:
        context.bad("socket_owner", word.origin, f"there is no user {name!r}")
        return None
    gid = context.machine.group(group) if colon else account.pw_gid
    if gid is None:
        context.bad("socket_owner", word.origin, f"there is no group {group!r}")
        return None
    return account.pw_uid, gid
