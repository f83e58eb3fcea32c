"""``TftpOptions``: the attributes of tftp."""

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, InstanceOf

from superd.service import Options
from superd_services.tftp import negotiate
from superd_services.tftp.maps import MapFile
from superd_services.tftp.system import texts
from superd_services.tftp.virtual import Virtual

WINDOW_BYTES: Final = 65536
"""Bytes of a window unless configured: what fits the receive buffer that most systems give a socket, twice."""


class Symlinks(StrEnum):
    """Which symbolic links in a root are followed."""

    NEVER = "never"
    INSIDE = "inside"
    ROOTED = "rooted"
    ANYWHERE = "anywhere"


class UniqueRoot(StrEnum):
    """What the directory of a client's own is named after."""

    NO = "no"
    IP = "ip"
    MAC = "mac"


def _absolute(path: str) -> str:
    if not path.startswith("/") or not path.isprintable():
        raise ValueError("an absolute path")
    return path


def _known(option: str) -> str:
    option = option.lower()
    if option not in negotiate.OPTIONS:
        raise ValueError(f"{option} is no option (known: {' '.join(negotiate.OPTIONS)})")
    return option


def _ports(text: object) -> object:
    if not isinstance(text, str):
        return text
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal() and 0 < int(first) <= int(last) < 65536):
        raise ValueError("two port numbers, as in 40000-40999")
    return int(first), int(last)


def _mode(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        return int(text, 8)
    except ValueError:
        raise ValueError("an octal number") from None


def _client_root(word: object) -> object:
    if not isinstance(word, str):
        return word
    network, equals, path = word.partition("=")
    if not equals:
        raise ValueError(f"{word}: written as network=directory")
    return ip_network(network), _absolute(path)


Directory = Annotated[str, AfterValidator(_absolute)]
ClientRoot = Annotated[tuple[IPv4Network | IPv6Network, str], BeforeValidator(_client_root)]


class TftpOptions(Options):
    """The attributes of tftp."""

    root: tuple[Directory, ...] = Field(default=("/srv/tftp",), min_length=1)
    """Directories in which names are looked up, one after the other. Nothing outside of them is reached."""
    client_root: tuple[ClientRoot, ...] = ()
    """``network=directory``: clients of this network have this root instead; the longest network that fits counts."""
    unique_root: UniqueRoot = UniqueRoot.NO
    """``ip``, ``mac``: a client whose address is the name of a directory in the root has that one as its root."""
    symlinks: Symlinks = Symlinks.INSIDE
    """``inside``: links that stay in the root; ``rooted``: as after chroot(2), where all do; ``anywhere``: all."""
    permissive: bool = False
    """Whether the rights of the service's user are enough, and files need not be readable or writable by everybody."""
    lowercase: bool = False
    """Whether the letters A to Z of names are made lower-case first."""
    backslashes: bool = True
    r"""Whether ``\`` in names means ``/``."""
    map_file: Annotated[InstanceOf[MapFile], BeforeValidator(texts.read_map)] | None = None
    """A file of rules that change names, in the language of tftpd-hpa."""
    virtual: tuple[Annotated[InstanceOf[Virtual], BeforeValidator(texts.read_virtual)], ...] = ()
    """``name=template``: files made for each client from a template; ``*`` and ``?`` in names as in a shell."""
    create: bool = False
    """Whether clients may write files that don't exist."""
    overwrite: bool = False
    """Whether clients may replace files that exist."""
    write_limit: ByteSize = Field(default=ByteSize(1 << 30), ge=0)
    """Bytes of a written file: a number, or with a unit as in ``64MiB``."""
    file_mode: Annotated[int, BeforeValidator(_mode), Field(ge=0o400, le=0o777)] = 0o644
    """Permissions of new files, octal. A replaced file keeps those it had."""
    refuse_options: tuple[Annotated[str, AfterValidator(_known)], ...] = ()
    """Options of requests that are ignored, for clients that can't cope with an answer."""
    max_blksize: int = Field(
        default=negotiate.BLKSIZE_MAX, ge=negotiate.BLKSIZE_MIN, le=negotiate.BLKSIZE_MAX
    )
    """Bytes of a block at most."""
    clamp_blksize: bool = True
    """Whether blocks are made no longer than what reaches the client in one piece."""
    max_windowsize: int = Field(default=64, ge=1, le=negotiate.WINDOWSIZE_MAX)
    """Blocks of a window at most."""
    window_bytes: ByteSize = Field(default=ByteSize(WINDOW_BYTES), ge=512, le=4 << 20)
    """Bytes of a window at most; one block is always allowed."""
    retransmit: float = Field(default=1.0, ge=0.01, le=255)
    """Seconds until the first resend; each further one takes twice as long. A client's ``timeout`` counts instead."""
    retries: int = Field(default=5, ge=0, le=100)
    """Resends without any answer before a transfer is given up."""
    rollover: int = Field(default=0, ge=0, le=1)
    """The block number after 65535, unless the client says."""
    port_range: Annotated[tuple[int, int], BeforeValidator(_ports)] | None = None
    """``first-last``: local ports of transfers, for packet filters."""
    single_port: bool = False
    """Whether transfers are carried on from the port of the service, for clients behind NAT and for containers."""
    broadcast: bool = False
    """Whether requests sent to a broadcast address are answered (RFC 1123, 4.2.3.5, advises against it)."""
