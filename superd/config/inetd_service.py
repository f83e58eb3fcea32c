"""From the columns of an entry to ``WrittenService``: what both notations of inetd.conf have in common.

``Columns`` holds the columns of one entry, whichever notation it came from; ``build`` turns them into the
words that xinetd's language would use.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from superd.config import inetd_fields
from superd.config.dialect import Facts
from superd.config.inetd_fields import FieldError, Protocol
from superd.config.inetd_program import set_program
from superd.config.origin import Origin, Report
from superd.config.written import Word, Words, WrittenService

_TCPMUX: Final = "tcpmux/"
_SOCKET_OF: Final = {"tcp": "stream", "udp": "dgram"}
_UNIX_SOCKETS: Final = frozenset({"stream", "dgram", "seqpacket"})
_SUNRPC: Final = {"sunrpc_tcp": "tcp", "sunrpc_udp": "udp"}
"""AIX writes RPC as a socket type; program number and versions are the last two arguments."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one entry. ``extra`` holds attributes that a notation spells out one by one."""

    origin: Origin
    end: int
    host: Word | None
    service: Word
    socket_type: Word
    protocol: Word
    wait: Word
    user: Word
    server: Word
    args: Words = ()
    extra: dict[str, Word] = field(default_factory=dict)
    own_host: bool = True
    """The address stands on the entry itself, not on a ``host:`` line above it."""


def like(word: Word, value: str) -> Word:
    """Make a word at the place of another."""
    return Word(value=value, origin=word.origin)


def build(columns: Columns, facts: Facts, report: Report) -> Iterator[WrittenService]:
    """Yield the services of one entry: one, or one for each transport of an illumos network type.

    Raises FieldError for an entry that can't be used.
    """
    socket = inetd_fields.socket_type(columns.socket_type.value)
    if socket.filter:
        text = f"the accept filter {socket.filter!r} does not exist on Linux; it is left out"
        report.warning("accept-filter", columns.socket_type.origin, text)
    for protocol in _transports(columns, socket.type, facts):
        service = WrittenService(
            name=columns.service.value, origin=columns.origin, dialect="inetd", end=columns.end
        )
        service.id = like(columns.service, _id(columns))
        service.protocol = like(columns.protocol, protocol.name)
        service.socket_type = like(columns.socket_type, _socket_type(socket.type, protocol))
        if socket.accept_max:
            service.instances = like(columns.socket_type, socket.accept_max)
        _set_wait(service, columns, facts, report)
        _set_user(service, columns, facts, report)
        _set_identity(service, columns, protocol, report, facts)
        _set_buffers(service, columns, protocol)
        set_program(service, columns.server, columns.args, facts, report)
        for name, word in columns.extra.items():
            setattr(service, name, word)
        yield service


def _transports(columns: Columns, socket_type: str, facts: Facts) -> list[Protocol]:
    found = inetd_fields.protocols(columns.protocol.value, facts)
    if socket_type in _SUNRPC:
        if found != (wanted := inetd_fields.protocols(_SUNRPC[socket_type], facts)):
            raise FieldError("socket-protocol-mismatch", f"{socket_type} sockets speak {wanted[0].name}")
        return [Protocol(wanted[0].name, "IPv4", rpc=True)]
    if len(found) > 1 and socket_type != "tli":
        found = tuple(protocol for protocol in found if _SOCKET_OF.get(protocol.name) == socket_type)
    if not found:
        raise FieldError(
            "socket-protocol-mismatch", f"no {socket_type} transport in {columns.protocol.value!r}"
        )
    return list(found)


def _id(columns: Columns) -> str:
    address = f"{columns.host.value}:" if columns.host else ""
    return f"{address}{columns.service.value}/{columns.protocol.value.split(',')[0]}"


def _socket_type(word: str, protocol: Protocol) -> str:
    natural = _SOCKET_OF.get(protocol.name, "")
    if (word == "tli" and protocol.rpc) or word in _SUNRPC:
        return natural
    if word == "tli":
        raise FieldError(
            "unknown-socket-type", "a tli socket without rpc/ in the protocol column", "write stream"
        )
    if natural and word in _SOCKET_OF.values() and word != natural:
        text = f"a {word} socket can't speak {protocol.name}"
        raise FieldError("socket-protocol-mismatch", text, f"write {natural}, or another protocol")
    if protocol.name == "unix" and word not in _UNIX_SOCKETS:
        raise FieldError("socket-protocol-mismatch", f"there are no {word} sockets among Unix sockets")
    return word


def _set_wait(service: WrittenService, columns: Columns, facts: Facts, report: Report) -> None:
    column = columns.wait
    flag = inetd_fields.wait_flag(column.value, facts)
    if flag.foreign:
        text = f"this dialect's inetd does not know the limit {flag.foreign!r}; it is applied here"
        report.warning("foreign-limit", column.origin, text)
    service.wait = like(column, "yes" if flag.wait else "no")
    limits = ("rate_per_minute", "instances", "source_rate_per_minute", "per_source")
    for name in limits:
        if value := getattr(flag, name):
            setattr(service, name, like(column, value))


