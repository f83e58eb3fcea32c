"""What clients that start from the network say of themselves, and which boot file each kind is to get.

PXE (Intel's specification 2.1, RFC 4578) tells the kind of machine in option 93, and that it is PXE at all in option
60. HTTP Boot (UEFI 2.5, section 24.7) uses the same options, and wants a URL. iPXE says so in option 77.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from superd_services.bootps.request import Request
from superd_services.bootps.vendor import Code

PXE: Final = b"PXEClient"
HTTP: Final = b"HTTPClient"

KINDS: Final[Mapping[str, tuple[int, ...]]] = {
    "bios": (0,),
    "uefi32": (6,),
    "uefi64": (7, 9),
    "arm32": (10,),
    "arm64": (11,),
    "http-uefi32": (15,),
    "http-uefi64": (16,),
    "http-arm32": (18,),
    "http-arm64": (19,),
    "riscv32": (25,),
    "riscv64": (27,),
    "http-riscv32": (26,),
    "http-riscv64": (28,),
}
"""Kinds of machines by the numbers of option 93 (IANA, "Processor Architecture Types")."""

IPXE: Final = "ipxe"

USE_THIS_FILE: Final = bytes((6, 1, 8, 255))
"""Sub-option 6 of option 43, bit 3: load the file of this very answer, and look for no boot server."""

NO_PROXY: Final = bytes((176, 1, 1))
"""iPXE's no-pxedhcp, in its option 175: there is no proxyDHCP server to wait for."""

MACHINE_LENGTH: Final = 17
"""Bytes of option 97; others are not sent back."""


@dataclass(frozen=True, slots=True)
class BootFile:
    """A boot file for one kind of clients; an empty ``kind``: for all that have none of their own."""

    kind: str
    file: str


def boot_file(word: object) -> object:
    """Make a ``BootFile`` of ``kind=file`` or ``file``; anything but a text is returned as it is. Raises ValueError."""
    if not isinstance(word, str):
        return word
    kind, equals, file = word.partition("=")
    if not equals or "/" in kind:
        kind, file = "", word
    if kind and kind != IPXE and kind not in KINDS and not (kind.isdecimal() and int(kind) < 1 << 16):
        raise ValueError(f"{kind} is no kind of client (known: {IPXE} {' '.join(KINDS)}, or a number)")
    if not file or not file.isascii() or not file.isprintable() or len(file) > 255:
        raise ValueError(f"{file}: the name of a boot file, in ASCII")
    if kind.startswith("http-") and not file.startswith(("http://", "https://")):
        raise ValueError(f"{file}: {kind} clients need a URL")
    return BootFile(kind, file)


def vendor_class(request: Request) -> bytes:
    """Return ``PXE`` or ``HTTP`` for clients that start from the network, which want to be told so; else nothing."""
    value = request.options.get(Code.VENDOR_CLASS, b"")
    return next((known for known in (PXE, HTTP) if value.startswith(known)), b"")


def is_ipxe(request: Request) -> bool:
    """Tell whether the client is iPXE; its user class is written with or without a length before it."""
    return b"iPXE" in request.options.get(Code.USER_CLASS, b"")


def file_for(request: Request, files: Iterable[BootFile]) -> str:
    """Return the boot file for a client of this kind; empty if there is none."""
    number = request.number(Code.ARCHITECTURE) if Code.ARCHITECTURE in request.options else 0
    default = ""
    for each in files:
        if each.kind and each.kind != IPXE and number in KINDS.get(each.kind, ()) + _number(each.kind):
            return each.file
        default = default or ("" if each.kind else each.file)
    return default


def file_for_ipxe(files: Iterable[BootFile]) -> str:
    """Return what iPXE is to load; empty if that is not configured."""
    return next((each.file for each in files if each.kind == IPXE), "")


def options(request: Request, file: bytes) -> Iterator[tuple[int, bytes]]:
    """Give what an answer with a boot file needs beside it, so that the client takes it."""
    kind = vendor_class(request)
    if not file or not kind:
        return
    yield Code.VENDOR_CLASS, kind
    if kind == PXE:
        yield Code.VENDOR_SPECIFIC, USE_THIS_FILE
    machine = request.options.get(Code.MACHINE, b"")
    if len(machine) == MACHINE_LENGTH:
        yield Code.MACHINE, machine


def _number(kind: str) -> tuple[int, ...]:
    return (int(kind),) if kind.isdecimal() else ()
