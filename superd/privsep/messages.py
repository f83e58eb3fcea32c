"""Every message between supervisor, workers and launchers, and which of them carries a descriptor.

A message is a frozen value; on the wire it is one JSON array, its kind first (see ``channel``). Field types are checked
on receipt. ``DESCRIPTORS`` names the kinds that carry exactly one descriptor; the others carry none.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Ready:
    """Worker or launcher to supervisor: privileges are dropped and the listeners (or channels) are being served."""


@dataclass(frozen=True, slots=True)
class Drain:
    """Supervisor to worker or launcher: take nothing new, finish what there is, exit 0.

    A worker closes its launcher channels at once, so that its programs are adopted by the worker that follows it, and
    answers ``Drained``; then it finishes the connections of its built-ins. A launcher waits for its programs.
    """


@dataclass(frozen=True, slots=True)
class Drained:
    """Worker to supervisor: nothing more is accepted and no launcher is used; the next worker may start."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Supervisor to worker: nobody follows. Take nothing new, wait for connections and programs (bounded), exit 0."""


@dataclass(frozen=True, slots=True)
class Dump:
    """Supervisor to worker or launcher: describe your state in ``StateLine`` messages, then ``StateEnd``."""


@dataclass(frozen=True, slots=True)
class StateLine:
    """One fact for the state dump: about ``service`` (or the process itself, when empty), as ``field`` = ``text``."""

    service: str
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class StateEnd:
    """The description is complete."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """Supervisor to worker, with a descriptor: the log file at ``path`` was opened anew; write there from now on."""

    path: str


@dataclass(frozen=True, slots=True)
class Attach:
    """Supervisor to launcher, with a descriptor: the channel of the worker process ``worker`` (a pid).

    The launcher first reports what it already runs as ``Running``, then serves ``Launch`` on it. Programs whose
    own worker is gone belong to the worker attached last.
    """

    worker: int


@dataclass(frozen=True, slots=True)
class Channel:
    """Supervisor to worker, with a descriptor: the channel to the launcher ``launcher``, new or restarted."""

    launcher: str


@dataclass(frozen=True, slots=True)
class Violation:
    """Launcher to supervisor: the worker process ``worker`` broke the protocol; end it."""

    worker: int
    why: str


@dataclass(frozen=True, slots=True)
class Launch:
    """Worker to launcher, with a descriptor: start the program of ``service`` on it.

    ``conn`` is the connection id. The addresses are facts for the program's environment, numeric, empty where unknown
    (the listening socket of a stream wait service, Unix sockets).
    """

    service: str
    conn: int
    peer_host: str
    peer_port: int
    local_host: str
    local_port: int


@dataclass(frozen=True, slots=True)
class RuledLaunch:
    """Worker to launcher, with a descriptor: like ``Launch``, under the options of rules of hosts.allow and hosts.deny.

    ``allow_rule`` and ``deny_rule`` are the lines as the worker read them, at ``allow_line`` and ``deny_line``; empty:
    none. The launcher carries out what stands in its own reading of the files, if that is the same: setenv,
    umask, nice, user and group for the program, or ``twist`` instead of it. ``client_name``, ``user`` and
    ``server_name`` are what was found out, empty where nobody asked; ``allow_known`` and ``deny_known`` say which of
    them (1, 2, 4) were known when the rule's first option was reached.
    """

    service: str
    conn: int
    peer_host: str
    peer_port: int
    local_host: str
    local_port: int
    client_name: str
    user: str
    server_name: str
    allow_line: int
    allow_rule: str
    allow_known: int
    deny_line: int
    deny_rule: str
    deny_known: int


@dataclass(frozen=True, slots=True)
class Command:
    """Worker to launcher: run the command of a ``spawn`` or ``aclexec`` option, without a descriptor of the client's.

    ``file`` is ``allow`` or ``deny``, ``rule`` the line as the worker read it at ``line``, ``option`` the place of the
    option in it, from 0. The other fields are those of ``RuledLaunch``. ``number`` is the worker's own, for the
    answer.
    """

    number: int
    service: str
    conn: int
    peer_host: str
    peer_port: int
    local_host: str
    local_port: int
    client_name: str
    user: str
    server_name: str
    file: str
    line: int
    rule: str
    known: int
    option: int


@dataclass(frozen=True, slots=True)
class CommandEnded:
    """Launcher to worker: a command ended.

    ``status`` is the wait(2) status, -1 when it could not be run or was killed for taking too long.
    """

    number: int
    status: int


@dataclass(frozen=True, slots=True)
class Ban:
    """Worker to supervisor: its service ``sensor`` was touched by a numeric address.

    For how long that is banned, the supervisor knows.
    """

    sensor: str
    host: str


@dataclass(frozen=True, slots=True)
class Banned:
    """Supervisor to worker: this address is banned until then (CLOCK_MONOTONIC in seconds; -1: for ever).

    ``sensor`` was touched, which was written at ``line`` of ``file``: the rule behind refusals.
    """

    host: str
    until: float
    sensor: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Started:
    """Launcher to worker: the program runs."""

    conn: int
    pid: int


@dataclass(frozen=True, slots=True)
class Failed:
    """Launcher to worker: the program could not be started; ``errno`` says why."""

    conn: int
    errno: int


@dataclass(frozen=True, slots=True)
class Exited:
    """Launcher to worker: the program ended. ``status`` is the wait(2) status; times in seconds, memory in KiB."""

    conn: int
    pid: int
    status: int
    user_time: float
    system_time: float
    max_rss: int


@dataclass(frozen=True, slots=True)
class Running:
    """Launcher to worker, after ``Attach``: a program that an earlier worker had started still runs.

    ``since`` is CLOCK_MONOTONIC in seconds, which all processes share.
    """

    service: str
    conn: int
    pid: int
    peer_host: str
    peer_port: int
    local_host: str
    local_port: int
    since: float


@dataclass(frozen=True, slots=True)
class Introduced:
    """Launcher to worker, after the last ``Running``: the worker knows every program there is."""


Message = (
    Ready
    | Drain
    | Drained
    | Stop
    | Dump
    | StateLine
    | StateEnd
    | LogFile
    | Attach
    | Channel
    | Violation
    | Launch
    | RuledLaunch
    | Command
    | CommandEnded
    | Ban
    | Banned
    | Started
    | Failed
    | Exited
    | Running
    | Introduced
)

DESCRIPTORS: Final = frozenset({LogFile, Attach, Channel, Launch, RuledLaunch})
"""The kinds that carry exactly one descriptor."""

MESSAGE_LIMIT: Final = 16384
"""Bytes of one encoded message; longer is a violation by the sender and an error when sending."""

SUPERVISOR_TO_WORKER: Final = frozenset({Drain, Stop, Dump, LogFile, Channel, Banned})
WORKER_TO_SUPERVISOR: Final = frozenset({Ready, Drained, StateLine, StateEnd, Ban})
SUPERVISOR_TO_LAUNCHER: Final = frozenset({Drain, Dump, Attach})
LAUNCHER_TO_SUPERVISOR: Final = frozenset({Ready, StateLine, StateEnd, Violation})
WORKER_TO_LAUNCHER: Final = frozenset({Launch, RuledLaunch, Command})
LAUNCHER_TO_WORKER: Final = frozenset({Started, Failed, CommandEnded, Exited, Running, Introduced})