def _set_user(service: WrittenService, columns: Columns, facts: Facts, report: Report) -> None:
    user = inetd_fields.user(columns.user.value, facts)
    service.user = like(columns.user, user.name)
    service.groups = like(columns.user, "yes")
    if user.group:
        service.group = like(columns.user, user.group)
    if user.login_class:
        text = f"the login class {user.login_class!r} has no counterpart on Linux; its limits are not set"
        report.warning(
            "login-class", columns.user.origin, text, hint="xinetd's rlimit_* attributes set limits"
        )


def _set_buffers(service: WrittenService, columns: Columns, protocol: Protocol) -> None:
    if protocol.sndbuf:
        service.sndbuf = like(columns.protocol, protocol.sndbuf)
    if protocol.rcvbuf:
        service.rcvbuf = like(columns.protocol, protocol.rcvbuf)


def _set_identity(
    service: WrittenService, columns: Columns, protocol: Protocol, report: Report, facts: Facts
) -> None:
    """Say what is listened on: a path, an RPC program, a name of tcpmux, a port, or a name of services(5)."""
    if protocol.name == "unix":
        _set_unix(service, columns, facts)
        return
    flags = [protocol.family] if protocol.family else []
    service.flags = tuple(like(columns.protocol, flag) for flag in flags)
    if columns.service.value.startswith(_TCPMUX):
        _set_tcpmux(service, columns, report)
        return
    service.bind = _bind(columns, protocol)
    if protocol.rpc:
        _set_rpc(service, columns, report)
    else:
        _set_named(service, columns)


def _bind(columns: Columns, protocol: Protocol) -> Word | None:
    """The addresses whose family the protocol allows; names are resolved later, in that family."""
    if columns.host is None:
        return None
    listed = inetd_fields.addresses(columns.host.value)
    fitting = [one for one in listed if _fits(one, protocol.family)]
    if listed and not fitting:
        text = f"the address {columns.host.value!r} does not fit {columns.protocol.value}"
        raise FieldError(
            "family-conflict", text, f"write {protocol.name}{'6' if protocol.family == 'IPv4' else '4'}"
        )
    return like(columns.host, ",".join(fitting)) if fitting else None


def _fits(address: str, family: str) -> bool:
    return not family or inetd_fields.literal_family(address) in ("", family)


def _set_unix(service: WrittenService, columns: Columns, facts: Facts) -> None:
    unix = inetd_fields.unix_path(columns.service.value)
    internal = columns.server.value == "internal"
    service.name = PurePosixPath(unix.path).name if internal else unix.path
    service.id = like(columns.service, f"{unix.path}/unix")
    service.type = (like(columns.service, "UNLISTED"),)
    service.bind = like(columns.service, unix.path)
    if unix.owner:
        service.socket_owner = like(columns.service, unix.owner)
    if mode := unix.mode or facts.unix_mode:
        service.socket_mode = like(columns.service, mode)


def _set_tcpmux(service: WrittenService, columns: Columns, report: Report) -> None:
    name = columns.service.value.removeprefix(_TCPMUX)
    plus = name.startswith("+")
    service.name = name.removeprefix("+")
    if not service.name or service.protocol is None or service.protocol.value != "tcp":
        raise FieldError(
            "bad-service", f"{columns.service.value!r} is not tcpmux/name or tcpmux/+name over tcp"
        )
    words = ("TCPMUXPLUS" if plus else "TCPMUX", "UNLISTED")
    service.type = tuple(like(columns.service, word) for word in words)
    if columns.host is not None and columns.own_host:
        text = "a tcpmux service listens where tcpmux does; its address is left out"
        report.warning("tcpmux-address", columns.host.origin, text)


def _set_named(service: WrittenService, columns: Columns) -> None:
    word = columns.service
    if not word.value or "/" in word.value:
        raise FieldError(
            "bad-service", f"{word.value!r} is no service name", "name/version needs rpc/tcp or rpc/udp"
        )
    number = inetd_fields.port(word.value)
    if number is not None:
        service.type = (like(word, "UNLISTED"),)
        service.port = like(word, str(number))


def _set_rpc(service: WrittenService, columns: Columns, report: Report) -> None:
    """Fill the RPC attributes; a version that is missing is 1, as FreeBSD has it."""
    number: Word | None
    if columns.socket_type.value in _SUNRPC:
        number, versions = _sunrpc(columns)
    else:
        rpc = inetd_fields.rpc_service(columns.service.value)
        service.name, versions = rpc.program, like(columns.service, rpc.versions)
        number = like(columns.service, rpc.program) if rpc.program.isdecimal() else None
    if not versions.value:
        report.warning(
            "rpc-version", columns.service.origin, "no RPC version is given; 1 is taken", hint="write name/1"
        )
        versions = like(versions, "1")
    service.type = (like(columns.service, "RPC"),)
    if number is not None:
        service.type += (like(columns.service, "UNLISTED"),)
        service.rpc_number = number
    service.rpc_version = versions


def _sunrpc(columns: Columns) -> tuple[Word, Word]:
    tail = columns.args[-2:]
    words = [word.value for word in tail]
    if (
        len(words) == len(_SUNRPC)
        and words[0].isdecimal()
        and inetd_fields.rpc_service(f"x/{words[1]}").versions
    ):
        return tail[0], tail[1]
    raise FieldError("bad-rpc-version", "a sunrpc_ entry ends with the program number and the versions")
