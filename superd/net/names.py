"""Host names to addresses, without the supervisor ever parsing an answer of the network: ``resolve``.

The resolver of the C library reads packets that anybody may have sent, and loads what nsswitch.conf(5) names.
It runs in a child process that has dropped root and closed every descriptor, and that is killed at the
deadline. What it says is bounded, and believed only where it is an address.
"""

import ipaddress
import os
import pwd
import resource
import select
import signal
import socket
import time
from collections.abc import Iterable
from typing import Final, NoReturn

from superd.config.model import Family
from superd.errors import SuperdError
from superd.privsep.drop import drop

DEADLINE: Final = 5.0
"""Seconds for one name, as long as resolv.conf(5) lets the first server take; a start hangs for no longer."""

ANSWER_LIMIT: Final = 4096
"""Bytes read from the child: some eighty addresses, more than any host name has a use for."""

NAME_LIMIT: Final = 253
"""Characters of a domain name (RFC 1035 §2.3.4)."""

_MEMORY_LIMIT: Final = 2 << 30
"""Bytes of address space for the child, so that a hostile answer can't make it eat the machine."""

_LOCALHOST: Final = {Family.INET: ("127.0.0.1",), Family.INET6: ("::1",)}
"""RFC 6761 §6.3: this name never needs the network."""

_FAMILIES: Final = {Family.INET: socket.AF_INET, Family.INET6: socket.AF_INET6}

_NONE: Final = "none"
"""What the child writes when there is no address. A child that writes nothing has found out nothing."""

_NO_SUCH_NAME: Final = frozenset({socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY})

_UNPRIVILEGED: Final = 65534
"""nobody's uid and gid on Linux, where passwd(5) has no such account."""


class ResolveError(SuperdError):
    """A host name has no address, or nobody answered in time; the text names it."""


def resolve(host: str, family: Family | None = None, *, deadline: float = DEADLINE) -> tuple[str, ...]:
    """Return the numeric addresses of a host, in the resolver's order, of one family or of both.

    A numeric address is returned as it is. Blocks for at most ``deadline`` seconds. Must be called from a
    process without threads, because it forks. Raises ResolveError.
    """
    if literal := _literal(host):
        return _of_family(host, [literal], family)
    if not host or len(host) > NAME_LIMIT or not host.isprintable() or " " in host:
        raise ResolveError(f"{host[:NAME_LIMIT]!r} is not a host name")
    if host.lower().rstrip(".") == "localhost":
        return _of_family(host, [*_LOCALHOST[Family.INET], *_LOCALHOST[Family.INET6]], family)
    answer = _ask(host, _encoded(host), family, deadline)
    if not answer:
        raise ResolveError(f"host {host} could not be looked up just now")
    addresses = [address for word in answer.split() if (address := _literal(word))]
    return _of_family(host, addresses, family)


def _of_family(host: str, addresses: Iterable[str], family: Family | None) -> tuple[str, ...]:
    found = dict.fromkeys(address for address in addresses if family in {None, _family(address)})
    if not found:
        kind = {Family.INET: "IPv4 ", Family.INET6: "IPv6 "}.get(family, "") if family else ""
        raise ResolveError(f"host {host} has no {kind}address")
    return tuple(found)


def _literal(word: str) -> str:
    """The address in its usual spelling, or nothing when the word is not one."""
    try:
        return str(ipaddress.ip_address(word))
    except ValueError:
        return ""


def _family(address: str) -> Family:
    return Family.INET6 if ":" in address else Family.INET


def _encoded(host: str) -> bytes:
    """Encode here: getaddrinfo would import the codec in the child, which can't read the library any more."""
    try:
        return host.encode("idna")
    except UnicodeError as error:
        raise ResolveError(f"{host!r} is not a host name") from error


def _ask(host: str, encoded: bytes, family: Family | None, deadline: float) -> str:
    """Let a child look the name up; return the addresses it wrote, separated by spaces."""
    end = time.monotonic() + deadline
    reader, writer = os.pipe()
    # No signal may reach the child while it still has the handlers of its parent.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        child = os.fork()
        if child == 0:
            _child(encoded, family, writer)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    os.close(writer)
    try:
        return _read(reader, end, host)
    finally:
        os.close(reader)
        _end(child)


def _read(reader: int, end: float, host: str) -> str:
    data = b""
    while len(data) < ANSWER_LIMIT:
        ready, _, _ = select.select([reader], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            raise ResolveError(f"host {host}: no answer from the name servers in time")
        piece = os.read(reader, ANSWER_LIMIT - len(data))
        if not piece:
            break
        data += piece
    return data.decode("ascii", "replace")


def _end(child: int) -> None:
    """Kill and bury the child; it may have been buried by the caller's own handler of SIGCHLD."""
    try:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    except (ProcessLookupError, ChildProcessError):
        return


def _child(host: bytes, family: Family | None, writer: int) -> NoReturn:
    """Look up in a process that has nothing but the pipe; whatever happens, it ends here."""
    try:
        _restrict(writer)
        wanted = _FAMILIES[family] if family else socket.AF_UNSPEC
        os.write(1, _look_up(host, wanted).encode("ascii")[:ANSWER_LIMIT])
    except BaseException:  # noqa: BLE001  no answer is the answer; nothing may climb into the parent's code
        os._exit(1)
    os._exit(0)


def _look_up(host: bytes, family: int) -> str:
    try:
        found = socket.getaddrinfo(host, None, family, socket.SOCK_STREAM)
    except socket.gaierror as error:
        return _NONE if error.errno in _NO_SUCH_NAME else ""
    return " ".join(str(entry[4][0]) for entry in found) or _NONE


def _restrict(writer: int) -> None:
    """Keep the pipe as descriptor 1 and nothing else; become nobody; take default signals again."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.dup2(writer, 1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT, _MEMORY_LIMIT))
    if os.geteuid() == 0:
        drop(*_nobody(), (), confine=True)


def _nobody() -> tuple[int, int]:
    try:
        account = pwd.getpwnam("nobody")
    except KeyError:
        return _UNPRIVILEGED, _UNPRIVILEGED
    return account.pw_uid, account.pw_gid
