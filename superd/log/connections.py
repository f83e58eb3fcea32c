"""``ConnectionLog``: the events of one service's connections, which are most of what is ever logged.

They go the ordinary way through structlog, except the usual start and end in logfmt or JSON lines: those are filled
into a template that the renderer made once, because the ordinary way costs more than serving a short connection does.
"""

import time
from collections.abc import Mapping
from typing import Final, NamedTuple

import structlog

from superd.log import events
from superd.log.configure import enabled, fill, template
from superd.service import Peer

_PEER: Final = ("conn", "service", "peer", "peer_port", "local", "local_port")
_ENDS: Final = {
    "program": (*_PEER, "pid", "duration", "status"),
    "builtin": (*_PEER, "duration", "bytes_in", "bytes_out"),
    "measured": (*_PEER, "duration", "bytes_in", "bytes_out", "rate"),
}


REFUSALS_LIMIT: Final = 256
"""Rules whose refusals a service has a template for; over it all are made anew."""


class Told(NamedTuple):
    """What there is to say about an admitted client beside who it is.

    ``found`` is what was found out (``name``, ``user``, ``severity``), as keys of an event; ``level`` is the one that a
    rule wants the event to have, empty for the usual one.
    """

    rule: str
    found: Mapping[str, str]
    level: str = ""


log = structlog.get_logger()


class ConnectionLog:
    """Logs starts and ends of a service's connections; ``service`` is its key. To be made after ``configure``.

    ``measured``: ends of built-ins have a ``rate``, the bytes per second of the direction that carried more.
    """

    __slots__ = (
        "_builtin_end", "_measured", "_on", "_program_end", "_program_start", "_refusals", "_service", "_start",
        "_warns",
    )  # fmt: skip

    def __init__(self, service: str, *, measured: bool = False) -> None:
        self._service = service
        self._measured = measured
        self._on = enabled("info")
        self._warns = enabled("warning")
        self._refusals: dict[tuple[str, str], str | None] = {}
        known = {"service": service}
        self._start = template(events.CONNECTION_START, _PEER, known)
        self._program_start = template(events.CONNECTION_START, (*_PEER, "pid"), known)
        self._program_end = template(events.CONNECTION_END, _ENDS["program"], known)
        self._builtin_end = template(
            events.CONNECTION_END, _ENDS["measured" if measured else "builtin"], known
        )

    def start(self, conn: int, peer: Peer, told: Told | None) -> None:
        """A built-in serves a client."""
        if not self._on:
            return
        if self._start and peer.port and told is None:
            fill(self._start, (conn, peer.host, peer.port, peer.local_host, peer.local_port))
        else:
            self._tell(told, self._facts(conn, peer))

    def program_start(self, conn: int, peer: Peer, told: Told | None, pid: int) -> None:
        """A program was started for a client."""
        if not self._on:
            return
        if self._program_start and peer.port and peer.local_port and told is None:
            place = (conn, peer.host, peer.port, peer.local_host, peer.local_port)
            fill(self._program_start, (*place, pid))
        else:
            self._tell(told, self._facts(conn, peer) | {"pid": pid})

    def _tell(self, told: Told | None, facts: dict[str, str | int]) -> None:
        rule, found, level = told or Told("", {})
        write = getattr(log, level or "info")
        write(events.CONNECTION_START, **facts, **found, **_why(rule))

    def refused(self, conn: int, peer: Peer, step: str, told: Told) -> None:
        """A client was not admitted, at this step, by the rule that ``told`` names."""
        if told.found or not (peer.port and peer.local_port):
            write = getattr(log, told.level or "warning")
            why = {"step": step, **_why(told.rule)}
            write(events.CONNECTION_REFUSED, **self._facts(conn, peer), **told.found, **why)
        elif self._warns:
            self._refused(conn, peer, step, told.rule)

    def _refused(self, conn: int, peer: Peer, step: str, rule: str) -> None:
        """The usual case: the rules that refuse are few, and most refusals come in floods."""
        if (step, rule) not in self._refusals:
            if len(self._refusals) >= REFUSALS_LIMIT:
                self._refusals.clear()
            known = {"service": self._service, "step": step, **_why(rule)}
            keys = (*_PEER, "step", *_why(rule))
            self._refusals[step, rule] = template(events.CONNECTION_REFUSED, keys, known, "warning")
        line = self._refusals[step, rule]
        if line:
            fill(line, (conn, peer.host, peer.port, peer.local_host, peer.local_port))
        else:
            log.warning(events.CONNECTION_REFUSED, **self._facts(conn, peer), step=step, **_why(rule))

    def end(
        self, conn: int, peer: Peer, started: float, *, bytes_in: int, bytes_out: int, reason: str = ""
    ) -> None:
        """A built-in's connection is over; ``started`` is CLOCK_MONOTONIC in seconds."""
        if not self._on:
            return
        exact = time.monotonic() - started
        duration = events.seconds(exact)
        counts = {"duration": duration, "bytes_in": bytes_in, "bytes_out": bytes_out}
        if self._measured:
            counts["rate"] = round(max(bytes_in, bytes_out) / exact) if exact > 0 else 0
        if self._builtin_end and peer.port and not reason:
            place = (conn, peer.host, peer.port, peer.local_host, peer.local_port)
            fill(self._builtin_end, (*place, *counts.values()))
            return
        why = {"reason": reason} if reason else {}
        log.info(events.CONNECTION_END, **self._facts(conn, peer), **counts, **why)

    def program_end(
        self, conn: int, peer: Peer, pid: int, duration: float, ending: dict[str, int | str]
    ) -> None:
        """A program is over; ``ending`` is its ``status`` or ``signal``, or the ``reason`` why neither is known."""
        if not self._on:
            return
        length = events.seconds(duration)
        if self._program_end and peer.port and peer.local_port and "status" in ending:
            place = (conn, peer.host, peer.port, peer.local_host, peer.local_port)
            fill(self._program_end, (*place, pid, length, ending["status"]))
        else:
            log.info(events.CONNECTION_END, **self._facts(conn, peer), pid=pid, duration=length, **ending)

    def _facts(self, conn: int, peer: Peer) -> dict[str, str | int]:
        return {"conn": events.connection_id(conn), "service": self._service, **facts(peer)}


def facts(peer: Peer) -> dict[str, str | int]:
    """The keys ``peer``, ``peer_port``, ``local`` and ``local_port``, without those that mean nothing here."""
    found: dict[str, str | int] = {}
    if peer.host:
        found |= {"peer": peer.host, "peer_port": peer.port}
    if peer.local_host:
        found["local"] = peer.local_host
    if peer.local_port:
        found["local_port"] = peer.local_port
    return found


def _why(rule: str) -> dict[str, str]:
    return {"rule": rule} if rule else {}
