"""Where a worker's answers about clients come from: ``Lookups``, shared by its services, and ``ClientSources``."""

import asyncio
import os
import time
from collections.abc import Iterable
from typing import Protocol

import structlog

from superd.access.facts import UNKNOWN, ClientFacts, Need, Question
from superd.access.hosts_access import Effect
from superd.config.model import Service, SocketType
from superd.log import events
from superd.lookup.ident import DATAGRAM, IDENT_TIMEOUT, Ident
from superd.lookup.names import DEADLINE, Names
from superd.lookup.netgroups import Netgroups
from superd.service import Peer
from superd.worker.client import Client
from superd.worker.complaints import Complaints
from superd.worker.descriptors import RESERVED, ceiling

log = structlog.get_logger()

_NOT_RUN = frozenset({126, 127})
"""What a shell exits with when a command can't be executed, or found (POSIX, Shell Command Language, 2.8.2)."""

_CONNECTED = frozenset({SocketType.STREAM, SocketType.SEQPACKET})


class Lookups:
    """Names, ident and netgroups; made when the first client needs them, because most workers never do.

    ``ident_ports`` are those on which this daemon is itself an ident server; ``deadline`` is the longest time in
    seconds that a service of it waits for a name.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, ident_ports: Iterable[int] = (), deadline: float = DEADLINE
    ) -> None:
        self._loop = loop
        self._deadline = deadline
        self._ident_ports = frozenset(ident_ports)
        self._names: Names | None = None
        self._ident: Ident | None = None
        self._netgroups: Netgroups | None = None
        self.doubts = Complaints()
        """About whose names the log has been told: each datagram may need one, and its source can be forged."""

    @property
    def names(self) -> Names:
        """The resolver."""
        if self._names is None:
            self._names = Names(self._loop, deadline=self._deadline)
        return self._names

    @property
    def ident(self) -> Ident:
        """The ident client."""
        if self._ident is None:
            self._ident = Ident(self._loop, own_ports=self._ident_ports, ceiling=ceiling(RESERVED))
        return self._ident

    @property
    def netgroups(self) -> Netgroups:
        """The netgroup database."""
        if self._netgroups is None:
            self._netgroups = Netgroups()
        return self._netgroups

    async def close(self) -> None:
        """Let go of every socket and thread."""
        if self._names is not None:
            await self._names.close()
        if self._netgroups is not None:
            self._netgroups.close()


class Commands(Protocol):
    """Who runs the commands of hosts.allow and hosts.deny for one service."""

    def command(self, effect: Effect, client: Client) -> "asyncio.Future[int]":
        """Run the command of an option; the result is its wait(2) status, or -1 when it could not be run."""


class ClientSources:
    """Answers about one client."""

    def __init__(self, lookups: Lookups, service: Service, client: Client, commands: Commands) -> None:
        self._lookups = lookups
        self._service = service
        self._client = client
        self._commands = commands

    async def answer(self, question: Question, peer: Peer, facts: ClientFacts) -> str | bool | None:
        """Answer a question."""
        match question.need:
            case Need.NAME:
                return await self._name(peer.host)
            case Need.SERVER_NAME:
                return await self._name(peer.local_host if peer.local_port else "")
            case Need.USER:
                return await self._user(peer, question.seconds or IDENT_TIMEOUT)
            case Need.NETGROUP:
                return await self._lookups.netgroups.holds(*question.subject.split(" ", 1))
            case Need.ACLEXEC:
                return await self._aclexec(question, facts)

    async def carry_out(self, effect: Effect, peer: Peer, facts: ClientFacts) -> None:  # noqa: ARG002  the client has it
        """Run the command of a ``spawn``; the other options concern whoever serves the client."""
        if effect.option.name == "spawn":
            self._client.facts = facts
            await self._commands.command(effect, self._client)

    async def _name(self, address: str) -> str:
        if not address:
            return UNKNOWN
        answer = await self._lookups.names.name(address, self._service.access.lookup_seconds)
        if answer.why and not answer.cached and self._lookups.doubts.due(address, time.monotonic()):
            log.info(events.NAME_DOUBTFUL, service=self._service.key, peer=address, reason=answer.why)
        return answer.name

    async def _user(self, peer: Peer, seconds: float) -> str:
        if self._service.socket_type not in _CONNECTED:
            return DATAGRAM.user
        self._client.ident = await self._lookups.ident.user(peer, seconds)
        return self._client.ident.user

    async def _aclexec(self, question: Question, facts: ClientFacts) -> bool | None:
        """Run the command; ``None`` when it could not be run to its end, so that the safe verdict stands.

        libwrap takes that for a no, which admits everybody where the rule is in hosts.deny. There the command runs as
        root; here it is the service's user, who may not be allowed to execute it.
        """
        assert isinstance(question.command, Effect)  # noqa: S101  the walk put it there
        self._client.facts = facts
        status = await self._commands.command(question.command, self._client)
        code = status if status < 0 else os.waitstatus_to_exitcode(status)
        return None if code < 0 or code in _NOT_RUN else code == 0
