"""``load``: files and directories -> one ``Config``, with the ``Report`` of everything that is wrong with them."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from superd.config import detect, inetd, sources
from superd.config.derive import check_defaults, derive
from superd.config.dialect import Dialect
from superd.config.machine import Machine
from superd.config.model import Config, Endpoint, Service, SocketType
from superd.config.origin import Diagnostic, Origin, Report
from superd.config.written import WrittenService
from superd.config.xinetd import Reader
from superd.errors import ConfigError
from superd.net import names
from superd.net.bind import ANY

OWN_DIRECTORY: Final = Path("/etc/superd")
SYSTEM_FILES: Final = (Path("/etc/xinetd.conf"), Path("/etc/inetd.conf"))

SERVICES_LIMIT: Final = 20_000
"""Services of one configuration; the number of ports and of descriptors is far below."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What ``load`` gives: what runs, what is wrong, and what was written."""

    config: Config
    report: Report
    written: tuple[WrittenService, ...]


def default_paths() -> list[Path]:
    """Give /etc/superd if it holds anything, else those of the system's xinetd.conf and inetd.conf that exist."""
    try:
        if any(OWN_DIRECTORY.iterdir()):
            return [OWN_DIRECTORY]
    except OSError:
        pass
    return [path for path in SYSTEM_FILES if path.exists()]


def load(paths: Sequence[Path], dialect: Dialect = Dialect.DEBIAN, machine: Machine | None = None) -> Loaded:
    """Read files, and directories file by file; whether a file is an inetd.conf or xinetd's is told from its text.

    All xinetd files share their defaults. A directory is read like an includedir, and ``*.conf`` in it, too. Without
    any path, ``default_paths`` are read, at a reload as at the start. Raises ConfigError when there is nothing to
    read, or a path that is named can't be read; every other problem is in the report.
    """
    chosen = paths or default_paths()
    if not chosen:
        systems = " or ".join(map(str, SYSTEM_FILES))
        raise ConfigError(f"there is no configuration: name a file, or make {OWN_DIRECTORY}/, {systems}")
    with _without_collection():
        return _load(chosen, dialect, machine)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Reading makes many values and no garbage; looking for some meanwhile takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _load(paths: Sequence[Path], dialect: Dialect, machine: Machine | None) -> Loaded:
    report = Report()
    reader = Reader(report)
    written: list[WrittenService] = []
    lines: list[str] = []
    for path, named in _files(paths):
        text = _read(path, report, named=named)
        if detect.kind(text) == "xinetd":
            reader.read(str(path), text)
        else:
            lines.append(str(path))
            written += inetd.read(str(path), text, report, dialect)
    written = [*reader.services(), *written]
    files = (*reader.files, *lines)
    machine = machine or Machine(resolve=names.resolve)
    extensions = [word.value for word in reader.defaults.extensions or ()]
    services = _derive(written, report, machine, extensions)
    check_defaults(reader.defaults, report, machine)
    for each in reader.unusable:
        derive(each, report, machine, extensions=extensions)
    config = Config(services=services, files=files, extensions=tuple(extensions))
    return Loaded(config, _tidy(report, files), tuple(written))


def _files(paths: Sequence[Path]) -> list[tuple[Path, bool]]:
    """Give every file, and whether it was named or found in a directory."""
    found: list[tuple[Path, bool]] = []
    for path in paths:
        if not path.is_dir():
            found.append((path, True))
            continue
        try:
            taken, _ = sources.entries(str(path), dotted_conf=True)
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from error
        found += [(each, False) for each in map(Path, taken) if not each.is_dir()]
    return found


def _read(path: Path, report: Report, *, named: bool) -> str:
    """Read a file; one that was found in a directory and can't be read must not keep the others from starting."""
    try:
        return sources.read_text(str(path), report)
    except sources.Unreadable as error:
        if named:
            raise ConfigError(f"{path}: {error}") from error
        report.error("unreadable-include", Origin(str(path)), f"can't read this file: {error}")
        return ""


def _derive(
    written: Sequence[WrittenService], report: Report, machine: Machine, extensions: list[str]
) -> tuple[Service, ...]:
    services: dict[str, Service] = {}
    taken: dict[tuple[object, ...], Service] = {}
    for each in written[:SERVICES_LIMIT]:
        service = derive(each, report, machine, extensions=extensions)
        if service is not None and _claim(service, taken, report):
            key = _unique(service.id, services)
            services[key] = service if key == service.key else service.model_copy(update={"key": key})
    if len(written) > SERVICES_LIMIT:
        origin = written[SERVICES_LIMIT].origin
        report.error(
            "too-many-services", origin, f"more than {SERVICES_LIMIT} services; the rest is left out"
        )
    return tuple(services.values())


def _claim(service: Service, taken: dict[tuple[object, ...], Service], report: Report) -> bool:
    """Take a service's endpoints; refuse it when another service has one of them."""
    places = {
        _place(endpoint): endpoint for endpoint in service.endpoints if endpoint.port or not endpoint.protocol
    }
    for place, endpoint in places.items():
        if place in taken:
            other = taken[place]
            text = f"service {service.id} wants {endpoint}, which {other.id} ({other.origin}) has; it is left out"
            report.error("duplicate-endpoint", service.origin, text)
            return False
    for endpoint in places.values():
        first = taken.setdefault(_port(endpoint), service)
        if first is not service and _overlap(endpoint, first):
            text = f"{endpoint} of service {service.id} and an address of {first.id} overlap; both are served"
            report.warning("overlapping-addresses", service.origin, text, xinetd="serves the first only")
    taken.update(dict.fromkeys(places, service))
    return True


def _place(endpoint: Endpoint) -> tuple[object, ...]:
    return endpoint.family, endpoint.protocol, endpoint.address, endpoint.device, endpoint.port


def _port(endpoint: Endpoint) -> tuple[object, ...]:
    return endpoint.family, endpoint.protocol, endpoint.port


def _overlap(endpoint: Endpoint, other: Service) -> bool:
    """Tell whether one of two services has a stream port at every address, the other one at some."""
    beside = [each.address for each in other.endpoints if _port(each) == _port(endpoint)]
    return endpoint.socket_type is SocketType.STREAM and any(
        address in ANY for address in (endpoint.address, *beside)
    )


def _unique(name: str, services: dict[str, Service]) -> str:
    number, key = 1, name
    while key in services:
        number += 1
        key = f"{name}#{number}"
    return key


def _tidy(report: Report, files: Sequence[str]) -> Report:
    """Order by file and line, and say everything once: what is wrong in defaults is found for each service."""
    rank = {file: index for index, file in enumerate(files)}

    def place(diagnostic: Diagnostic) -> tuple[int, Origin]:
        return rank.get(diagnostic.origin.file, len(rank)), diagnostic.origin

    return Report(sorted(dict.fromkeys(report.diagnostics), key=place))
