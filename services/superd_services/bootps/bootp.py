"""Answers to BOOTP clients (RFC 951, RFC 1542): the vendor area in the client's own form (RFC 1497, CMU's, or none)."""

import struct
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Final

from superd_services.bootps import packet, vendor
from superd_services.bootps.answers import Answer, Case, Result, Silence, blank, next_server
from superd_services.bootps.bootptab import Host
from superd_services.bootps.bootptab.values import AUTO
from superd_services.bootps.entry_options import mask
from superd_services.bootps.packet import NOWHERE
from superd_services.bootps.request import Request
from superd_services.bootps.vendor import Code

IP_UDP_HEADERS: Final = 28
"""Bytes that option 57 counts beside the message."""

_CMU_AREA: Final = struct.Struct("!4sI4s4s4s4s4s4s4s4s24x")
"""Cookie, flags, mask, gateway, two of each: name servers, IEN 116 name servers, time servers (CMU's bootp.h)."""

_CMU_MASK_VALID: Final = 1


def answer(case: Case, host: Host, us: frozenset[bytes]) -> Result:
    """Answer a BOOTP request of a client of the table. ``us``: the names of this server, in lower case."""
    request, options, file = case.request, case.options, case.chosen.name
    name = request.server_name
    if name and name.lower() not in us | {options.server_name.lower().encode("latin-1", "replace")}:
        return Silence("the client asks for another server by name")
    if len(file) > packet.FILE_MAX:
        return Silence("the name of the boot file is too long")
    area, left_out = _area(case, host, length_limit(request, host) - packet.HEADER_SIZE)
    asked = request.packet.ciaddr
    reply = replace(
        blank(case),
        ciaddr=asked if asked == host.address else NOWHERE,
        yiaddr=host.address,
        siaddr=next_server(case, host),
        file=file,
        vendor=area,
    )
    length = min(max(request.length, packet.LENGTH_MIN), packet.LENGTH_MAX)
    return Answer(reply, length, None, left_out)


def length_limit(request: Request, host: Host) -> int:
    """Return the bytes of a reply at most: what the client sent, unless ``ms`` or option 57 say that it takes more."""
    said = request.number(Code.MESSAGE_SIZE) - IP_UDP_HEADERS
    length = max(host.number("ms") or request.length, said)
    return min(max(length, packet.LENGTH_MIN), packet.LENGTH_MAX)


def _area(case: Case, host: Host, room: int) -> tuple[bytes, tuple[str, ...]]:
    form = _form(case.request, host)
    if form == vendor.COOKIE:
        return _options(case, host, room)
    if form == vendor.CMU_COOKIE:
        return _cmu(case.request, host), ()
    return form, ()


def _form(request: Request, host: Host) -> bytes:
    """Return the cookie of the form to use; behind one that is not known stands nothing."""
    chosen = host.tags.get("vm", AUTO)
    if isinstance(chosen, bytes):
        return chosen
    if chosen != AUTO:
        return vendor.CMU_COOKIE if chosen == "cmu" else vendor.COOKIE
    return request.packet.vendor[:4]


def _options(case: Case, host: Host, room: int) -> tuple[bytes, tuple[str, ...]]:
    writer = vendor.Writer(room)
    left_out = []
    for each in case.settings(host):
        if not writer.put(each.code, each.value):
            left_out.append(each.tag)
        elif each.code == Code.EXTENSIONS:
            break  # The rest is in the file that it names (RFC 1497, tag 18).
    return writer.last(b""), tuple(left_out)


def _cmu(request: Request, host: Host) -> bytes:
    servers = [address.packed for tag in ("ds", "ns", "ts") for address in _two(host, tag)]
    gateway = _two(host, "gw")[0]
    return _CMU_AREA.pack(
        vendor.CMU_COOKIE, _CMU_MASK_VALID, mask(host, request).packed, gateway.packed, *servers
    )


def _two(host: Host, tag: str) -> tuple[IPv4Address, IPv4Address]:
    value = host.tags.get(tag)
    first, second, *_ = (*(value if isinstance(value, tuple) else ()), NOWHERE, NOWHERE)
    return first, second
