"""What ``superd explain`` answers to the questions of rules: ``Lookups``, ``Lookup``, ``GivenSources``.

Names are really looked up unless they were given; nothing else is asked of anybody but the netgroup database, and
nothing is carried out.
"""

import asyncio
from dataclasses import dataclass

from superd.access.facts import UNKNOWN, ClientFacts, Need, Question
from superd.access.hosts_access import Effect
from superd.cli.explain_request import Request
from superd.config.model import Service, SocketType
from superd.config.values import LOOKUP_LIMIT
from superd.lookup.names import Names
from superd.lookup.netgroups import Netgroups
from superd.service import Peer


@dataclass(frozen=True, slots=True)
class Lookup:
    """A fact that a rule needed: what for, the answer (``None``: there was none), and where it comes from."""

    what: str
    answer: str | bool | None
    how: str


class Lookups:
    """The resolver and the netgroup database, made when they are first needed; ``allowed``: they may be asked."""

    def __init__(self, *, allowed: bool) -> None:
        self.allowed = allowed
        self._names: Names | None = None
        self._netgroups: Netgroups | None = None

    async def name(self, address: str, seconds: float) -> tuple[str, str]:
        """Return the verified name of an address, and where it comes from."""
        if not self.allowed:
            return UNKNOWN, "not looked up"
        if self._names is None:
            self._names = Names(asyncio.get_running_loop(), deadline=LOOKUP_LIMIT)
        answer = await self._names.name(address, seconds)
        return answer.name, f"looked up: {answer.why}" if answer.why else "looked up"

    async def holds(self, group: str, host: str) -> tuple[bool | None, str]:
        """Say whether a host is in a netgroup, and where that comes from."""
        if not self.allowed:
            return None, "not looked up"
        if self._netgroups is None:
            self._netgroups = Netgroups()
        return await self._netgroups.holds(group, host), "looked up"

    async def close(self) -> None:
        """Let go of sockets and threads."""
        if self._names is not None:
            await self._names.close()
        if self._netgroups is not None:
            self._netgroups.close()


class GivenSources:
    """Answers about one client, each of which is noted in ``lookups``."""

    def __init__(self, request: Request, service: Service, lookups: Lookups, *, aclexec: bool) -> None:
        self._request = request
        self._service = service
        self._lookups = lookups
        self._aclexec = aclexec
        self.lookups: list[Lookup] = []

    @property
    def asked_aclexec(self) -> bool:
        """Whether the outcome depends on a command that was not run."""
        return any(lookup.what.startswith(Need.ACLEXEC) for lookup in self.lookups)

    async def answer(self, question: Question, peer: Peer, facts: ClientFacts) -> str | bool | None:  # noqa: ARG002  as Sources has it
        """Answer a question."""
        answer, how = await self._find(question, peer)
        what = str(question.need)
        if isinstance(question.command, Effect):
            what = f"{what} {question.command.text}"
        elif question.need is Need.NETGROUP:
            what = f"{what} ({question.subject})"
        self.lookups.append(Lookup(what, answer, how))
        return answer

    async def carry_out(self, effect: Effect, peer: Peer, facts: ClientFacts) -> None:
        """Carry out nothing: the effects are in the verdict."""

    async def _find(self, question: Question, peer: Peer) -> tuple[str | bool | None, str]:
        match question.need:
            case Need.NAME if self._request.name is not None:
                return self._request.name, "given"
            case Need.NAME:
                return await self._name(peer.host)
            case Need.SERVER_NAME:
                return await self._name(peer.local_host if peer.local_port else "")
            case Need.USER:
                return self._user()
            case Need.NETGROUP:
                return await self._lookups.holds(*question.subject.split(" ", 1))
            case Need.ACLEXEC:
                return self._aclexec, "assumed; the command is not run"

    async def _name(self, address: str) -> tuple[str, str]:
        if not address:
            return UNKNOWN, "there is no address"
        return await self._lookups.name(address, self._service.access.lookup_seconds)

    def _user(self) -> tuple[str, str]:
        if self._service.socket_type not in {SocketType.STREAM, SocketType.SEQPACKET}:
            return UNKNOWN, "datagrams have no user"
        if self._request.user is not None:
            return self._request.user, "given"
        return UNKNOWN, "only a connection has one; give it with --user"
