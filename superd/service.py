"""The contract between the daemon and a built-in service; TFTP, mail and third parties use this and nothing else.

A service is described by one frozen ``BuiltinService`` value. For each connection (or once per socket, for
datagrams) the daemon asks it for a *machine*: an object that turns events into actions and knows no socket,
clock, file or event loop. The daemon feeds events in order and carries the actions out in order; it owns
time-outs, limits, logs and access control.

Rules for stream machines:
- the first event is ``Connected``; after returning ``Close`` no further event comes;
- after ``Eof`` the client sends nothing more but can still read; a machine that has nothing to add returns ``Close``;
- ``Drained`` comes each time everything sent so far has left for the kernel, so a machine that sends without end
  (chargen) sends its next piece then, and never more than it is asked for;
- received data comes in pieces of at most ``RECEIVE_SIZE`` bytes; while a peer does not read what was sent to it, and
  more than ``SEND_LIMIT`` bytes wait, nothing more is received from it;
- what blocks (files, accounts, /proc, netlink, a name look-up) is asked for with ``Call``: a thread of the service's
  own does it, and exactly one ``Returned`` or ``Raised`` answers. Each connection has at most one call under way.
  Meanwhile events go on, ``Received`` until about ``CALL_RECEIVE_LIMIT`` bytes have come. When the connection ends
  first, nobody is told what the call gives;
- ``SetTimer`` sets the connection's one timer, ``TimedOut`` says that it fired. What a service promises by the clock (a
  whole request within so many seconds) is its own business; the daemon's idle time-out counts silence alone, and not
  that of a call.

The work of a ``Call`` runs beside the machine: give it values (``functools.partial``), not the machine itself. Modules
that do such work are named ``system`` or are in a package of that name; no other of a service touches the system. They
import everything at their top, because a worker may be unable to read the interpreter's files later.

Rules for datagram machines: one ``Datagram`` in, at most one ``Send`` out. Replies longer than the request are dropped
unless the service declares ``amplifies``, and are then limited per source; source ports that could loop are
never answered.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from pydantic import BaseModel, ConfigDict

RECEIVE_SIZE: Final = 65536
"""Bytes read from a connection at a time."""

SEND_LIMIT: Final = 262144
"""Bytes waiting for a slow reader over which nothing more is read from it."""

CALL_DEADLINE: Final = 10.0
"""Seconds after which a call that has not been answered is given up: longer than a healthy disk or name server takes,
shorter than a person waits. Its thread may hang on; see ``superd/worker/calls.py``."""

CALL_RECEIVE_LIMIT: Final = 65536
"""Bytes received while a call is under way over which nothing more is read: one full piece, so that pipelined requests
(SMTP, ident) don't stall, and nobody can fill memory behind a slow disk."""


class Options(BaseModel):
    """Base of a service's own options; the fields are the attributes allowed in its stanza beside the common ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, and where it reached us. Addresses are numeric; IPv4 is never written as mapped IPv6.

    For Unix sockets ``host`` is empty, ``port`` 0 and ``local_host`` the socket's path.
    """

    host: str
    port: int
    local_host: str
    local_port: int


@dataclass(frozen=True, slots=True)
class Connected:
    """The client was admitted. ``now`` is the wall clock in seconds since the epoch."""

    peer: Peer
    now: float


@dataclass(frozen=True, slots=True)
class Received:
    """The client sent these bytes (never empty)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Eof:
    """The client will send nothing more."""


@dataclass(frozen=True, slots=True)
class Drained:
    """Everything sent so far has left for the kernel."""


@dataclass(frozen=True, slots=True)
class Returned:
    """The call has been done, and this is what its work returned."""

    value: object


@dataclass(frozen=True, slots=True)
class Raised:
    """The call failed: its work raised this, or it was given up.

    ``TimeoutError``: not answered within ``CALL_DEADLINE`` seconds. ``BlockingIOError``: too many calls of the service
    wait already, or every thread it may have hangs; the client had better come again later.
    """

    error: Exception


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The time set with ``SetTimer`` is over."""


StreamEvent = Connected | Received | Eof | Drained | Returned | Raised | TimedOut


@dataclass(frozen=True, slots=True)
class Datagram:
    """One datagram, possibly empty. ``now`` is the wall clock in seconds since the epoch."""

    data: bytes
    peer: Peer
    now: float


@dataclass(frozen=True, slots=True)
class Send:
    """Send these bytes to the client."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection once everything sent has left."""


@dataclass(frozen=True, slots=True)
class Call:
    """Do this work, which may block, in a thread; ``Returned`` or ``Raised`` answers.

    It must not be asked for while another call of the connection is under way.
    """

    work: Callable[[], object]


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Say ``TimedOut`` in this many seconds from now, instead of whenever it would have been; 0: not at all."""

    seconds: float


Action = Send | Close | Call | SetTimer


class StreamMachine(Protocol):
    """Sans-I/O core of one connection."""

    def handle(self, event: StreamEvent) -> Iterable[Action]:
        """Answer one event."""


class DatagramMachine(Protocol):
    """Sans-I/O core of one datagram socket."""

    def handle(self, event: Datagram) -> Iterable[Send]:
        """Answer one datagram, with at most one ``Send``."""


@dataclass(frozen=True, slots=True)
class BuiltinService:
    """A built-in service: what it is called, what may be configured, and how to make its machines."""

    name: str
    """The key in the table of built-ins, and the service's official name (services(5))."""
    summary: str
    """One line for ``superd list`` and the manual."""
    options: type[Options] = Options
    stream: Callable[[Options], StreamMachine] | None = None
    """Makes the machine of one connection; ``None``: not offered over streams."""
    datagram: Callable[[Options], DatagramMachine] | None = None
    amplifies: bool = False
    """Its datagram protocol answers with more than it was asked with; replies are then limited per source."""
    measures: bool = False
    """A tool to measure a network with: the end of each connection is logged with its ``rate``."""
    own_worker: bool = False
    """Runs in a worker of its own, under the stanza's ``user`` (TFTP, mail); the others share the common worker."""
