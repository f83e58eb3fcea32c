"""Asking a client's host whose connection it is (RFC 1413): ``Ident``.

Answers are not kept. A question is about one pair of ports, which the next connection does not have, and the
pair may belong to somebody else a moment later. Who needs an answer twice keeps it with the connection.

A question is a connection that a client makes this host open, so it is rationed: by *network*, an IPv4 address
or the first 64 bits of an IPv6 address, so that a host that lets its questions hang delays nobody else; and in all.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Container, Iterable
from contextlib import ExitStack
from ipaddress import IPv6Address
from typing import Final

from superd.access.facts import UNKNOWN
from superd.lookup.ident_protocol import IDENT_PORT, Answer, Failure, Reply, query, unknown
from superd.net import interfaces
from superd.service import Peer

__all__ = ["DATAGRAM", "IDENT_TIMEOUT", "UNKNOWN", "Answer", "Failure", "Ident", "not_asked"]

IDENT_TIMEOUT: Final = 10.0
"""Seconds for one answer, waiting for a turn included: libwrap's time (hosts_options(5), rfc931)."""

TIMEOUT_LIMIT: Final = 300.0
"""Seconds that a rule can ask for at most: no client is kept waiting longer, whatever was configured."""

TOTAL_LIMIT: Final = 256
"""Questions under way at a time: each holds a descriptor of a process that has some thousand."""

NETWORK_LIMIT: Final = 16
"""Of these for one network, so that sixteen hostile ones are needed to use up all turns."""

NETWORK_WAITING: Final = 256
"""Questions to one network that are under way or wait for a turn; a busy terminal server connects in bursts."""

TOTAL_WAITING: Final = 4096
"""The same of all networks: a question that waits is a connection that waits, some kilobytes each."""

DATAGRAM: Final = unknown(Failure.NOT_ASKED, "ident servers know TCP connections only")
"""The answer about a client that sent a datagram."""

_UNIX: Final = unknown(Failure.NOT_ASKED, "a client of a Unix socket has no ident server")
_LOOP: Final = unknown(Failure.NOT_ASKED, "a question about an ident connection would be asked back for ever")
_CROWDED: Final = unknown(Failure.SYSTEM, "too many ident questions wait for an answer")

_SocketAddress = tuple[str, int] | tuple[str, int, int, int]
_SUBNET_BYTES: Final = 8


def not_asked(peer: Peer, own_ports: Container[int] = (IDENT_PORT,)) -> Answer | None:
    """The answer about a client whose host is never asked, or ``None``.

    Whoever connects to this host's own ident service (``own_ports``), or from another's, is asking about
    somebody: two hosts that both asked who is asking would go on for ever.
    """
    if not peer.host:
        return _UNIX
    return _LOOP if peer.local_port in own_ports or peer.port == IDENT_PORT else None


