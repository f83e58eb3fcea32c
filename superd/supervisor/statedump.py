"""The state dump that SIGUSR1 asks for, as readable text: ``Facts``, ``render``, ``write``.

It has the contents of xinetd's dump, and inherited values besides. A dump replaces the one before (xinetd
appends): the file stays small, and a reader never sees half of it. It ends with the line END OF DUMP.
"""

import os
import resource
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from superd import __version__
from superd.config.model import Config, Service
from superd.log import events
from superd.privsep.messages import StateLine
from superd.processes import Listener
from superd.supervisor.attributes import attributes
from superd.supervisor.children import Child
from superd.supervisor.collection import Collection

log = structlog.get_logger()

MODE: Final = 0o640
"""The dump tells who is connected; xinetd lets everybody read that."""

STATE: Final = "state"
"""Field of a ``StateLine`` that says what a service is doing: Active, Paused, ..."""

PROGRAM: Final = "program"
"""Field of a ``StateLine`` about one running server: a row of the server table."""

DESCRIPTORS_LIMIT: Final = 1000
"""Descriptors listed one by one; most are ports, which are listed with their services anyway."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known beside the configuration. ``now`` is the wall clock in seconds since the epoch."""

    now: float
    pid: int
    lines: tuple[StateLine, ...] = ()
    """What workers and launchers said."""
    listeners: tuple[Listener, ...] = ()
    processes: tuple[str, ...] = ()
    """One line each."""
    missing: tuple[str, ...] = ()
    """Processes that did not answer in time."""
    bans: tuple[str, ...] = ()
    """One line each."""
    descriptors: tuple[tuple[int, str], ...] = ()
    """Open descriptors of the supervisor and what they are."""
    descriptor_limit: int = 0


def render(config: Config, facts: Facts) -> str:
    """Turn configuration and facts into text; what comes from outside is made safe for a terminal."""
    by_service: dict[str, list[StateLine]] = defaultdict(list)
    for line in facts.lines:
        by_service[line.service].append(line)
    sockets: dict[str, list[Listener]] = defaultdict(list)
    for listener in facts.listeners:
        sockets[listener.service].append(listener)
    sections = [
        _header(config, facts),
        _defaults(),
        *(_service(service, by_service[service.key], sockets[service.key]) for service in config.services),
        _servers(facts),
        ["Bans:", *(f"\t{line}" for line in facts.bans)],
        _processes(facts, by_service[""]),
        _descriptors(facts),
        _counters(config, facts),
        ["END OF DUMP"],
    ]
    return "\n".join("".join(f"{_plain(line)}\n" for line in section) for section in sections)


def write(path: Path, text: str) -> None:
    """Put the text at ``path`` with mode 0640, in place of what was there. Raises OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, MODE)  # whatever the umask left of it
            file.write(text)
        draft.rename(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def write_dump(
    path: Path,
    config: Config,
    collection: Collection,
    children: Iterable[Child],
    listeners: tuple[Listener, ...],
    *,
    bans: tuple[str, ...] = (),
) -> None:
    """Write what was collected to ``path``, and log that; a dump that can't be written stops nothing."""
    facts = Facts(
        now=time.time(),
        pid=os.getpid(),
        lines=tuple(collection.lines),
        listeners=listeners,
        processes=tuple(_process(child, time.monotonic()) for child in children),
        missing=tuple(collection.missing.values()),
        bans=bans,
        descriptors=open_descriptors(),
        descriptor_limit=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    )
    try:
        path.parent.mkdir(exist_ok=True)  # /run/superd is gone after each boot
        write(path, render(config, facts))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        log.error(events.STATE_DUMPED, path=str(path), reason=reason)
        return
    log.info(events.STATE_DUMPED, path=str(path))


def open_descriptors() -> tuple[tuple[int, str], ...]:
    """This process's open descriptors, lowest first; nothing where /proc is not mounted."""
    found = []
    with suppress(OSError):
        for entry in Path("/proc/self/fd").iterdir():
            with suppress(OSError):  # the one that reads the directory is gone already
                found.append((int(entry.name), str(entry.readlink())))
    return tuple(sorted(found))


def _process(child: Child, now: float) -> str:
    doing = "draining" if child.draining else "serving" if child.ready else "starting"
    return (
        f"{child.title}: pid {child.pid}, generation {child.generation}, {doing}, {now - child.started:.0f} s"
    )


def _header(config: Config, facts: Facts) -> list[str]:
    when = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(facts.now))
    files = [f"config_file = {file}" for file in config.files]
    return [f"INTERNAL STATE DUMP: superd {__version__}, pid {facts.pid}", f"Current time: {when}", *files]


def _defaults() -> list[str]:
    return ["Services + defaults:", "(what a service has inherited from defaults is listed with the service)"]


def _service(service: Service, lines: list[StateLine], sockets: list[Listener]) -> list[str]:
    state = next((line.text for line in lines if line.field == STATE), _state(service, sockets))
    text = [f"Service = {service.key}", f"\tState = {state}"]
    text += [f"\t{name} = {value}" for name, value in attributes(service)]
    text += [f"\tservice fd = {listener.socket.fileno()} ({listener.endpoint})" for listener in sockets]
    running = [line for line in lines if line.field == PROGRAM]
    text += [f"\trunning servers = {len(running)}"]
    return text + [f"\t{line.field} = {line.text}" for line in lines if line.field not in {STATE, PROGRAM}]


def _state(service: Service, sockets: list[Listener]) -> str:
    """What can be said without an answer of the worker."""
    if service.unsupported:
        return "Not started (not supported)"
    return "Active" if sockets or not service.endpoints else "Not started"


def _servers(facts: Facts) -> list[str]:
    running = [line for line in facts.lines if line.field == PROGRAM]
    return ["Server table:", *(f"\t{line.service}: {line.text}" for line in running)]


def _processes(facts: Facts, lines: list[StateLine]) -> Iterator[str]:
    yield "Processes:"
    yield from (f"\t{line}" for line in facts.processes)
    yield from (
        f"\t{title}: did not answer in time; what it knows is missing here" for title in facts.missing
    )
    yield from (f"\t{line.field} = {line.text}" for line in lines)


def _descriptors(facts: Facts) -> Iterator[str]:
    yield "Open descriptors of the supervisor:"
    yield from (f"\t{number} {target}" for number, target in facts.descriptors[:DESCRIPTORS_LIMIT])
    if (more := len(facts.descriptors) - DESCRIPTORS_LIMIT) > 0:
        yield f"\t({more} more)"


def _counters(config: Config, facts: Facts) -> list[str]:
    startable = [service for service in config.services if not service.unsupported]
    served = {listener.service for listener in facts.listeners}
    return [
        f"active_services = {len(served)}",
        f"available_services = {len(startable)}",
        f"running_servers = {sum(line.field == PROGRAM for line in facts.lines)}",
        f"descriptors_free = {facts.descriptor_limit - len(facts.descriptors)}",
        f"max_descriptors = {facts.descriptor_limit}",
    ]


def _plain(line: str) -> str:
    """Escape control characters: arguments and paths may hold any, and the dump is read on terminals."""
    tabs = len(line) - len(line.lstrip("\t"))
    return line[:tabs] + "".join(char if char.isprintable() else repr(char)[1:-1] for char in line[tabs:])
