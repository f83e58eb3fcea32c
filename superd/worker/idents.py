"""``Idents``: whose connection it is, for the service log (``USERID`` in log_on_success and log_on_failure).

An ident server only knows connections that are open, so it is asked at once, and a client that was admitted is held
for a moment: a short service would be over before the answer. xinetd holds it until the answer comes, 30 seconds at
most; where port 113 is filtered, and it mostly is, that is how long every client would wait.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from superd.access.verdict import Step
from superd.log.service import ServiceLogWriter
from superd.lookup.ident import Answer
from superd.worker.client import Client
from superd.worker.sources import Lookups

IDENT_GRACE: Final = 0.5
"""Seconds an admitted client is held for an answer. Less than a reload waits for clients that are not decided yet."""

HELD_LIMIT: Final = 256
"""Refused clients of a service that are held until somebody says who they are; of more nobody is asked."""

_REFUSED_WITHOUT_LOOKING: Final = frozenset(
    {Step.RATE, Step.LOAD, Step.TIME, Step.INSTANCES, Step.PROCESSES, Step.PER_SOURCE}
)
"""The refusals about which xinetd asks, where log_on_failure says so."""


class Idents:
    """Asks about the clients of one service, if its log wants that (``wanted``); ``held`` clients wait for it."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, lookups: Callable[[], Lookups], writer: ServiceLogWriter
    ) -> None:
        self._loop = loop
        self._lookups = lookups
        self._writer = writer
        self._of_admitted = writer.wants_user(admitted=True)
        self._of_refused = writer.wants_user(admitted=False)
        self.wanted = self._of_admitted or self._of_refused
        self._asking: set[asyncio.Task[Answer]] = set()
        self.held = 0

    def wants(self, client: Client) -> bool:
        """Whether somebody has to be asked about a client that was decided about."""
        if client.ident is not None:
            return False
        if client.verdict.allowed:
            return self._of_admitted
        return self._of_refused and client.verdict.step in _REFUSED_WITHOUT_LOOKING and self.held < HELD_LIMIT

    def hold(self, client: Client, then: Callable[[], None]) -> None:
        """Ask, and go on when the answer is there; with an admitted client after ``IDENT_GRACE`` in any case."""
        self.held += 1
        client.asking = task = self._loop.create_task(self._ask(client))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        release = _Once(partial(self._release, then))
        task.add_done_callback(release)
        if client.verdict.allowed:
            self._loop.call_later(IDENT_GRACE, release)

    def record(self, client: Client) -> None:
        """Write who it is after the START or FAIL line, now or when it is known."""
        if client.asking is not None:
            client.asking.add_done_callback(lambda _task: self._write(client))
        else:
            self._write(client)

    def close(self) -> None:
        """Ask no more."""
        for task in self._asking:
            task.cancel()

    async def _ask(self, client: Client) -> Answer:
        client.ident = await self._lookups().ident.user(client.peer)
        return client.ident

    def _release(self, then: Callable[[], None]) -> None:
        self.held -= 1
        then()

    def _write(self, client: Client) -> None:
        wanted = self._of_admitted if client.verdict.allowed else self._of_refused
        if wanted and client.ident is not None and client.ident.text:
            self._writer.user(client.ident.text)


class _Once:
    """Calls a function the first time it is called."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def __call__(self, *_: object) -> None:
        """Call it, unless that has happened."""
        call, self._call = self._call, None
        if call is not None:
            call()
