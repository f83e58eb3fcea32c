"""Options in the vendor area (RFC 1497, RFC 2132): ``read`` finds them, ``Writer`` puts them into the room there is.

A code is a number from 1 to 254; 0 is padding, 255 the end. An option that comes in several pieces is one (RFC 3396).
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from superd_services.bootps.packet import Packet

COOKIE: Final = bytes((99, 130, 83, 99))
"""What the vendor area begins with if it holds options (RFC 1497)."""

CMU_COOKIE: Final = b"CMU\0"
"""What it begins with in the fixed form of Carnegie Mellon's bootpd."""

PIECE_MAX: Final = 255
PAD: Final = 0
END: Final = 255


class Code(IntEnum):
    """The options that this service itself knows (RFC 2132; 77: RFC 3004, 82: RFC 3046, 93 and 97: RFC 4578)."""

    MASK = 1
    TIME_OFFSET = 2
    ROUTERS = 3
    NAME_SERVERS = 6
    HOST_NAME = 12
    BOOT_SIZE = 13
    EXTENSIONS = 18
    VENDOR_SPECIFIC = 43
    REQUESTED_ADDRESS = 50
    LEASE_TIME = 51
    OVERLOAD = 52
    MESSAGE_TYPE = 53
    SERVER = 54
    WANTED = 55
    MESSAGE = 56
    MESSAGE_SIZE = 57
    RENEWAL_TIME = 58
    REBINDING_TIME = 59
    VENDOR_CLASS = 60
    CLIENT = 61
    TFTP_SERVER = 66
    BOOT_FILE = 67
    USER_CLASS = 77
    RELAY_AGENT = 82
    ARCHITECTURE = 93
    MACHINE = 97
    IPXE = 175


def read(packet: Packet) -> Mapping[int, bytes]:
    """Return the options of a message by code; empty without the cookie.

    What is cut off at the end of an area is left out, and everything after it.
    """
    if not packet.vendor.startswith(COOKIE):
        return {}
    found: dict[int, bytes] = {}
    _read_area(packet.vendor[len(COOKIE) :], found)
    overload = found.get(Code.OVERLOAD, b"")
    if overload[:1] in {b"\1", b"\3"}:
        _read_area(packet.file, found)
    if overload[:1] in {b"\2", b"\3"}:
        _read_area(packet.server_name, found)
    return found


def overloaded(options: Mapping[int, bytes]) -> int:
    """Return which fields hold options instead of texts: 1 the file, 2 the server's name, 3 both, 0 none."""
    value = options.get(Code.OVERLOAD, b"")
    return value[0] if len(value) == 1 and value[0] <= 3 else 0


def _read_area(area: bytes, found: dict[int, bytes]) -> None:
    place = 0
    while place < len(area) and area[place] != END:
        if area[place] == PAD:
            place += 1
            continue
        if place + 2 > len(area) or (end := place + 2 + area[place + 1]) > len(area):
            return
        found[area[place]] = found.get(area[place], b"") + area[place + 2 : end]
        place = end


class Writer:
    """Collects options for a vendor area of ``room`` bytes, of which ``reserved`` are kept for ``last``."""

    __slots__ = ("_area", "_codes", "_left")

    def __init__(self, room: int, reserved: int = 0) -> None:
        self._area = bytearray(COOKIE)
        self._codes: set[int] = set()
        self._left = room - len(COOKIE) - 1 - reserved

    def put(self, code: int, value: bytes) -> bool:
        """Append an option, unless it is there already; tell whether there was room for it."""
        if code in self._codes:
            return True
        pieces = encoded(code, value)
        if len(pieces) > self._left:
            return False
        self._codes.add(code)
        self._left -= len(pieces)
        self._area += pieces
        return True

    def last(self, pieces: bytes) -> bytes:
        """Return the vendor area, which ends with these reserved bytes and the end mark."""
        return bytes(self._area) + pieces + bytes((END,))


def encoded(code: int, value: bytes) -> bytes:
    """Write one option; a long one in several pieces (RFC 3396)."""
    pieces = [value[at : at + PIECE_MAX] for at in range(0, len(value), PIECE_MAX)] or [b""]
    return b"".join(bytes((code, len(piece))) + piece for piece in pieces)
