"""The configuration *as used*: frozen, complete, checked. Supervisor, workers and launchers see only this."""

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from pydantic import BaseModel, ConfigDict, InstanceOf

from superd.config.origin import Origin
from superd.config.written import Written
from superd.service import Options


class Frozen(BaseModel):
    """A value that can't change once it has been derived."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Family(StrEnum):
    """Address families a service can listen in."""

    INET = "inet"
    INET6 = "inet6"
    UNIX = "unix"


class SocketType(StrEnum):
    """socket(2) types, by the names inetd.conf and xinetd.conf use."""

    STREAM = "stream"
    DGRAM = "dgram"
    SEQPACKET = "seqpacket"
    RAW = "raw"


class Endpoint(Frozen):
    """One address to bind. IPv6 endpoints are always IPv6-only; both families means two endpoints."""

    family: Family
    socket_type: SocketType
    protocol: str
    """Name in /etc/protocols: ``tcp``, ``udp``; empty for Unix sockets."""
    address: str
    """Numeric address (with ``%scope`` for link-local), ``0.0.0.0`` or ``::`` for any; a path for Unix sockets."""
    port: int = 0
    """0: the kernel picks one (and for Unix sockets)."""
    device: str = ""
    """Network interface to bind to (SO_BINDTODEVICE), when ``bind`` named one."""
    optional: bool = False
    """Skipped without an error when the machine lacks this family: the IPv6 half of a wildcard."""
    nodelay: bool = False
    keepalive: bool = False
    sndbuf: int | None = None
    rcvbuf: int | None = None
    owner: tuple[int, int] | None = None
    mode: int = 0o666

    def __str__(self) -> str:
        if self.family is Family.UNIX:
            return self.address
        host = f"[{self.address}]" if self.family is Family.INET6 else self.address
        device = f"%{self.device}" if self.device else ""
        return f"{host}{device}:{self.port}"


class Credentials(Frozen):
    """What a program runs as; equal credentials (and nice) share one launcher."""

    user: str
    """Login name, or the number as text when there is no such account."""
    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    """Supplementary groups, sorted; empty unless ``groups = yes``."""
    nice: int = 0


class ResourceLimit(Frozen):
    """One setrlimit(2) value, soft and hard alike; ``None`` is RLIM_INFINITY."""

    resource: Literal["AS", "CPU", "DATA", "NOFILE", "RSS", "STACK"]
    value: int | None


class Program(Frozen):
    """A server to start for a connection, a datagram, or a listening socket."""

    kind: Literal["program"] = "program"
    path: str
    argv: tuple[str, ...]
    """argv[0] first."""
    env: tuple[tuple[str, str], ...]
    """Base environment: ``passenv`` (or all of the daemon's) and ``env`` already merged."""
    credentials: Credentials
    umask: int
    limits: tuple[ResourceLimit, ...] = ()


class Builtin(Frozen):
    """A service answered in process; ``name`` is a key of ``superd.builtins.BUILTINS`` or an allowed extension."""

    kind: Literal["builtin"] = "builtin"
    name: str
    options: InstanceOf[Options]
    credentials: Credentials | None = None
    """The ``user`` it was configured with: its worker's user, for services that ask for a worker of their own."""


class Redirect(Frozen):
    """A connection passed on to another host."""

    kind: Literal["redirect"] = "redirect"
    host: str
    port: int
    credentials: Credentials


class AddressPattern(Frozen):
    """One word of only_from/no_access; exactly one of ``network`` and ``name`` is set.

    ``name`` is a host name, or a domain suffix starting with a dot; it needs a reverse lookup.
    """

    text: str
    origin: Origin
    network: IPv4Network | IPv6Network | None = None
    name: str = ""


class TimeSpan(Frozen):
    """One ``h:m-h:m`` of access_times in minutes of the local day; the end minute is included."""

    start: int
    end: int
    origin: Origin


class Access(Frozen):
    """Who may connect, and when. ``None`` for a list means it was not written; empty means it matches nobody."""

    only_from: tuple[AddressPattern, ...] | None = None
    no_access: tuple[AddressPattern, ...] | None = None
    only_from_origin: Origin | None = None
    """Where only_from was written: the rule behind a refusal that no pattern explains."""
    times: tuple[TimeSpan, ...] | None = None
    daemon: str = ""
    """Daemon name for hosts.allow/hosts.deny; empty: they are not asked (NOLIBWRAP, or an inetd.conf line
    without tcpd).
    """
    deny_minutes: int | None = None
    """deny_time of a sensor: minutes, -1 for ever, 0 never, ``None`` not written."""


class Rate(Frozen):
    """So many starts; over it the whole service pauses.

    ``window`` is in seconds. ``None`` means xinetd's own arithmetic for ``cps``, whose window is as many
    seconds as ``starts`` (reference: xinetd's documented 50 10 trips on the 51st start within a second).
    """

    starts: int
    window: int | None
    pause: int


class Limits(Frozen):
    """Bounds on load; ``None`` means unlimited."""

    instances: Written[int] | None = None
    per_source: Written[int] | None = None
    cps: Written[Rate] | None = None
    max_load: Written[float] | None = None
    source_rate: Written[int] | None = None
    """Connections per minute from one source; over it only that source is refused."""
    idle_timeout: float = 3600.0
    """Seconds without traffic after which a built-in's connection is closed."""


class SyslogTarget(Frozen):
    """``log_type = SYSLOG facility [level]``."""

    kind: Literal["syslog"] = "syslog"
    facility: str
    level: str = "info"


class FileTarget(Frozen):
    """``log_type = FILE path [soft [hard]]``; limits in bytes, ``None`` unlimited."""

    kind: Literal["file"] = "file"
    path: str
    soft: int | None = None
    hard: int | None = None


class ServiceLog(Frozen):
    """xinetd's own log of a service; without a target nothing is written (superd's event log is separate)."""

    target: SyslogTarget | FileTarget | None = None
    on_success: frozenset[Literal["PID", "HOST", "USERID", "EXIT", "DURATION", "TRAFFIC"]] = frozenset()
    on_failure: frozenset[Literal["HOST", "USERID", "ATTEMPT"]] = frozenset()


class Banners(Frozen):
    """Texts sent to a stream client, read when the configuration is loaded (at most ``BANNER_LIMIT`` bytes each)."""

    always: bytes = b""
    success: bytes = b""
    failure: bytes = b""


class Rpc(Frozen):
    """Sun RPC registration data."""

    number: int
    lowest: int
    highest: int


class Unsupported(Frozen):
    """Something the service needs and this version can't do yet; such a service is not started."""

    feature: str
    origin: Origin


class Service(Frozen):
    """One configured service."""

    key: str
    """Unique in the configuration: the id, with ``#2`` and so on where xinetd allows an id twice."""
    id: str
    name: str
    origin: Origin
    socket_type: SocketType
    wait: bool
    endpoints: tuple[Endpoint, ...]
    """Empty for TCPMUX clients, which have no port of their own."""
    action: Program | Builtin | Redirect
    access: Access = Access()
    limits: Limits = Limits()
    log: ServiceLog = ServiceLog()
    banners: Banners = Banners()
    rpc: Rpc | None = None
    tcpmux: Literal["", "plain", "plus"] = ""
    sensor: bool = False
    ident_required: bool = False
    """flags = IDONLY."""
    unsupported: tuple[Unsupported, ...] = ()


class Config(Frozen):
    """Everything that runs. Equal configurations need no reload."""

    services: tuple[Service, ...] = ()
    files: tuple[str, ...] = ()
    """Every file that was read, in order."""
    extensions: tuple[str, ...] = ()
    """Entry points allowed to add built-in services (``extensions`` in ``defaults``)."""
