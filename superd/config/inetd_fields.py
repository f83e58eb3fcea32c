"""The columns of an inetd.conf entry that have a grammar of their own: address, protocol, wait flag, user.

Each function takes what was written and gives a frozen value, or raises ``FieldError`` with the diagnostic's
code and a plain sentence. Spellings of all dialects are taken; ``Facts`` decides where two of them differ.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from superd.config.dialect import Facts

_HOST_NAME: Final = re.compile(r"(?!-)[A-Za-z0-9_.-]+")
_INTERNET: Final = re.compile(r"(rpc/)?(tcp|udp)(46|64|6only|4|6)?")
_BUFFER: Final = re.compile(r"(sndbuf|rcvbuf)=([0-9]+[km]?)", re.IGNORECASE)
_PORT: Final = re.compile(r"[0-9]+")
_PORT_LIMIT: Final = 65535
_RPC_SERVICE: Final = re.compile(r"([^/]+)(?:/([0-9]+)(?:-([0-9]+))?)?")
_NETIDS: Final = {
    "*": ("tcp", "udp"),
    "visible": ("tcp", "udp"),
    "datagram_v": ("udp",),
    "datagram_n": ("udp",),
    "circuit_v": ("tcp",),
    "circuit_n": ("tcp",),
}
"""illumos' network types, as far as Internet transports stand behind them (netconfig(5))."""


