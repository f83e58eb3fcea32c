"""The question that ``superd explain`` answers, from words: ``Request``, ``services``, ``peers``."""

import asyncio
import re
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from ipaddress import IPv6Address, ip_address
from typing import Final

from superd.config.model import Config, Endpoint, Family, Service, SocketType
from superd.errors import SuperdError
from superd.net.bind import ANY
from superd.service import Peer

RESOLVE_TIMEOUT: Final = 10.0
"""Seconds for the addresses of a host name on the command line."""

_CLIENT = re.compile(
    r"\[(?P<v6>[^\]]+)\](?::(?P<port6>[0-9]{1,5}))?|(?P<v4>[0-9.]+)(?::(?P<port4>[0-9]{1,5}))?"
)
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII)

UNIX: Final = "unix"
"""Stands for a client of a Unix socket, which has no address."""


class UsageError(SuperdError):
    """The question makes no sense; the text says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """Who wants what, and when. ``None``: not said.

    ``client`` is an address (with a port or without), a host name or ``UNIX``; ``name`` and ``user`` are what
    look-ups would find; ``at`` is in seconds since the epoch; ``to`` the address the client reaches, with a port or
    without; ``aclexec`` whether the commands of that option succeed.
    """

    service: str
    client: str
    name: str | None = None
    user: str | None = None
    at: float | None = None
    to: str | None = None
    aclexec: bool | None = None


def when(text: str) -> float:
    """Read a local time, ISO 8601 or ``HH:MM`` of today, as seconds since the epoch. Raises UsageError."""
    found = _CLOCK.fullmatch(text)
    with suppress(ValueError, OverflowError, OSError):
        if found:
            today = datetime.now().astimezone().replace(second=0, microsecond=0, tzinfo=None)
            return today.replace(hour=int(found[1]), minute=int(found[2])).timestamp()
        return datetime.fromisoformat(text).timestamp()
    raise UsageError(f"{text!r} is no time: write 2026-12-31T23:59 or 23:59")


def now() -> float:
    """The time when nothing else was said."""
    return time.time()


def services(word: str, config: Config) -> list[Service]:
    """Find services by id, name or daemon name in hosts.allow, in this order. Raises UsageError with a suggestion."""
    for matches in (
        [service for service in config.services if word in {service.key, service.id}],
        [service for service in config.services if service.name == word],
        [service for service in config.services if service.access.daemon == word],
    ):
        if matches:
            return matches
    known = {name for each in config.services for name in (each.id, each.name, each.access.daemon) if name}
    near = get_close_matches(word, known, 1)
    hint = f"; did you mean {near[0]}?" if near else " (superd list shows all)"
    raise UsageError(f"there is no service {word!r}{hint}")


async def peers(request: Request, service: Service, *, lookup: bool) -> list[Peer]:
    """Give the client's end and ours for each of its addresses. Raises UsageError."""
    paths = [end.address for end in service.endpoints if end.family is Family.UNIX]
    if request.client == UNIX or (paths and len(paths) == len(service.endpoints)):
        return [Peer("", 0, paths[0] if paths else "", 0)]
    address, port = _split(request.client)
    addresses = [address] if address else await _resolve(request.client, lookup=lookup)
    return [_peer(each, port, request.to, service) for each in addresses]


def is_anonymous(service: Service) -> bool:
    """Whether superd starts the program without seeing its clients."""
    return service.wait and service.socket_type is not SocketType.DGRAM and service.action.kind == "program"


def _split(text: str) -> tuple[str, int]:
    """Read an address, perhaps with a port; the address is empty when it is none."""
    address, port = text, 0
    found = _CLIENT.fullmatch(text)
    if found:
        address, port = found["v6"] or found["v4"], int(found["port6"] or found["port4"] or 0)
    if port > 65535:
        raise UsageError(f"{text!r}: there is no port {port}")
    plain, percent, scope = address.partition("%")
    try:
        parsed = ip_address(plain)
    except ValueError:
        if found:
            raise UsageError(f"{text!r} is no address") from None
        return "", 0
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return f"{mapped or parsed}{percent}{scope}", port


async def _resolve(name: str, *, lookup: bool) -> list[str]:
    if not lookup:
        raise UsageError(f"{name!r} is a host name, and --no-lookup forbids to look it up")
    asked = asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    try:
        found = await asyncio.wait_for(asked, RESOLVE_TIMEOUT)
    except TimeoutError:
        raise UsageError(f"{name!r}: nobody said in time which addresses it has") from None
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "this is no host name"
        raise UsageError(f"{name!r} is neither an address nor a known host: {reason}") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _peer(address: str, port: int, to: str | None, service: Service) -> Peer:
    family = Family.INET6 if ":" in address else Family.INET
    mine = [end for end in service.endpoints if end.family is family] or list(service.endpoints)
    local, local_port = _split(to) if to else ("", 0)
    if to and not local:
        raise UsageError(f"{to!r} is no address")
    if not local and mine:
        local = _reached(mine, address)
    return Peer(address, port, local, local_port or (mine[0].port if mine else 0))


def _reached(endpoints: Sequence[Endpoint], client: str) -> str:
    """The address that a client reaches: the one that is bound, or the one this machine would answer from."""
    if endpoints[0].address not in ANY:
        return endpoints[0].address
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((client, 9))  # no packet is sent: the kernel only chooses a route
        return str(probe.getsockname()[0])
    return ""
