"""``BootpsOptions``: the attributes of bootps."""

from enum import StrEnum
from ipaddress import IPv4Address
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from superd.service import Options
from superd_services.bootps import pxe
from superd_services.bootps.packet import SERVER_NAME_MAX
from superd_services.bootps.pxe import BootFile


class Delivery(StrEnum):
    """How an answer reaches a client that has no address yet."""

    AUTO = "auto"
    BROADCAST = "broadcast"
    FRAME = "frame"


def _absolute(path: str) -> str:
    if not path.startswith("/") or not path.isprintable():
        raise ValueError(f"{path} is no absolute path")
    return path


class BootpsOptions(Options):
    """The attributes of bootps."""

    bootptab: Annotated[str, AfterValidator(_absolute)] = "/etc/bootptab"
    """The table of clients, bootptab(5). It is read again when it changes."""
    boot_file: tuple[Annotated[BootFile, BeforeValidator(pxe.boot_file)], ...] = ()
    """Boot files of clients whose entry has no ``bf``: words ``kind=file``, or one file for all other kinds.
    ``ipxe=`` comes before ``bf``: what iPXE itself is to load once it runs."""
    next_server: IPv4Address | None = None
    """Where boot files are, unless an entry has ``sa``; without it this machine's address on the client's link."""
    server_name: Annotated[str, Field(max_length=SERVER_NAME_MAX)] = ""
    """What answers say is this server's name. BOOTP clients that ask for a server by another name get no answer."""
    delivery: Delivery = Delivery.AUTO
    """``auto``: a frame for the client alone, unless it asks for a broadcast; ``frame``: even then; ``broadcast``:
    to everybody on the link."""
    lease_time: int = Field(default=86400, ge=60, le=0xFFFFFFFF)
    """Seconds that DHCP clients may use their address, unless an entry has ``dl``; 4294967295: for ever."""
    authoritative: bool = True
    """Whether clients of the table that ask for another address than theirs are told that they can't have it."""
    proxy: bool = False
    """Whether only boot files are given to PXE clients, whose addresses another DHCP server gives."""
    max_hops: int = Field(default=16, ge=0, le=16)
    """Relay agents that a request may have come through."""
    min_secs: int = Field(default=0, ge=0, le=65535)
    """Seconds that a client must have been asking before it is answered, unless its entry has ``mw``."""
