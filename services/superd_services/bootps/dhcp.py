"""Answers to DHCP clients (RFC 2131): the addresses of the table, and no others."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from superd.service import Remark
from superd_services.bootps import packet, pxe, vendor
from superd_services.bootps.answers import Answer, Case, Result, Silence, blank, next_server
from superd_services.bootps.bootp import IP_UDP_HEADERS
from superd_services.bootps.bootptab import Host
from superd_services.bootps.entry_options import Setting, ordered
from superd_services.bootps.packet import NOWHERE
from superd_services.bootps.request import Message, Request
from superd_services.bootps.vendor import Code

SIZE_MIN: Final = 576
"""Bytes of a datagram that every client takes (RFC 2131 section 2)."""

FOR_EVER: Final = 0xFFFFFFFF

ECHO_LIMIT: Final = 240
"""Bytes that are sent back at most: so much that the rest of the smallest answer still has room."""

REASON: Final = b"not the address of this client"
"""What a client that is refused is told, option 56."""


def answer(case: Case, host: Host) -> Result:
    """Answer a DHCP message of a client of the table."""
    kind = case.request.message
    if kind is Message.DISCOVER:
        return _lease(Message.OFFER, case, host)
    if kind is Message.REQUEST:
        return _requested(case, host)
    if kind is Message.INFORM:
        return _informed(case, host)
    if kind is Message.DECLINE:
        return Silence(f"the client says that somebody else has {host.address}", Remark.PROBLEM)
    if kind is Message.RELEASE:
        return Silence("the client gives its address back")
    return Silence("not a DHCP message of a client")


def _requested(case: Case, host: Host) -> Result:
    """Answer REQUEST: to an offer, after a restart of the client, or to go on using an address (section 4.3.2)."""
    request = case.request
    server = request.address(Code.SERVER)
    if server is not None and not _is_us(str(server), request):
        return Silence(f"the client chose the server {server}")
    wanted = request.address(Code.REQUESTED_ADDRESS) or request.packet.ciaddr
    if wanted == NOWHERE:
        return Silence("a REQUEST that names no address")
    if wanted == host.address:
        return _lease(Message.ACK, case, host)
    if server is None and not case.options.authoritative:
        return Silence(f"the client asks for {wanted}, which is not its address here")
    return _refusal(case)


def _is_us(server: str, request: Request) -> bool:
    return server in {str(request.server), request.peer.local_host}


def _lease(kind: Message, case: Case, host: Host) -> Answer:
    asked = case.request.packet.ciaddr
    said = host.number("dl")
    seconds = case.options.lease_time if said is None else said
    times = {Code.LEASE_TIME: seconds}
    if seconds != FOR_EVER:
        # Section 4.4.5: after a half, and after seven eighths.
        times |= {Code.RENEWAL_TIME: seconds // 2, Code.REBINDING_TIME: seconds * 7 // 8}
    written = {code: value.to_bytes(4, "big") for code, value in times.items()}
    found = complete(kind, case, host, written)
    kept = asked if kind is Message.ACK and asked == host.address else NOWHERE
    return replace(found, reply=replace(found.reply, ciaddr=kept, yiaddr=host.address))


def _informed(case: Case, host: Host) -> Result:
    """Answer INFORM, of a client that has its address from elsewhere (section 4.3.5)."""
    asked = case.request.packet.ciaddr
    # What anybody may write into ciaddr must not have an answer sent to somebody else.
    if asked == NOWHERE or str(asked) not in {case.request.peer.host, str(host.address)}:
        return Silence("an INFORM from another address than it names")
    found = complete(Message.ACK, case, host, {})
    return replace(found, reply=replace(found.reply, ciaddr=asked))


def _refusal(case: Case) -> Answer:
    """Say no, in a way that reaches a client whose address is wrong here (sections 3.1 and 4.3.2)."""
    last = _echoed(case.request)
    writer = vendor.Writer(SIZE_MIN - IP_UDP_HEADERS - packet.HEADER_SIZE, len(last))
    writer.put(Code.MESSAGE_TYPE, bytes((Message.NAK,)))
    writer.put(Code.SERVER, case.request.server.packed)
    writer.put(Code.MESSAGE, REASON)
    reply = blank(case)
    flags = reply.flags | packet.BROADCAST if int(reply.giaddr) else reply.flags
    return Answer(replace(reply, flags=flags, vendor=writer.last(last)), message=Message.NAK)


def complete(kind: Message, case: Case, host: Host | None, times: Mapping[Code, bytes]) -> Answer:
    """Make an answer with everything but addresses. Without an entry (``host``), it is about the boot file alone."""
    last = _echoed(case.request)
    writer = vendor.Writer(_length_max(case.request) - packet.HEADER_SIZE, len(last))
    writer.put(Code.MESSAGE_TYPE, bytes((kind,)))
    writer.put(Code.SERVER, case.request.server.packed)
    for code, value in times.items():
        writer.put(code, value)
    settings = [*_boot_settings(case, host)]
    settings += ordered(case.settings(host), case.request) if host else []
    left_out = tuple(each.tag for each in settings if not writer.put(each.code, each.value))
    file = case.chosen.name
    reply = replace(
        blank(case),
        siaddr=next_server(case, host),
        file=file if len(file) <= packet.FILE_MAX else b"",
        vendor=writer.last(last),
    )
    return Answer(reply, packet.LENGTH_MIN, kind, left_out)


def _boot_settings(case: Case, host: Host | None) -> Iterator[Setting]:
    """Say where the boot file is, unless the entry's options by number say so."""
    own = host.generic if host else {}
    for code, value in _boot_options(case, host):
        if code not in own:
            yield Setting(f"option {code:d}", code, value)


def _boot_options(case: Case, host: Host | None) -> Iterator[tuple[int, bytes]]:
    request, file = case.request, case.chosen.name
    wanted = request.options.get(Code.WANTED, b"")
    yield from pxe.options(request, file)
    if file and (len(file) > packet.FILE_MAX or Code.BOOT_FILE in wanted):
        yield Code.BOOT_FILE, file
    if file and Code.TFTP_SERVER in wanted:
        yield Code.TFTP_SERVER, str(next_server(case, host)).encode()
    if pxe.is_ipxe(request) and not case.options.proxy:
        yield Code.IPXE, pxe.NO_PROXY


def _echoed(request: Request) -> bytes:
    """Return what is sent back as it came: who the client says it is (RFC 6842), and relay agents' notes (RFC 3046)."""
    codes = (Code.CLIENT, Code.RELAY_AGENT) if int(request.packet.giaddr) else (Code.CLIENT,)
    pieces = b"".join(
        vendor.encoded(code, request.options[code]) for code in codes if code in request.options
    )
    return pieces if len(pieces) <= ECHO_LIMIT else b""


def _length_max(request: Request) -> int:
    said = max(request.number(Code.MESSAGE_SIZE), SIZE_MIN) - IP_UDP_HEADERS
    return min(said, packet.LENGTH_MAX)
