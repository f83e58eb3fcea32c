"""A TFTP client for tests: packets, ``get``, ``put``, and ``describe``, which puts any datagram into words.

It keeps to RFC 1350, 2347, 2348, 2349 and 7440 and is patient: what is lost is asked for again until ``patience`` is
over. It is written from the RFCs alone and shares nothing with the server, so that both can't be wrong alike.
"""

import socket
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

RRQ, WRQ, DATA, ACK, ERROR, OACK = range(1, 7)

BLKSIZE = 512
"""Octets of a block when nothing was negotiated (RFC 1350, section 2)."""

LARGEST = 65536
WRAP = 65536
"""Block numbers are counted modulo this."""

_RECEIVE_BUFFER = 4 << 20
"""Room for a whole window, so that nothing is lost but what a test wants to be."""

Address = tuple[str, int]


class TransferError(Exception):
    """The server sent an ERROR packet."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"ERROR {code} {text!r}")
        self.code, self.text = code, text


@dataclass
class Transfer:
    """What a finished transfer was like."""

    data: bytes = b""
    options: dict[str, str] = field(default_factory=dict)
    """Those of the OACK."""
    peer: Address = ("", 0)
    """The server's end: its transfer identifier is the port."""
    blocks: list[int] = field(default_factory=list)
    """Block numbers as DATA packets came, repeated ones included."""
    acks: int = 0
    repeats: int = 0
    """Packets of ours sent again because of silence."""


def request(opcode: int, name: str | bytes, mode: str = "octet", options: Mapping[str, object] = {}) -> bytes:
    """An RRQ or WRQ."""
    words = [name, mode, *(str(word) for pair in options.items() for word in pair)]
    raw = (word.encode() if isinstance(word, str) else word for word in words)
    return struct.pack("!H", opcode) + b"".join(word + b"\0" for word in raw)


def data(block: int, content: bytes) -> bytes:
    """A DATA packet."""
    return struct.pack("!HH", DATA, block % WRAP) + content


def ack(block: int) -> bytes:
    """An ACK packet."""
    return struct.pack("!HH", ACK, block % WRAP)


def error(code: int, text: str) -> bytes:
    """An ERROR packet."""
    return struct.pack("!HH", ERROR, code) + text.encode() + b"\0"


def opcode_of(packet: bytes) -> int:
    """Its first field."""
    return int.from_bytes(packet[:2], "big")


def number_of(packet: bytes) -> int:
    """Its second field: the block of DATA and ACK, the code of ERROR."""
    return int.from_bytes(packet[2:4], "big")


def options_of(packet: bytes) -> dict[str, str]:
    """The options of an OACK, in its order."""
    words = packet[2:].decode("latin-1").split("\0")[:-1]
    return dict(zip(words[::2], words[1::2], strict=True))


def describe(packet: bytes | None) -> str:
    """A datagram in words: ``DATA 1 (512)``, ``OACK blksize 1428``, ``ERROR 1 'File not found'``, ``silence``."""
    if packet is None:
        return "silence"
    opcode, number = opcode_of(packet), number_of(packet)
    match opcode:
        case 3:
            return f"DATA {number} ({len(packet) - 4})"
        case 4:
            return f"ACK {number}"
        case 5:
            return f"ERROR {number} {packet[4:].rstrip(bytes(1)).decode('latin-1')!r}"
        case 6:
            return "OACK " + " ".join(packet[2:].decode("latin-1").split("\0")[:-1])
    return f"opcode {opcode}"


