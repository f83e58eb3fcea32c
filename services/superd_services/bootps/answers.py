"""What becomes of a request, a ``Case``: an ``Answer`` or ``Silence``; and where an answer goes (``delivery``)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Final

from superd.service import LinkAction, Remark, SendBroadcast, SendFrame, SendTo
from superd_services.bootps import packet
from superd_services.bootps.boot_files import Chosen
from superd_services.bootps.bootptab import Host
from superd_services.bootps.entry_options import Offset, Setting, of_host
from superd_services.bootps.options import BootpsOptions, Delivery
from superd_services.bootps.packet import NOWHERE, Packet
from superd_services.bootps.request import Message, Request

SERVER_PORT: Final = 67
CLIENT_PORT: Final = 68
PROXY_PORT: Final = 4011
"""Where PXE clients ask for boot files alone."""

ETHERNET: Final = 1
EVERYBODY: Final = IPv4Address("255.255.255.255")


@dataclass(frozen=True, slots=True)
class Case:
    """What decides an answer: the request, the client's boot file, the attributes, and the local time's offset."""

    request: Request
    chosen: Chosen
    options: BootpsOptions
    offset: Offset

    def settings(self, host: Host) -> Iterator[Setting]:
        """Give the options of an entry."""
        return of_host(host, self.request, self.chosen, self.offset)


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply of ``length`` bytes. ``left_out``: the tags that found no room. ``message``: ``None`` for BOOTP."""

    reply: Packet
    length: int = packet.LENGTH_MIN
    message: Message | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Silence:
    """No reply, and why."""

    reason: str
    remark: Remark = Remark.IGNORED


Result = Answer | Silence


def blank(case: Case) -> Packet:
    """Make a reply that says nothing yet: who it is for, and who we are (RFC 951 section 7.3, RFC 2131 table 3)."""
    return replace(
        case.request.packet,
        hops=0,
        secs=0,
        ciaddr=NOWHERE,
        yiaddr=NOWHERE,
        siaddr=NOWHERE,
        server_name=case.options.server_name.encode("latin-1", "replace"),
        file=b"",
        vendor=b"",
    )


def next_server(case: Case, host: Host | None) -> IPv4Address:
    """Return where the boot file is."""
    return (host and host.address_of("sa")) or case.options.next_server or case.request.server


def delivery(request: Request, data: bytes, answer: Answer, host: Host | None, how: Delivery) -> LinkAction:
    """Send an answer where its client can hear it (RFC 1542 section 4.1.2; RFC 2131 section 4.1 for DHCP)."""
    asked = request.packet
    if asked.ciaddr == answer.reply.ciaddr != NOWHERE and not (request.is_dhcp and int(asked.giaddr)):
        return SendTo(data, str(asked.ciaddr), CLIENT_PORT)
    if int(asked.giaddr):
        return SendTo(data, str(asked.giaddr), SERVER_PORT)
    override = host.address_of("ra") if host else None
    if override not in {None, EVERYBODY}:
        return SendTo(data, str(override), CLIENT_PORT)
    if override == EVERYBODY or not _framed(asked, answer, how):
        return SendBroadcast(data, CLIENT_PORT)
    return SendFrame(data, asked.hardware, str(answer.reply.yiaddr), CLIENT_PORT)


def _framed(asked: Packet, answer: Answer, how: Delivery) -> bool:
    if how is Delivery.BROADCAST or (how is Delivery.AUTO and asked.flags & packet.BROADCAST):
        return False
    # The lowest bit of the first byte is set in addresses of groups, which are nobody's own (IEEE 802).
    alone = asked.htype == ETHERNET and len(asked.hardware) == 6 and not asked.hardware[0] & 1
    return alone and answer.reply.yiaddr != NOWHERE
