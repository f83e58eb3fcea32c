"""A BOOTP and DHCP client on paper: ``ask`` writes messages, ``read_reply`` reads answers; and a ``Server`` to ask."""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from superd.service import Link, LinkAction, LinkDatagram, Note, Peer, SendBroadcast, SendFrame, SendTo
from superd_services.bootps.bootptab import Table, parse
from superd_services.bootps.machine import Bootps
from superd_services.bootps.options import BootpsOptions

NOW = 1_700_000_000.0
MAC = bytes.fromhex("020000000001")
COOKIE = bytes((99, 130, 83, 99))
LINK = Link(index=3, name="veth0", hardware=bytes.fromhex("0200000000fe"), address="192.0.2.1", prefix=24)
DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)


def ip(text: str) -> bytes:
    """Four bytes of an address."""
    return IPv4Address(text).packed


def ask(
    options: Mapping[int, bytes] | None = None,
    *,
    vendor: bytes | None = None,
    mac: bytes = MAC,
    htype: int = 1,
    hops: int = 0,
    secs: int = 0,
    flags: int = 0,
    ciaddr: str = "0.0.0.0",
    giaddr: str = "0.0.0.0",
    sname: bytes = b"",
    file: bytes = b"",
    op: int = 1,
    hlen: int | None = None,
    length: int = 300,
) -> bytes:
    """Write a request; with ``options`` it has the cookie and an end mark."""
    if vendor is None:
        vendor = b"" if options is None else COOKIE + tlv(options) + b"\xff"
    header = struct.pack(
        "!4BIHH", op, htype, len(mac) if hlen is None else hlen, hops, 0x12345678, secs, flags
    )
    addresses = ip(ciaddr) + bytes(8) + ip(giaddr)
    return (header + addresses + struct.pack("16s64s128s", mac, sname, file) + vendor).ljust(length, b"\0")


def tlv(options: Mapping[int, bytes]) -> bytes:
    """Options one after the other."""
    return b"".join(bytes((code, len(value))) + value for code, value in options.items())


def dhcp(kind: int, /, options: Mapping[int, bytes] | None = None, **fields: object) -> bytes:
    """Write a DHCP message."""
    return ask({53: bytes((kind,)), **(options or {})}, **fields)  # type: ignore[arg-type]  # passed on as they are


@dataclass(frozen=True)
class Reply:
    """An answer: fields, options in their order, and the size."""

    length: int
    op: int
    flags: int
    xid: int
    hops: int
    secs: int
    ciaddr: str
    yiaddr: str
    siaddr: str
    giaddr: str
    mac: bytes
    sname: bytes
    file: bytes
    vendor: bytes
    options: dict[int, bytes] = field(default_factory=dict)


def read_reply(data: bytes) -> Reply:
    """Read an answer; fails if its options are cut off or come twice."""
    op, _, hlen, hops, xid, secs, flags = struct.unpack_from("!4BIHH", data)
    ciaddr, yiaddr, siaddr, giaddr = (str(IPv4Address(data[at : at + 4])) for at in range(12, 28, 4))
    sname, file = (data[at:end].partition(b"\0")[0] for at, end in ((44, 108), (108, 236)))
    return Reply(
        len(data), op, flags, xid, hops, secs, ciaddr, yiaddr, siaddr, giaddr, data[28 : 28 + hlen], sname, file,
        data[236:], read_options(data[236:]),
    )  # fmt: skip


def read_options(vendor: bytes) -> dict[int, bytes]:
    """Options by code, in their order; none without the cookie."""
    found: dict[int, bytes] = {}
    place = 4
    while vendor.startswith(COOKIE) and vendor[place] != 255:
        code, size = vendor[place], vendor[place + 1]
        assert place + 2 + size < len(vendor)
        assert code not in found or len(found[code]) % 255 == 0
        found[code] = found.get(code, b"") + vendor[place + 2 : place + 2 + size]
        place += 2 + size
    return found


class Tables:
    """A system with one table, which never changes; ``sizes`` are its files."""

    names = frozenset({b"server"})

    def __init__(self, text: str, sizes: Mapping[str, int] | None = None) -> None:
        self._table = parse("tab", text)
        self._sizes = sizes or {}

    def table(self) -> Table:
        """Return the table."""
        return self._table

    def news(self) -> tuple[str, ...]:
        """Say nothing."""
        return ()

    def size(self, path: str) -> int | None:
        """Return the size of a file."""
        return self._sizes.get(path)

    def offset(self, _now: float) -> int:
        """Live an hour east of Greenwich."""
        return 3600


def datagram(
    data: bytes,
    *,
    source: tuple[str, int] = ("0.0.0.0", 68),
    to: tuple[str, int] = ("255.255.255.255", 67),
    link: Link = LINK,
) -> LinkDatagram:
    """The event of a datagram that came in by the link."""
    return LinkDatagram(data, Peer(*source, *to), NOW, link)


@dataclass(frozen=True)
class Heard:
    """What a machine did: at most one thing sent, and notes."""

    sent: SendTo | SendBroadcast | SendFrame | None
    notes: tuple[Note, ...]

    @property
    def reply(self) -> Reply:
        """The answer; fails without one."""
        assert self.sent is not None, self.notes
        return read_reply(self.sent.data)

    @property
    def reason(self) -> str:
        """Why nothing was sent; fails if something was."""
        assert self.sent is None
        (note,) = self.notes
        return str(note.about["reason"])


def heard(actions: Iterable[LinkAction]) -> Heard:
    """Sort actions; fails if two are sent, or a note comes first."""
    done = list(actions)
    sent = [each for each in done if not isinstance(each, Note)]
    assert len(sent) <= 1
    assert done[: len(sent)] == sent
    return Heard(sent[0] if sent else None, tuple(each for each in done if isinstance(each, Note)))


class Server:
    """A machine with a table, asked by clients on paper."""

    def __init__(self, text: str, sizes: Mapping[str, int] | None = None, **options: object) -> None:
        chosen = BootpsOptions.model_validate(options)
        self.machine = Bootps(chosen, Tables(text, sizes))

    def answers(
        self,
        data: bytes,
        *,
        source: tuple[str, int] = ("0.0.0.0", 68),
        to: tuple[str, int] = ("255.255.255.255", 67),
        link: Link = LINK,
    ) -> Heard:
        """Ask."""
        return heard(self.machine.handle(datagram(data, source=source, to=to, link=link)))
