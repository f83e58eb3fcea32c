"""``IdentMachine``: one connection of ident; ``Owner`` and ``Ends`` are what it asks the system and is told.

A connection asks only about connections between the same two machines: the addresses are those of its own, so nobody
learns about anybody else's.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from string import ascii_lowercase
from typing import Final

from superd.service import (
    Action,
    Call,
    Close,
    Connected,
    Eof,
    Peer,
    Raised,
    Received,
    Returned,
    Send,
    SetTimer,
    StreamEvent,
    TimedOut,
)
from superd_services.ident.options import REAL, IdentOptions, Reply
from superd_services.ident.protocol import LINE_LIMIT, Failure, Query, failure, parse, user_id

RANDOM_LENGTH: Final = 12
"""Letters of a random user id."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The two ends of the connection that was asked about; addresses are numeric."""

    host: str
    port: int
    local_host: str
    local_port: int


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns a connection. ``name`` is empty for a uid without an account; ``hidden``: does not want to be named."""

    uid: int
    name: str
    hidden: bool = False


FindOwner = Callable[[Ends], Owner | None]
"""Finds the owner of a connection; may block. ``None``: there is no such connection, or nobody owns it."""


def _random_name() -> str:
    return "".join(secrets.choice(ascii_lowercase) for _ in range(RANDOM_LENGTH))


class IdentMachine:
    """Answers queries one after another, in order, until the client is done or has had enough of them."""

    __slots__ = ("_asked", "_done", "_find", "_held", "_left", "_options", "_peer", "_random")

    def __init__(
        self, options: IdentOptions, find: FindOwner, random_name: Callable[[], str] = _random_name
    ) -> None:
        self._options = options
        self._find = find
        self._random = random_name
        self._peer = Peer("", 0, "", 0)
        self._held = b""
        self._left = options.queries
        self._asked: Query | None = None
        """The query whose owner is being looked up."""
        self._done = False
        """The client sends nothing more."""

    def handle(self, event: StreamEvent) -> Iterable[Action]:
        """Answer one event."""
        match event:
            case Connected():
                self._peer = event.peer
                return (SetTimer(self._options.query_timeout),)
            case Received():
                self._held += event.data
                return tuple(self._go_on())
            case Returned() | Raised():
                return tuple(self._looked_up(event))
            case Eof():
                self._done = True
                return tuple(self._go_on())
            case TimedOut():
                return () if self._asked else (Close(),)
            case _:
                return ()

    def _go_on(self) -> Iterator[Action]:
        """Answer what has come, until the system has to be asked or nothing is left."""
        while self._asked is None:
            line, newline, rest = self._held.partition(b"\n")
            if not newline or len(line) >= LINE_LIMIT:
                if self._done or len(line) >= LINE_LIMIT:
                    yield Close()
                return
            self._held = rest
            yield from self._answer(parse(line))
            if self._asked is None and self._left == 0:
                yield Close()
                return
        if len(self._held) > LINE_LIMIT:
            self._left, self._held = 0, b""  # more than anybody needs to ask at once: this answer is the last

    def _answer(self, query: Query) -> Iterator[Action]:
        self._left -= 1
        if query.valid and self._peer.host and self._options.reply in REAL:
            self._asked = query
            ends = Ends(self._peer.host, query.client_port, self._peer.local_host, query.server_port)
            yield Call(partial(self._find, ends))
        else:
            yield Send(self._reply_without_asking(query))
            yield SetTimer(self._options.query_timeout)

    def _reply_without_asking(self, query: Query) -> bytes:
        if not query.valid:
            return failure(query, Failure.INVALID_PORT)
        if self._options.reply is Reply.HIDDEN:
            return self._failure(query, Failure.HIDDEN_USER)
        if self._options.reply is Reply.RANDOM:
            return user_id(query, self._options.system_field, self._random())
        if self._options.fake_user is not None:
            return user_id(query, self._options.system_field, self._options.fake_user)
        return failure(query, Failure.UNKNOWN_ERROR)  # a Unix socket has no addresses to ask about

    def _looked_up(self, event: Returned | Raised) -> Iterator[Action]:
        query, self._asked = self._asked, None
        assert query is not None  # noqa: S101 - a call is answered once
        yield Send(self._reply(query, event))
        yield SetTimer(self._options.query_timeout)
        if self._left == 0:
            yield Close()
        else:
            yield from self._go_on()

    def _reply(self, query: Query, event: Returned | Raised) -> bytes:
        if isinstance(event, Raised):
            return failure(query, Failure.UNKNOWN_ERROR)
        owner = event.value
        if not isinstance(owner, Owner) or (not owner.name and self._options.reply is Reply.USER):
            return self._failure(query, Failure.NO_USER)
        if owner.hidden or owner.name in self._options.hidden_users:
            return self._failure(query, Failure.HIDDEN_USER)
        name = owner.name if self._options.reply is Reply.USER else str(owner.uid)
        return user_id(query, self._options.system_field, name)

    def _failure(self, query: Query, kind: Failure) -> bytes:
        return failure(query, Failure.UNKNOWN_ERROR if self._options.hide_errors else kind)
