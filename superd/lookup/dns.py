"""Names and addresses from DNS: ``Dns``, which bounds how many questions the name servers get at a time."""

import asyncio
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import pycares

from superd.lookup.channel import CANCELLED, Channel, Reply
from superd.lookup.places import Places
from superd.lookup.records import Record, forward_of, pointer_of
from superd.lookup.verify import Forward, Pointer

QUERIES_LIMIT: Final = 128
"""Questions the name servers are asked at a time; dnsmasq, a common one, refuses more than 150. Others wait."""

NETWORK_LIMIT: Final = 32
"""Of these, questions for the clients of one network: the owner of an address block also runs the name servers
that are asked about it, and could let all of them hang."""

CROWD_LIMIT: Final = 256
"""Questions for the clients of one network, waiting ones included; an IPv4 network has no more."""

_HOST_BITS: Final = {4: 8, 6: 80}
"""A network is an IPv4 /24 or an IPv6 /48: what one owner is likely to have at least."""

HOLD_LIMIT: Final = 10.0
"""Seconds a question may occupy a place; with slow servers c-ares would try for minutes. Nobody waits so long."""

_NO_RECORD: Final = frozenset({pycares.errno.ARES_ENOTFOUND, pycares.errno.ARES_ENODATA})

_FAILURES: Final = {
    pycares.errno.ARES_ETIMEOUT: "the name servers do not answer",
    pycares.errno.ARES_ECONNREFUSED: "no name server can be reached",
    pycares.errno.ARES_ESERVFAIL: "the name server could not find out (SERVFAIL)",
    pycares.errno.ARES_EREFUSED: "the name server refuses to answer",
    pycares.errno.ARES_EBADRESP: "the name server's answer makes no sense",
    pycares.errno.ARES_EBADNAME: "this is no name that can be looked up",
    CANCELLED: "the look-ups are being closed",
}

Address = IPv4Address | IPv6Address


class NoAnswer(Exception):
    """It could not be found out, maybe just now; the text says why."""


class Dns:
    """Asks the servers of resolv.conf(5), or ``servers`` (HOST:PORT).

    Nothing is opened before the first question.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, servers: Sequence[str] | None = None) -> None:
        self._loop = loop
        self._servers = servers
        self._places = Places(QUERIES_LIMIT, NETWORK_LIMIT)
        self._channel: Channel | None = None
        self._closed = False

    async def pointer(self, client: Address) -> Pointer | None:
        """What the client is called; ``None``: it has no PTR record with a host name. Raises NoAnswer."""
        if self._places.members(_network(client)) >= CROWD_LIMIT:
            raise NoAnswer("too many clients of its network are being looked up")
        name = client.reverse_pointer
        return pointer_of(name, await self._ask(client, name, "PTR", search=False))

    async def forward(self, name: str, client: Address) -> Forward | None:
        """The addresses of a name, in the client's family; ``None``: there are none. Raises NoAnswer.

        A name without a dot is sought in the domains of resolv.conf(5) first, as getaddrinfo(3) does. One with
        dots is only looked up as it stands: what a domain would add to it makes another canonical name, which
        can't verify anything.
        """
        kind = "A" if client.version == 4 else "AAAA"
        return forward_of(name, kind, await self._ask(client, name, kind, search="." not in name))

    def reopen(self) -> None:
        """Read resolv.conf(5) again; questions under way are asked once more."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def close(self) -> None:
        """Ask nothing more; every question ends with NoAnswer."""
        self._closed = True
        self.reopen()

    async def _ask(self, client: Address, name: str, kind: str, *, search: bool) -> Sequence[Record]:
        network = _network(client)
        while True:
            self._let_go()
            await self._places.take(network)
            channel, answer = self._start(network, name, kind, search=search)
            reply = await asyncio.shield(answer)
            if reply.error != CANCELLED or channel is self._channel:
                return _checked(reply.error, reply.records)

    def _start(
        self, network: str, name: str, kind: str, *, search: bool
    ) -> tuple[Channel, asyncio.Future[Reply]]:
        """Use a place for a question: it is free when c-ares has ended that, not when nobody waits any more."""
        try:
            channel = self._open()
            answer = channel.ask(name, kind, search=search)
        except BaseException:
            self._places.leave(network)
            raise
        answer.add_done_callback(lambda _: self._places.leave(network))
        return channel, answer

    def _let_go(self) -> None:
        """Take the places of questions that c-ares holds on to, long after anybody waits for them."""
        if self._channel is not None and self._channel.age > HOLD_LIMIT:
            self.reopen()

    def _open(self) -> Channel:
        if self._closed:
            raise NoAnswer(_FAILURES[CANCELLED])
        if self._channel is None:
            try:
                self._channel = Channel(self._loop, self._servers)
            except (OSError, RuntimeError) as error:
                raise NoAnswer(f"no name server can be asked: {error}") from error
        return self._channel


def _network(client: Address) -> str:
    return f"{client.version} {int(client) >> _HOST_BITS[client.version]}"


def _checked(error: int | None, records: Sequence[Record]) -> Sequence[Record]:
    """The records, none if there are none; raises NoAnswer for every other end of a question."""
    if error is None or error in _NO_RECORD:
        return records
    raise NoAnswer(_FAILURES.get(error) or f"the look-up failed (error {error} of c-ares)")