class Ident:
    """Asks ident servers, at most ``limit`` at a time.

    ``port`` is where they listen; ``own_ports`` are those of ident services here, beside 113: behind a
    redirection a service does not see that it was 113. A descriptor from ``ceiling`` on is given back and
    nothing asked, so that questions can't take what is reserved for other things.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        limit: int = TOTAL_LIMIT,
        port: int = IDENT_PORT,
        own_ports: Iterable[int] = (),
        ceiling: int | None = None,
    ) -> None:
        self._loop = loop
        self._port = port
        self._own_ports = frozenset({IDENT_PORT, *own_ports})
        self._ceiling = ceiling
        self._turns = asyncio.Semaphore(limit)
        self._networks: dict[str, _Network] = {}
        self.asking = 0
        """Questions under way or waiting for a turn."""

    @property
    def networks(self) -> int:
        """Networks that these questions go to."""
        return len(self._networks)

    async def user(self, peer: Peer, seconds: float = IDENT_TIMEOUT) -> Answer:
        """Find out who uses this TCP connection, within so many seconds (at most ``TIMEOUT_LIMIT``).

        To be asked while the connection is open: the answer is about connections that exist. Raises
        nothing but CancelledError.
        """
        if answer := not_asked(peer, self._own_ports):
            return answer
        name = _network(peer.host)
        network = self._networks.get(name) or _Network()
        if network.asking >= NETWORK_WAITING or self.asking >= TOTAL_WAITING:
            return _CROWDED
        self._networks[name] = network
        network.asking += 1
        self.asking += 1
        try:
            return await self._within(min(seconds, TIMEOUT_LIMIT), network, peer)
        finally:
            self.asking -= 1
            network.asking -= 1
            if not network.asking:
                del self._networks[name]

    async def _within(self, seconds: float, network: "_Network", peer: Peer) -> Answer:
        try:
            async with asyncio.timeout(seconds), network.turns, self._turns:
                return await self._ask(peer)
        except TimeoutError:
            return unknown(Failure.TIMEOUT, f"no answer of an ident server within {seconds:g} seconds")

    async def _ask(self, peer: Peer) -> Answer:
        """Open, ask, close. No error leaves: a TimeoutError would look like the deadline."""
        try:
            sock, server = self._prepare(peer)
        except (OSError, ValueError) as error:
            return unknown(Failure.SYSTEM, f"the ident server could not be asked: {_said(error)}")
        with sock:
            try:
                await self._connect(sock, server)
            except OSError as error:
                return unknown(Failure.NO_SERVER, f"no ident server could be reached: {_said(error)}")
            try:
                return await self._converse(sock, peer)
            except OSError as error:
                return unknown(Failure.RECEIVING, f"the ident server did not answer: {_said(error)}")

    def _prepare(self, peer: Peer) -> tuple[socket.socket, _SocketAddress]:
        """A socket bound to the address that the client connected to, because RFC 1413 §2 goes by addresses."""
        family, source, server = _ends(peer, self._port)
        kind = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        with ExitStack() as opened:
            sock = opened.enter_context(socket.socket(family, kind))
            if self._ceiling is not None and sock.fileno() >= self._ceiling:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            sock.bind(source)
            opened.pop_all()
        return sock, server

    async def _connect(self, sock: socket.socket, server: _SocketAddress) -> None:
        """By hand: a loop's own ``sock_connect`` looks the address up again, in a thread or without its scope."""
        number = sock.connect_ex(server)
        if number == errno.EINPROGRESS:
            await self._until(self._loop.add_writer, self._loop.remove_writer, sock)
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise OSError(number, os.strerror(number))

    async def _converse(self, sock: socket.socket, peer: Peer) -> Answer:
        sock.send(query(peer.port, peer.local_port))  # so few bytes always fit into an empty buffer
        reply = Reply(peer.port, peer.local_port)
        while True:
            await self._until(self._loop.add_reader, self._loop.remove_reader, sock)
            try:
                data = sock.recv(reply.room)
            except BlockingIOError:
                continue
            if not data:
                return reply.end()
            if answer := reply.receive(data):
                return answer

    async def _until(
        self, add: Callable[..., None], remove: Callable[[int], object], sock: socket.socket
    ) -> None:
        """Wait until the socket can be written or read, whichever the two functions are for."""
        ready = self._loop.create_future()
        add(sock.fileno(), _resolve, ready)
        try:
            await ready
        finally:
            remove(sock.fileno())


class _Network:
    """Questions to one network: the turns it has, and how many use or wait for them."""

    __slots__ = ("asking", "turns")

    def __init__(self) -> None:
        self.asking = 0
        self.turns = asyncio.Semaphore(NETWORK_LIMIT)


def _resolve(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)


def _network(host: str) -> str:
    if ":" not in host:
        return host
    try:
        return IPv6Address(host.partition("%")[0]).packed[:_SUBNET_BYTES].hex()
    except ValueError:  # asking it will fail too, and say why
        return host


def _ends(peer: Peer, port: int) -> tuple[socket.AddressFamily, _SocketAddress, _SocketAddress]:
    """Family, source and destination of a question. Raises OSError or ValueError.

    The addresses are checked here, because socket functions look up what is not one.
    """
    if ":" not in peer.host:
        for host in (peer.host, peer.local_host):
            socket.inet_pton(socket.AF_INET, host)
        return socket.AF_INET, (peer.local_host, 0), (peer.host, port)
    scope = _scope(peer)
    source, server = (IPv6Address(host.partition("%")[0]).compressed for host in (peer.local_host, peer.host))
    return socket.AF_INET6, (source, 0, 0, scope), (server, port, 0, scope)


def _scope(peer: Peer) -> int:
    """The interface of link-local addresses, which mean nothing without one; 0 for others.

    Where the addresses don't name it, it is the interface that has the local address, if only one has.
    """
    hosts = (peer.host, peer.local_host)
    if not any(IPv6Address(host).is_link_local for host in hosts):
        return 0
    if name := next((name for host in hosts if (name := host.partition("%")[2])), ""):
        return int(name) if name.isdecimal() else interfaces.index(name)
    found = {entry.index for entry in interfaces.addresses() if entry.address == peer.local_host}
    if len(found) != 1:
        raise ValueError(f"{len(found)} network interfaces have the address {peer.local_host}")
    return found.pop()


def _said(error: Exception) -> str:
    """What went wrong, in the system's words."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text[:1].lower() + text[1:]
