"""The contract between the daemon and a built-in service; TFTP, mail and third parties use this and nothing else.

A service is described by one frozen ``BuiltinService`` value. For each connection (once per socket for datagrams,
once per conversation for transfers) the daemon asks it for a *machine*: an object that turns events into actions and
knows no socket, clock, file or event loop. The daemon feeds events in order and carries the actions out in order; it
owns time-outs, limits, logs and access control.

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

Rules for transfers, conversations that each have a port of their own (TFTP):
- what comes to the service's port and is no request by ``TransferService.is_request`` is never answered, nor counted.
  For a request of a client that is admitted, ``request`` gives a ``Transfer``, one answer (an error), or ``None`` for
  what is to be ignored. A client that is refused gets silence;
- the first event of a transfer is ``Begun``; ``Received`` is one whole datagram of its peer, and of nobody else.
  Requests that the peer repeats meanwhile start nothing and are thrown away, unless it has been silent so long that
  it must have begun anew; the old transfer is then closed;
- ``Unreachable`` says that the peer's host has nobody at that port any more (ICMP); the machine may go on;
- each ``Send`` is one datagram; there is no ``Drained``: what the network does not take is lost, as datagrams are;
- ``Call``, ``SetTimer`` and their answers are as for streams. The daemon has no time-out of its own for transfers: a
  machine always waits for a timer, or for a call;
- after ``Finish`` no event comes, unless it dallies. ``close`` is called once, at the end, however it came about;
  ``about`` is asked for at the start and at the end, for the log;
- a transfer may read an open regular file in ``handle``, because a page cache answers that; everything else that blocks
  (to find, open, write, sync or rename a file) needs a ``Call``.

Rules for link machines, for datagram protocols whose clients may have no address yet (BOOTP, DHCP); one machine for
each configured service:
- ``LinkDatagram`` says by which interface it came; ``peer.host`` may be 0.0.0.0, ``peer.local_host`` 255.255.255.255.
  Whoever sends from an address is judged by it, everybody without one by 0.0.0.0; the machine gets what was admitted;
- at most one ``SendTo``, ``SendBroadcast`` or ``SendFrame`` answers it, from the port it came to and from our address
  on its link. Nothing is sent by a link on which we have none. Longer answers than questions are sent to one address
  a bounded number of times; it is the protocol that must see to it that an answer is never answered;
- ``Note`` comes after what it is about: the log says how that was delivered, or why it could not be;
- the machine never blocks for long: it may look at the date of a small file of the administrator's and read it again,
  at most once a second.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
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


@dataclass(frozen=True, slots=True)
class Begun:
    """The client was admitted and its transfer has a socket.

    ``payload`` are the bytes of the largest datagram that reaches it in one piece, as far as this host knows.
    """

    payload: int


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The peer's host says that nobody listens at its port."""


class Outcome(StrEnum):
    """How a transfer ended; the values are those of the log's ``outcome``."""

    DONE = "done"
    PROBED = "probed"
    """The client only wanted to know something (the size of a file) and broke off, as agreed."""
    REFUSED = "refused"
    """The service said no: no such file, not allowed."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finish:
    """The transfer is over. ``reason`` is one plain phrase, empty when there is nothing to explain.

    ``dally``: the peer may not know yet; events go on until a second ``Finish``, but nobody waits for it any more.
    """

    outcome: Outcome
    reason: str = ""
    dally: bool = False


TransferEvent = Begun | Received | TimedOut | Returned | Raised | Unreachable
TransferAction = Send | SetTimer | Call | Finish


@dataclass(frozen=True, slots=True)
class Link:
    """The interface a datagram came in by; our hardware address, IPv4 address and prefix length there, or nothing."""

    index: int
    name: str
    hardware: bytes
    address: str
    prefix: int


@dataclass(frozen=True, slots=True)
class LinkDatagram(Datagram):
    """One datagram, and the link it came in by."""

    link: Link


@dataclass(frozen=True, slots=True)
class SendTo:
    """Send these bytes to a host that can be reached by its address."""

    data: bytes
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class SendBroadcast:
    """Send these bytes to everybody on the link (255.255.255.255)."""

    data: bytes
    port: int


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Send these bytes to the hardware address of a client that is to have ``host``; if that can't be, to everybody."""

    data: bytes
    hardware: bytes
    host: str
    port: int


