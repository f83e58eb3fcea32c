"""What the supervisor hands to a process it forks: everything a worker or a launcher will ever be given.

The supervisor has imported every module before it forks, so a child needs no file of the interpreter after it has
dropped its privileges.
"""

import socket
from dataclasses import dataclass, field
from pathlib import Path

from superd.access.bans import Ban
from superd.config.model import Credentials, Endpoint, Service
from superd.log.files import LogFiles
from superd.privsep.channel import Channel


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound socket of a service. Stream sockets listen already; only those of wait programs block."""

    service: str
    """``Service.key``."""
    endpoint: Endpoint
    socket: socket.socket


@dataclass(frozen=True, slots=True)
class WorkerStart:
    """One worker's part."""

    name: str
    """``common``, or the service key for a worker of its own."""
    generation: int
    """Counts workers of the whole daemon; the upper bits of connection ids, which are unique therefore."""
    services: tuple[Service, ...]
    listeners: tuple[Listener, ...]
    supervisor: Channel
    credentials: Credentials | None
    """What to drop to; ``None`` when started without root: everything keeps the caller's ids."""
    hosts_allow: Path
    hosts_deny: Path
    logs: LogFiles
    launchers: dict[str, Channel] = field(default_factory=dict)
    """Channel per launcher name."""
    launchers_of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the launchers that can start its program, or its rules' commands, per service key."""
    packets: dict[str, socket.socket] = field(default_factory=dict)
    """Sockets that send frames, by the key of the service they were opened for (``superd/net/link_packet.py``)."""
    bans: tuple[Ban, ...] = ()
    """Who is banned already; what follows comes as messages."""
    drain_timeout: float = 30.0
    """Seconds a draining worker waits for its built-in connections before it closes them."""


@dataclass(frozen=True, slots=True)
class LauncherStart:
    """One launcher's part."""

    name: str
    credentials: Credentials
    drop: bool
    """False when started without root: nothing can be or needs to be dropped."""
    services: tuple[Service, ...]
    """Services whose program has these credentials, and built-ins whose rules' commands do."""
    supervisor: Channel
    hosts_allow: Path
    hosts_deny: Path