class FieldError(ValueError):
    """A column that can't be used; ``code`` names the kind of mistake, ``hint`` a way out."""

    def __init__(self, code: str, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.hint = hint


def split_address(word: str) -> tuple[str | None, str]:
    """Divide ``address:service`` at its last colon; the address is ``None`` when there is none.

    An empty address and ``*`` mean any. busybox writes ``:::1:444`` for port 444 of ``::1``.
    """
    host, colon, service = word.rpartition(":")
    if not colon:
        return None, word
    if host.startswith(":::"):
        host = host[1:]
    return host or "*", service


def addresses(text: str) -> tuple[str, ...]:
    """Check a comma list of addresses and names; empty means any address. Raises FieldError."""
    found: list[str] = []
    for word in text.split(","):
        bare = word[1:-1] if word.startswith("[") and word.endswith("]") else word
        if bare == "*":
            if "," in text:
                raise FieldError("bad-address", f"* in the address list {text!r} takes every address")
            return ()
        if literal_family(bare) == "" and not _HOST_NAME.fullmatch(bare):
            raise FieldError("bad-address", f"{word!r} is neither an address nor a host name")
        found.append(bare)
    return tuple(found)


def literal_family(address: str) -> str:
    """``IPv4`` or ``IPv6`` for a numeric address, empty for anything else."""
    try:
        return f"IPv{ipaddress.ip_address(address).version}"
    except ValueError:
        return ""


def port(service: str) -> int | None:
    """Give the port of a numeric service, ``None`` for a name. Raises FieldError outside 1..65535."""
    if not _PORT.fullmatch(service):
        return None
    number = int(service) if len(service) <= len(str(_PORT_LIMIT)) else 0
    if not 1 <= number <= _PORT_LIMIT:
        raise FieldError("bad-port", f"port {service} is not within 1 to {_PORT_LIMIT}")
    return number


@dataclass(frozen=True, slots=True)
class SocketWord:
    """The socket type column: its type, and NetBSD's ``,accept-max`` and ``:filter``."""

    type: str
    accept_max: str = ""
    filter: str = ""


def socket_type(word: str) -> SocketWord:
    """Read the socket type column. Raises FieldError."""
    head, _, accept_filter = word.partition(":")
    name, comma, most = head.partition(",")
    if comma and not most.isdecimal():
        raise FieldError("bad-limit", f"{most!r} after {name}, is not a number of children")
    if name in ("stream", "dgram", "raw", "seqpacket", "tli", "sunrpc_tcp", "sunrpc_udp"):
        return SocketWord(name, most, accept_filter)
    if name == "rdm":
        raise FieldError("unknown-socket-type", "rdm sockets exist on no system superd runs on")
    raise FieldError("unknown-socket-type", f"unknown socket type {word!r}", "stream and dgram are usual")


@dataclass(frozen=True, slots=True)
class Protocol:
    """What the protocol column says. ``family`` is a word of xinetd's ``flags``, empty for both families."""

    name: str
    family: str = ""
    rpc: bool = False
    sndbuf: str = ""
    rcvbuf: str = ""


def protocols(word: str, facts: Facts) -> tuple[Protocol, ...]:
    """Read the protocol column; several values only for illumos' ``rpc/`` with a list or a network type."""
    head, *rest = word.split(",")
    buffers = _buffers([part for part in rest if "=" in part])
    more = [part for part in rest if "=" not in part]
    rpc = head.startswith("rpc/")
    if more and not rpc:
        raise FieldError("unknown-protocol", f"{','.join(more)!r} after {head}, is no option of a protocol")
    names = [head.removeprefix("rpc/"), *more] if rpc else [head]
    expanded = [netid for name in names for netid in (_NETIDS.get(name, (name,)) if rpc else (name,))]
    found = [_protocol(name, rpc, buffers, facts) for name in dict.fromkeys(expanded)]
    return tuple(found)


def _buffers(options: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for option in options:
        match = _BUFFER.fullmatch(option)
        if match is None:
            raise FieldError(
                "bad-protocol-option", f"{option!r} is not sndbuf=N or rcvbuf=N", "N may end in k or m"
            )
        found[match[1].lower()] = match[2].lower()
    return found


def _protocol(name: str, rpc: bool, buffers: dict[str, str], facts: Facts) -> Protocol:
    if "faith" in name:
        raise FieldError(
            "dead-protocol", f"{name}: the faith IPv6-to-IPv4 relay no longer exists", "write tcp6"
        )
    if name.endswith("/ttcp"):
        raise FieldError("dead-protocol", f"{name}: T/TCP no longer exists", "write tcp")
    match = _INTERNET.fullmatch(name)
    if match is not None and not match[1]:
        family = _family(match[3] or "", rpc, facts)
        return Protocol(match[2], family, rpc, buffers.get("sndbuf", ""), buffers.get("rcvbuf", ""))
    if name == "unix" and not rpc:
        return Protocol("unix", sndbuf=buffers.get("sndbuf", ""), rcvbuf=buffers.get("rcvbuf", ""))
    hint = "tcp, udp (also with 4, 6, 46), unix, rpc/tcp and rpc/udp are known"
    raise FieldError("unknown-protocol", f"unknown protocol {('rpc/' if rpc else '') + name!r}", hint)


def _family(digits: str, rpc: bool, facts: Facts) -> str:
    """The family behind ``tcp`` plus digits; RPC without digits is IPv4, all that portmappers knew."""
    if not digits:
        return "IPv4" if rpc else facts.plain_family
    return {"4": "IPv4", "6": facts.six_family, "6only": "IPv6", "46": "", "64": ""}[digits]


@dataclass(frozen=True, slots=True)
class WaitFlag:
    """The wait column; limits are numbers as text, empty when not written (or written as unlimited)."""

    wait: bool
    rate_per_minute: str = ""
    instances: str = ""
    source_rate_per_minute: str = ""
    per_source: str = ""
    foreign: str = ""
    """The suffix as written when the dialect's own inetd does not know it."""


def wait_flag(word: str, facts: Facts) -> WaitFlag:
    """Read ``wait|nowait`` and its limits: ``.max`` or ``:max`` starts per minute, or FreeBSD's ``/a/b/c``.

    Those three are children at a time, connections per minute of one source, and children at a time of one
    source; 0 is no limit. Raises FieldError for any other word: most inetds silently take one for nowait.
    """
    match = re.fullmatch(r"(wait|nowait)(?:([.:])([0-9]+)|((?:/[0-9]+){1,3}))?", word)
    if match is None:
        raise _wait_error(word)
    wait, separator, rate, slashes = match[1] == "wait", match[2], match[3], match[4]
    if separator:
        foreign = "" if separator in facts.rate_separators else f"{separator}{rate}"
        return WaitFlag(wait, rate_per_minute=rate, foreign=foreign)
    if slashes:
        numbers = ["" if int(number) == 0 else number for number in slashes[1:].split("/")]
        children, per_minute, per_source, *_ = [*numbers, "", ""]
        return WaitFlag(wait, "", children, per_minute, per_source, "" if facts.slash_limits else slashes)
    return WaitFlag(wait)


def _wait_error(word: str) -> FieldError:
    if re.match(r"(no)?wait[.:/]", word):
        return FieldError(
            "bad-limit", f"{word!r}: the limit has to be a number, or up to three after slashes"
        )
    hint = "did you mean nowait?" if word.startswith("n") else "did you mean wait?"
    return FieldError("unknown-wait", f"{word!r} is neither wait nor nowait", hint)


@dataclass(frozen=True, slots=True)
class User:
    """The user column; ``login_class`` is FreeBSD's."""

    name: str
    group: str = ""
    login_class: str = ""


def user(word: str, facts: Facts) -> User:
    """Read ``user[:group][/class]`` or ``user.group``. Raises FieldError for an empty part."""
    rest, slash, login_class = word.partition("/")
    name, divider, group = rest, "", ""
    for separator in facts.group_separators:
        if separator in rest:
            name, divider, group = rest.partition(separator)
            break
    if not name or (divider and not group) or (slash and not login_class):
        raise FieldError("bad-user", f"{word!r} is not user, user:group or user:group/class")
    return User(name, group, login_class)


@dataclass(frozen=True, slots=True)
class UnixPath:
    """A Unix socket's path, with FreeBSD's ``:user:group:mode:`` in front of it."""

    path: str
    owner: str = ""
    mode: str = ""


def unix_path(word: str) -> UnixPath:
    """Read the service column of a ``unix`` entry. Raises FieldError."""
    match = re.fullmatch(r":([^:/]*):([^:/]*):([0-7]*):(/.*)", word)
    if match is not None:
        owner = f"{match[1]}:{match[2]}" if match[2] else match[1]
        return UnixPath(match[4], owner, match[3])
    if not word.startswith("/"):
        raise FieldError(
            "bad-address", f"{word!r} is not the absolute path of a socket", "or :user:group:mode:/path"
        )
    return UnixPath(word)


@dataclass(frozen=True, slots=True)
class RpcService:
    """``name/version`` or ``name/low-high`` of an RPC entry; ``versions`` is empty when not written."""

    program: str
    versions: str


def rpc_service(word: str) -> RpcService:
    """Read the service column of an ``rpc/`` entry. Raises FieldError."""
    match = _RPC_SERVICE.fullmatch(word)
    if match is None:
        raise FieldError("bad-rpc-version", f"{word!r} is not name/version or name/low-high")
    low, high = match[2], match[3]
    if high is not None and int(low) > int(high):
        raise FieldError("bad-rpc-version", f"the versions {low}-{high} are in the wrong order")
    return RpcService(match[1], low + (f"-{high}" if high else "") if low else "")
