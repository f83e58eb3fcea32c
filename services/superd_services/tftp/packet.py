"""TFTP packets as bytes (RFC 1350 section 5, RFC 2347): ``parse_request`` reads requests, the rest writes answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Opcode(IntEnum):
    """What a packet is; the first two bytes."""

    RRQ = 1
    WRQ = 2
    DATA = 3
    ACK = 4
    ERROR = 5
    OACK = 6


class ErrorCode(IntEnum):
    """Why a transfer ends; bytes 3 and 4 of an ERROR (RFC 1350 appendix I, RFC 2347)."""

    UNDEFINED = 0
    NOT_FOUND = 1
    ACCESS = 2
    DISK_FULL = 3
    ILLEGAL = 4
    UNKNOWN_TID = 5
    EXISTS = 6
    NO_USER = 7
    OPTIONS = 8


HEADER_SIZE: Final = 4
"""Bytes before the data of a DATA packet."""

REQUEST_LIMIT: Final = 512
"""Bytes of the longest request (RFC 2347)."""

TEXT_LIMIT: Final = 256
"""Bytes of an error's text, in either direction: a line that a boot ROM can show."""

RRQ: Final = b"\0\1"
WRQ: Final = b"\0\2"
DATA: Final = b"\0\3"
ACK: Final = b"\0\4"
ERROR: Final = b"\0\5"
OACK: Final = b"\0\6"

_MODES: Final = {b"octet": False, b"netascii": True}


class Malformed(Exception):
    """A request that no server could carry out; the text is for the client."""

    def __init__(self, code: ErrorCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Request:
    """A read or write request. ``options`` are names and values as they were written, in their order."""

    writes: bool
    name: bytes
    netascii: bool
    options: tuple[tuple[bytes, bytes], ...] = ()


def is_request(data: bytes) -> bool:
    """Tell whether a datagram is meant as a request."""
    return data[:2] in {RRQ, WRQ}


def parse_request(data: bytes) -> Request:
    """Read a request.

    Bytes behind the last NUL, and an option without a value, mean nothing and are passed over.

    Raises:
        Malformed: it has no name, no mode, a mode that is not served, or is too long; one option was given twice.
    """
    if len(data) > REQUEST_LIMIT:
        raise Malformed(ErrorCode.ILLEGAL, "Request too long")
    name, *rest = data[2:].split(b"\0")[:-1] or [b""]
    if not rest:
        raise Malformed(ErrorCode.ILLEGAL, "Malformed request")
    netascii = _MODES.get(rest[0].lower())
    if netascii is None:
        raise Malformed(ErrorCode.ILLEGAL, "Mode is neither octet nor netascii")
    options = tuple(zip(rest[1::2], rest[2::2], strict=False))
    if len({name.lower() for name, _ in options if name}) < sum(1 for name, _ in options if name):
        raise Malformed(ErrorCode.OPTIONS, "Option given twice")
    return Request(data[:2] == WRQ, name, netascii, tuple(pair for pair in options if pair[0]))


def ack(number: int) -> bytes:
    """Write an ACK of the block with this number on the wire."""
    return ACK + number.to_bytes(2, "big")


def oack(options: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Write an OACK."""
    return OACK + b"".join(b"%b\0%b\0" % option for option in options)


def error(code: ErrorCode, text: str) -> bytes:
    """Write an ERROR; what is not printable ASCII becomes a question mark (netascii, RFC 1350 section 5)."""
    plain = "".join(
        letter if letter.isascii() and letter.isprintable() else "?" for letter in text[:TEXT_LIMIT]
    )
    return ERROR + code.to_bytes(2, "big") + plain.encode() + b"\0"


def parse_error(data: bytes) -> tuple[int, str]:
    """Read a client's ERROR: its code and printable text, both perhaps missing (-1, empty)."""
    code = int.from_bytes(data[2:4], "big") if len(data) >= HEADER_SIZE else -1
    text = data[HEADER_SIZE : HEADER_SIZE + TEXT_LIMIT].partition(b"\0")[0].decode("ascii", "replace")
    return code, "".join(letter if letter.isprintable() else "?" for letter in text)
