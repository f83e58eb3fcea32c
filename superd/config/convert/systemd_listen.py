"""What a ``[Socket]`` section listens on, and its limits (systemd.socket(5))."""

import re
import socket
from typing import Final

from superd.config.convert.systemd_words import Unconvertible, word
from superd.config.convert.words import flag, value
from superd.config.inetd_fields import literal_family
from superd.config.written import WrittenService

_LISTEN: Final = {"stream": "ListenStream", "dgram": "ListenDatagram", "seqpacket": "ListenSequentialPacket"}
_SOCKET_OF: Final = {"tcp": "stream", "udp": "dgram"}
_PROTOCOL_OF: Final = {"stream": "tcp", "dgram": "udp"}

UNLIMITED: Final = 100_000
"""Connections at a time where xinetd has no limit; more than any machine's descriptors."""


def socket_section(service: WrittenService, accept: bool) -> list[str]:
    """The lines of the section, but for access. Raises Unconvertible."""
    return [
        *_addresses(service),
        *_options(service),
        f"Accept={'yes' if accept else 'no'}",
        *_limits(service, accept),
    ]


def _addresses(service: WrittenService) -> list[str]:
    protocol = value(service.protocol).lower()
    kind = value(service.socket_type).lower() or _SOCKET_OF.get(protocol, "")
    if kind not in _LISTEN:
        raise Unconvertible(f"systemd has no {kind or 'unknown'} sockets")
    if protocol == "unix":
        return [f"{_LISTEN[kind]}={word(value(service.bind))}", *_unix(service)]
    port = _port(service, protocol or _PROTOCOL_OF.get(kind, ""))
    hosts = value(service.bind).split(",") if service.bind else [_any(service)]
    lines = [f"{_LISTEN[kind]}={_endpoint(host, port)}" for host in hosts]
    return [*lines, f"BindIPv6Only={_sharing(service)}"] if any(":" in host for host in hosts) else lines


def _sharing(service: WrittenService) -> str:
    """Tell what an IPv6 socket takes: xinetd's take IPv4 clients, too, unless ``v6only`` is set; inetd's do not."""
    six = flag(service, "IPv6") and not flag(service, "IPv4")
    alone = value(service.v6only).lower() == "yes" or (six and service.dialect == "inetd")
    return "ipv6-only" if alone else "both"


def _any(service: WrittenService) -> str:
    """The wildcard of the families: ``[::]`` also takes IPv4 unless ``BindIPv6Only`` forbids it."""
    return "0.0.0.0" if flag(service, "IPv4") and not flag(service, "IPv6") else "::"


def _endpoint(host: str, port: int) -> str:
    family = literal_family(host)
    if not family:
        raise Unconvertible(f"systemd binds to numeric addresses, not to {host!r}")
    return f"[{host}]:{port}" if family == "IPv6" else f"{host}:{port}"


def _port(service: WrittenService, protocol: str) -> int:
    written = value(service.port)
    try:
        return int(written) if written else socket.getservbyname(service.name, protocol)
    except (ValueError, OSError, OverflowError):
        raise Unconvertible(
            f"the port {written or service.name!r} is not a number and not in services(5)"
        ) from None


def _unix(service: WrittenService) -> list[str]:
    owner, _, group = value(service.socket_owner).partition(":")
    found = [f"SocketMode={word(value(service.socket_mode) or '0666')}"]
    found += [f"SocketUser={word(owner)}"] if owner else []
    found += [f"SocketGroup={word(group)}"] if group else []
    return found


def _options(service: WrittenService) -> list[str]:
    found = []
    if service.sndbuf is not None:
        found.append(f"SendBuffer={word(service.sndbuf.value.upper())}")
    if service.rcvbuf is not None:
        found.append(f"ReceiveBuffer={word(service.rcvbuf.value.upper())}")
    found += ["NoDelay=yes"] if flag(service, "NODELAY") else []
    found += ["KeepAlive=yes"] if flag(service, "KEEPALIVE") else []
    return found


def _limits(service: WrittenService, accept: bool) -> list[str]:
    """The lines that bound load; those on connections count only where systemd accepts."""
    found = []
    if accept:
        found.append(f"MaxConnections={_count(value(service.instances))}")
    if accept and service.per_source is not None:
        found.append(f"MaxConnectionsPerSource={_count(value(service.per_source).partition('/')[0])}")
    if service.cps is not None and service.cps[0].value != "0":
        found += ["PollLimitIntervalSec=1s", f"PollLimitBurst={_count(service.cps[0].value)}"]
    elif service.rate_per_minute is not None:
        found += ["PollLimitIntervalSec=60s", f"PollLimitBurst={_count(value(service.rate_per_minute))}"]
    return found


def _count(written: str) -> str:
    """A number; no limit, or none written, has to be a large one, because systemd's default is 64 connections."""
    return written if re.fullmatch(r"[0-9]+", written) else str(UNLIMITED)