def udp(host: str, source: str | None = None) -> socket.socket:
    """A socket of the family of ``host`` with room for a window."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    if source:
        made.bind((source, 0))
    return made


def first_answer(address: Address, packet: bytes, seconds: float = 2.0) -> bytes | None:
    """What comes back first for this datagram, or ``None``; a transfer that began is aborted."""
    with udp(address[0]) as client:
        client.settimeout(seconds)
        client.sendto(packet, address)
        try:
            answer, peer = client.recvfrom(LARGEST)
        except TimeoutError:
            return None
        client.sendto(error(0, "enough seen"), peer)
        return answer


def get(
    address: Address,
    name: str | bytes,
    options: Mapping[str, object] = {},
    *,
    mode: str = "octet",
    silence: float = 1.0,
    patience: float = 60.0,
    source: str | None = None,
) -> Transfer:
    """Read a file; ``silence`` is after how many seconds the last packet is repeated, ``patience`` the most in all."""
    with _line(address, silence, patience, source) as line:
        return _Reading(line).run(request(RRQ, name, mode, options))


def put(
    address: Address,
    name: str,
    content: bytes,
    options: Mapping[str, object] = {},
    *,
    mode: str = "octet",
    silence: float = 1.0,
    patience: float = 60.0,
) -> Transfer:
    """Write a file; ``content`` is what goes over the wire (nothing is translated for netascii)."""
    with _line(address, silence, patience, None) as line:
        return _Writing(line, content).run(request(WRQ, name, mode, options))


@dataclass
class _Line:
    """The socket of one transfer, which knows the server's end once it has answered."""

    socket: socket.socket
    server: Address
    end: float
    transfer: Transfer = field(default_factory=Transfer)
    sent: list[bytes] = field(default_factory=list)

    def send(self, *packets: bytes) -> None:
        """Send these, and remember them for ``receive`` to repeat."""
        self.sent = list(packets)
        self._send_again()

    def _send_again(self) -> None:
        peer = self.transfer.peer if self.transfer.peer[1] else self.server
        for packet in self.sent:
            self.socket.sendto(packet, peer)

    def receive(self) -> bytes:
        """The next packet of the transfer; foreign ones are told so (RFC 1350, section 4)."""
        while True:
            try:
                packet, sender = self.socket.recvfrom(LARGEST)
            except TimeoutError:
                assert time.monotonic() < self.end, f"the transfer hangs: {self.transfer.blocks[-3:]}"
                self.transfer.repeats += 1
                self._send_again()
                continue
            if self._is_ours(sender[:2]):
                return self._checked(packet)
            if opcode_of(packet) != ERROR:
                self.socket.sendto(error(5, "unknown transfer ID"), sender)

    def _is_ours(self, sender: Address) -> bool:
        if not self.transfer.peer[1]:
            self.transfer.peer = sender
        return sender == self.transfer.peer

    @staticmethod
    def _checked(packet: bytes) -> bytes:
        if opcode_of(packet) == ERROR:
            raise TransferError(number_of(packet), packet[4:].rstrip(b"\0").decode("latin-1"))
        return packet


@contextmanager
def _line(address: Address, silence: float, patience: float, source: str | None) -> Iterator[_Line]:
    with udp(address[0], source) as opened:
        opened.settimeout(silence)
        yield _Line(opened, address, time.monotonic() + patience)


def _negotiated(transfer: Transfer, name: str, default: int) -> int:
    lowered = {key.lower(): value for key, value in transfer.options.items()}
    return int(lowered.get(name, default))


class _Reading:
    """Receives a file: acknowledges each full window, the last block, and what came before a gap (RFC 7440)."""

    def __init__(self, line: _Line) -> None:
        self.line, self.transfer = line, line.transfer
        self.pieces: list[bytes] = []
        self.since_ack = 0
        self.gap_told = False

    def run(self, first: bytes) -> Transfer:
        self.line.send(first)
        while not self._is_last(self.line.receive()):
            pass
        self.transfer.data = b"".join(self.pieces)
        return self.transfer

    def _is_last(self, packet: bytes) -> bool:
        if opcode_of(packet) == OACK:
            if not self.pieces:
                self.transfer.options = options_of(packet)
                self._acknowledge()
            return False
        assert opcode_of(packet) == DATA, describe(packet)
        self.transfer.blocks.append(number_of(packet))
        ahead = (number_of(packet) - len(self.pieces)) % WRAP
        if ahead == 1:
            return self._take(packet[4:])
        if ahead == 0 or (ahead < WRAP // 2 and not self.gap_told):
            self.gap_told = ahead != 0
            self._acknowledge()
        return False

    def _take(self, content: bytes) -> bool:
        self.gap_told = False
        self.pieces.append(content)
        self.since_ack += 1
        last = len(content) < _negotiated(self.transfer, "blksize", BLKSIZE)
        if last or self.since_ack == _negotiated(self.transfer, "windowsize", 1):
            self._acknowledge()
        return last

    def _acknowledge(self) -> None:
        self.since_ack = 0
        self.transfer.acks += 1
        self.line.send(ack(len(self.pieces)))


class _Writing:
    """Sends a file, a window at a time; goes back to what was acknowledged (RFC 7440)."""

    def __init__(self, line: _Line, content: bytes) -> None:
        self.line, self.transfer, self.content = line, line.transfer, content

    def run(self, first: bytes) -> Transfer:
        self.line.send(first)
        self._begin(self.line.receive())
        size = _negotiated(self.transfer, "blksize", BLKSIZE)
        window = _negotiated(self.transfer, "windowsize", 1)
        last, done = len(self.content) // size + 1, 0
        while done < last:
            upto = min(done + window, last)
            self.line.send(
                *(data(n, self.content[(n - 1) * size : n * size]) for n in range(done + 1, upto + 1))
            )
            done += self._advance(done, upto)
        return self.transfer

    def _begin(self, packet: bytes) -> None:
        if opcode_of(packet) == OACK:
            self.transfer.options = options_of(packet)
        else:
            assert packet == ack(0), describe(packet)

    def _advance(self, done: int, upto: int) -> int:
        """How many blocks the next useful ACK is for; a repeated one resends nothing."""
        while True:
            packet = self.line.receive()
            ahead = (number_of(packet) - done) % WRAP
            if opcode_of(packet) == ACK and 0 < ahead <= upto - done:
                self.transfer.acks += 1
                return ahead
