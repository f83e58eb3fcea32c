"""The configuration *as used*: frozen, complete, checked. Supervisor, workers and launchers see only this."""

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Final, Literal

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


class Sensor(Frozen):
    """Nothing: who connects is refused and, for ``Access.deny_minutes``, banned from every service."""

    kind: Literal["sensor"] = "sensor"
    credentials: None = None


class AddressPattern(Frozen):
    """One word of only_from/no_access; exactly one of ``network`` and ``name`` is set.

    ``name`` is a host name, or a domain suffix starting with a dot; it needs a reverse lookup.
    """

    text: str
    origin: Origin
    network: IPv4Network | IPv6Network | None = None
    name: str = ""


EVERY_DAY: Final = (0, 1, 2, 3, 4, 5, 6)
"""Days of the week as time.localtime() counts them: Monday is 0."""


class TimeSpan(Frozen):
    """One word of access_times, in minutes of the local day; the end minute is included.

    With ``end`` before ``start`` it runs past midnight, and belongs to the day on which it began.
    """

    start: int
    end: int
    origin: Origin
    days: tuple[int, ...] = EVERY_DAY

    def __str__(self) -> str:
        clock = "{}:{:02}-{}:{:02}".format(*divmod(self.start, 60), *divmod(self.end, 60))
        return clock if self.days == EVERY_DAY else f"{_written_days(self.days)}@{clock}"


DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _written_days(days: tuple[int, ...]) -> str:
    """Write days as access_times has them, three and more in a row as a range."""
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return f"{DAYS[days[0]]}-{DAYS[days[-1]]}"
    return ",".join(DAYS[day] for day in days)


LOOKUP_SECONDS: Final = 5.0
"""The longest time that looking up the names of a client takes, unless ``lookup_timeout`` says otherwise."""


class Access(Frozen):
    """Who may connect, and when. ``None`` for a list means it was not written; empty means it matches nobody."""

    only_from: tuple[AddressPattern, ...] | None = None
    no_access: tuple[AddressPattern, ...] | None = None
    only_from_origin: Origin | None = None
    """Where only_from was written: the rule behind a refusal that no pattern explains."""
    most_specific: bool = False
    """address_rule: a client on both lists is in if its entry in only_from is the more specific one."""
    times: tuple[TimeSpan, ...] | None = None
    daemon: str = ""
    """Daemon name for hosts.allow/hosts.deny; empty: they are not asked (NOLIBWRAP, a sensor, or an inetd.conf line
    without tcpd).
    """
    paranoid: Origin | None = None
    """Where ``paranoid = yes`` was written: a client whose name and address disagree is refused."""
    lookup_seconds: float = LOOKUP_SECONDS
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


class SourcePrefix(Frozen):
    """How many leading bits of an address tell one source from another."""

    ipv4: int = 32
    ipv6: int = 64

    def __str__(self) -> str:
        """What stands behind the number in ``per_source``; empty for the usual prefix."""
        ipv6 = f"/{self.ipv6}" if self.ipv6 != 64 else ""
        return f"/{self.ipv4}{ipv6}" if ipv6 or self.ipv4 != 32 else ""


class SourceRate(Frozen):
    """So many attempts of one source in ``period`` seconds, and ``burst`` of them at once."""

    count: int
    period: int
    burst: int

    def __str__(self) -> str:
        unit = next(unit for unit, seconds in UNITS.items() if seconds == self.period)
        return f"{self.count}/{unit} burst {self.burst}"


UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
"""Units of ``rate`` in seconds."""


class Limits(Frozen):
    """Bounds on load; ``None`` means unlimited."""

    instances: Written[int] | None = None
    per_source: Written[int] | None = None
    per_source_prefix: SourcePrefix = SourcePrefix()
    cps: Written[Rate] | None = None
    max_load: Written[float] | None = None
    source_rates: tuple[Written[SourceRate], ...] = ()
    """Each bounds every source by itself; over one of them only that source is refused."""
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
    action: Program | Builtin | Redirect | Sensor
    access: Access = Access()
    limits: Limits = Limits()
    log: ServiceLog = ServiceLog()
    banners: Banners = Banners()
    rpc: Rpc | None = None
    tcpmux: Literal["", "plain", "plus"] = ""
    ident_required: bool = False
    """flags = IDONLY."""
    unsupported: tuple[Unsupported, ...] = ()

    @property
    def sensor(self) -> bool:
        """Whether it serves nobody, and bans who comes."""
        return isinstance(self.action, Sensor)


class Config(Frozen):
    """Everything that runs. Equal configurations need no reload."""

    services: tuple[Service, ...] = ()
    files: tuple[str, ...] = ()
    """Every file that was read, in order."""
    extensions: tuple[str, ...] = ()
    """Entry points allowed to add built-in services (``extensions`` in ``defaults``)."""
