"""Answers of a proxyDHCP server (PXE 2.1, section 2.2): boot files alone; addresses come from another DHCP server.

Clients broadcast DISCOVER as ever, and get an offer without an address; those that want to be sure then ask at port
4011, from an address that they have by now.
"""

from dataclasses import replace
from ipaddress import IPv4Address, ip_address
from typing import Final

from superd.service import LinkAction, SendTo
from superd_services.bootps import dhcp, pxe
from superd_services.bootps.answers import CLIENT_PORT, PROXY_PORT, Case, Result, Silence
from superd_services.bootps.bootptab import Host
from superd_services.bootps.packet import NOWHERE
from superd_services.bootps.request import Message, Request

UNPRIVILEGED: Final = 1024
"""The first port that is nobody's service; below it, only that of DHCP clients is answered."""


def answer(case: Case, host: Host | None) -> Result:
    """Answer a client that starts from the network, whether it is in the table or not."""
    request = case.request
    if not pxe.vendor_class(request):
        return Silence("not a client that starts from the network")
    if not case.chosen.name:
        return Silence("there is no boot file for this kind of client")
    if at_port(request):
        return _acknowledged(case, host)
    if request.message is not Message.DISCOVER:
        return Silence("another DHCP server gives addresses here")
    return _with_server(case, host, Message.OFFER, NOWHERE)


def _acknowledged(case: Case, host: Host | None) -> Result:
    if case.request.message not in {Message.REQUEST, Message.INFORM}:
        return Silence("not a question for a boot file")
    if not _can_answer(case.request):
        return Silence("from a port or address that must not be answered")
    return _with_server(case, host, Message.ACK, case.request.packet.ciaddr)


def _with_server(case: Case, host: Host | None, kind: Message, ciaddr: IPv4Address) -> Result:
    found = dhcp.complete(kind, case, None, {})
    siaddr = (host and host.address_of("sa")) or found.reply.siaddr
    return replace(found, reply=replace(found.reply, siaddr=siaddr, ciaddr=ciaddr))


def at_port(request: Request) -> bool:
    """Tell whether a request came to the port for boot files alone."""
    return request.peer.local_port == PROXY_PORT


def delivery(request: Request, data: bytes) -> LinkAction:
    """Send an answer back to where a question to port 4011 came from: its client has an address by now."""
    return SendTo(data, request.peer.host, request.peer.port)


def _can_answer(request: Request) -> bool:
    """Tell whether a question comes from a host, and not from a port of another service, which would be a loop."""
    source = ip_address(request.peer.host)
    host = source.version == 4 and not (source.is_unspecified or source.is_multicast or source.is_reserved)
    return host and (request.peer.port == CLIENT_PORT or request.peer.port >= UNPRIVILEGED)
