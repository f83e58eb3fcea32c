"""``Channel``: c-ares in an event loop; questions to name servers, and when each of them has ended.

c-ares keeps its own sockets, one per server as a rule, and says which to watch. It gives up on a question by
itself; a question can't be taken back, so who asks has to bound how many there are. All its callbacks come in
the event loop's thread.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pycares

from superd.lookup.records import Record

SPAN: Final = 0.25
"""Seconds before the next server, or the same again, is asked; twice as many in each further round.

c-ares learns from servers that usually answer fast to wait no longer than this, so the rounds have to be many
enough for a name that takes a server seconds to find out."""

_TRIES: Final = {1: 5, 2: 4}
_TRIES_OF_MANY: Final = 3
"""Rounds, by the number of servers: 5 to 8 seconds in all."""

TICK: Final = 0.1
"""Seconds between two looks at what has timed out, while there are questions."""

CANCELLED: Final = pycares.errno.ARES_ECANCELLED

_FLAGS: Final = pycares.ARES_FLAG_EDNS | pycares.ARES_FLAG_NOALIASES
"""EDNS as c-ares does by default. No HOSTALIASES: an environment variable must not rename hosts."""

_TYPES: Final = {
    "A": pycares.QUERY_TYPE_A,
    "AAAA": pycares.QUERY_TYPE_AAAA,
    "CNAME": pycares.QUERY_TYPE_CNAME,
    "PTR": pycares.QUERY_TYPE_PTR,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """How a question ended: with records, or with a code of c-ares."""

    records: Sequence[Record] = ()
    error: int | None = None


class Channel:
    """c-ares with one reading of resolv.conf(5).

    ``servers`` (HOST:PORT) replace those of resolv.conf(5). Raises OSError or RuntimeError when the system lacks
    descriptors, memory or threads.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, servers: Sequence[str] | None = None) -> None:
        self._loop = loop
        self._asked: dict[asyncio.Future[Reply], float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        tries = _TRIES.get(len(servers or _configured_servers()), _TRIES_OF_MANY)
        self._ares = _open(timeout=SPAN, tries=tries, servers=servers, sock_state_cb=self._watch)

    @property
    def age(self) -> float:
        """Seconds since the oldest question that has not ended was asked; 0 without one."""
        oldest = next(iter(self._asked.values()), None)
        return 0.0 if oldest is None else self._loop.time() - oldest

    def ask(self, name: str, kind: str, *, search: bool = False) -> asyncio.Future[Reply]:
        """Ask, with the search list of resolv.conf(5) if ``search``; the future never has an exception.

        It must not be cancelled (shield it): it is done when c-ares has let go of the question.
        """
        answer: asyncio.Future[Reply] = self._loop.create_future()

        def end(result: pycares.DNSResult | None, error: int | None) -> None:
            self._asked.pop(answer, None)
            if not answer.done():
                answer.set_result(Reply(_records(result), error))

        try:
            (self._ares.search if search else self._ares.query)(name, _TYPES[kind], callback=end)
        except pycares.AresError as error:
            end(None, error.args[0])
        if not answer.done():  # c-ares may know already
            self._asked[answer] = self._loop.time()
        if self._asked and self._timer is None:
            self._timer = self._loop.call_later(TICK, self._tick)
        return answer

    def close(self) -> None:
        """End every question with ``CANCELLED``; c-ares closes a socket with its last question."""
        if self._closed:
            return
        self._ares.cancel()
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._ares.close()  # a thread of pycares frees the memory

    def _watch(self, fd: int, readable: bool, writable: bool) -> None:
        """Watch a socket of c-ares from now on, or no longer: then it is about to be closed."""
        if self._closed:
            return  # in the thread that frees the memory
        none = pycares.ARES_SOCKET_BAD
        if readable:
            self._loop.add_reader(fd, self._ares.process_fd, fd, none)
        else:
            self._loop.remove_reader(fd)
        if writable:
            self._loop.add_writer(fd, self._ares.process_fd, none, fd)
        else:
            self._loop.remove_writer(fd)

    def _tick(self) -> None:
        self._timer = None
        self._ares.process_fd(pycares.ARES_SOCKET_BAD, pycares.ARES_SOCKET_BAD)
        if self._asked and self._timer is None and not self._closed:
            self._timer = self._loop.call_later(TICK, self._tick)


def _open(**options: Any) -> pycares.Channel:
    try:
        return pycares.Channel(flags=_FLAGS, **options)
    except pycares.AresError as error:
        raise OSError(str(error)) from error


def _configured_servers() -> list[str]:
    """The servers c-ares finds in resolv.conf(5); without any it is 127.0.0.1, as resolv.conf(5) says."""
    probe = _open(sock_state_cb=lambda *_: None)
    try:
        return probe.servers
    finally:
        probe.close()


def _records(result: pycares.DNSResult | None) -> tuple[Record, ...]:
    """The records of the answer section that we know; a name that is not ASCII is none of ours."""
    kinds = {
        pycares.ARecordData: ("A", "addr"),
        pycares.AAAARecordData: ("AAAA", "addr"),
        pycares.CNAMERecordData: ("CNAME", "cname"),
        pycares.PTRRecordData: ("PTR", "dname"),
    }
    found = []
    for record in result.answer if result else ():
        kind, field = kinds.get(type(record.data), ("", ""))
        data = getattr(record.data, field) if kind else None
        if isinstance(data, str) and isinstance(record.name, str):
            found.append(Record(record.name, kind, data, record.ttl))
    return tuple(found)