class Remark(StrEnum):
    """What a ``Note`` tells; the log has it at the levels info, debug and warning."""

    ANSWERED = "answered"
    IGNORED = "ignored"
    PROBLEM = "problem"
    """Something an administrator has to mend (a broken table, an option that finds no room)."""


@dataclass(frozen=True, slots=True)
class Note:
    """One line for the log; ``about`` are keys of the event (``superd/log/events.py``)."""

    remark: Remark
    about: Mapping[str, str | int]


LinkAction = SendTo | SendBroadcast | SendFrame | Note


class StreamMachine(Protocol):
    """Sans-I/O core of one connection."""

    def handle(self, event: StreamEvent) -> Iterable[Action]:
        """Answer one event."""


class DatagramMachine(Protocol):
    """Sans-I/O core of one datagram socket."""

    def handle(self, event: Datagram) -> Iterable[Send]:
        """Answer one datagram, with at most one ``Send``."""


class Transfer(Protocol):
    """Sans-I/O core of one conversation."""

    @property
    def about(self) -> Mapping[str, str | int]:
        """What the log's lines about it say beside who and when; keys of an event (``superd/log/events.py``)."""

    def handle(self, event: TransferEvent) -> Iterable[TransferAction]:
        """Answer one event."""

    def close(self) -> None:
        """Let go of what it holds (open files); must not raise, nor wait for anything."""


@dataclass(frozen=True, slots=True)
class TransferSettings:
    """How the daemon is to run the transfers of a service.

    ``ports``: first and last of the local ports to use, ``None``: any. ``single_port``: all are carried on from the
    service's own port. ``broadcast``: requests sent to a broadcast address are answered.
    ``limit``: transfers at a time; ``source_limit``: those of one client address (IPv6: one network of 64 bits).
    """

    ports: tuple[int, int] | None = None
    single_port: bool = False
    broadcast: bool = False
    limit: int = 1024
    source_limit: int = 256


class TransferService(Protocol):
    """Turns requests into conversations; one for each configured service."""

    @property
    def settings(self) -> TransferSettings:
        """How its transfers are to be run."""

    def is_request(self, data: bytes) -> bool:
        """Tell whether a datagram that came to the service's port means to begin a conversation."""

    def request(self, datagram: Datagram) -> Transfer | Send | None:
        """Begin what an admitted client asks for: a conversation, one answer, or silence."""


class LinkMachine(Protocol):
    """Sans-I/O core of a service whose clients may have no address yet."""

    def handle(self, event: LinkDatagram) -> Iterable[LinkAction]:
        """Answer one datagram."""


@dataclass(frozen=True, slots=True)
class FileProblem:
    """What is wrong in a file that a service's options name; ``line`` is 0 for the file as a whole."""

    path: str
    line: int
    text: str


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
    transfers: Callable[[Options], TransferService] | None = None
    """For datagram protocols whose every request gets a conversation of its own; instead of ``datagram``."""
    links: Callable[[Options], LinkMachine] | None = None
    """For datagram protocols whose clients may have no address yet; instead of ``datagram``."""
    frames: Callable[[Options], bool] | None = None
    """Tells whether its machine with these options sends frames (``SendFrame``), for which root opens a socket."""
    problems: Callable[[Options], Iterable[FileProblem]] | None = None
    """Tells what is wrong in files that these options name and the machine reads by itself."""
    amplifies: bool = False
    """Its datagram protocol answers with more than it was asked with; replies are then limited per source."""
    measures: bool = False
    """A tool to measure a network with: the end of each connection is logged with its ``rate``."""
    own_worker: bool = False
    """Runs in a worker of its own, under the stanza's ``user`` (TFTP, mail); the others share the common worker."""
