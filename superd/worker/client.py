"""``Client``: somebody who wants to be served, with what admission decided and what was found out."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from superd.access.facts import ClientFacts
from superd.access.verdict import ALLOWED, Verdict
from superd.log import events
from superd.log.connections import Told
from superd.lookup.ident import Answer
from superd.service import Peer

LEVELS: Final = {
    "emerg": "error", "alert": "error", "crit": "error", "err": "error", "warning": "warning",
    "notice": "info", "info": "info", "debug": "debug",
}  # fmt: skip
"""The event log's level for each of syslog(3)'s, which the ``severity`` option of hosts_options(5) names."""


@dataclass(slots=True)
class Client:
    """One connection or datagram. ``facts`` is ``None`` when nothing had to be found out.

    ``ident`` is what its ident server said, ``asking`` the question that is under way.
    """

    peer: Peer
    conn: int
    verdict: Verdict
    facts: ClientFacts | None = None
    ident: Answer | None = None
    asking: "asyncio.Task[Answer] | None" = None

    @property
    def rule(self) -> str:
        """The rule that decided, as ``file:line: text``."""
        return events.rule(self.verdict)

    @property
    def told(self) -> Told | None:
        """What the log has to say about it; ``None`` in the usual case that nothing had to be found out."""
        if self.verdict is ALLOWED and self.ident is None:
            return None
        return Told(self.rule, self.found, self.level)

    @property
    def found(self) -> dict[str, str]:
        """What was found out, and the severity a rule wants, as keys of an event."""
        known = {} if self.facts is None else {"name": self.facts.found_name, "user": self.facts.found_user}
        if self.ident is not None:
            known["user"] = self.ident.user
        known["severity"] = next(self.values("severity"), None)
        return {key: value for key, value in known.items() if value is not None}

    @property
    def level(self) -> str:
        """The level that a rule's severity stands for; empty without one."""
        severity = next(self.values("severity"), "")
        return LEVELS[severity.rpartition(".")[2].lower()] if severity else ""

    @property
    def banner(self) -> bytes:
        """What rules want sent first."""
        return "".join(self.values("banners")).encode("latin-1", "replace")

    def tune(self, sock: socket.socket) -> None:
        """Set what rules want set on a connection. Raises OSError.

        ``linger`` is left out: Linux delivers what was sent after a close(2) in any case (socket(7)), and the option
        would only block whoever of worker, launcher and program happens to close last.
        """
        for _ in self.values("keepalive"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def values(self, option: str) -> Iterator[str]:
        """The values of the options of this name that were reached, the last one first."""
        return (effect.text for effect in reversed(self.verdict.effects) if effect.option.name == option)
