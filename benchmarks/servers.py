"""The super-servers that are compared: ``Server``, and one function that makes each of them."""

import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import tools

HOST = "127.77.0.1"
"""A loopback address of our own, so that nobody else's ports are in the way."""

USER = "nobody"

DAYTIME, ECHO, PROGRAM, WRAPPED = 13, 7, 20000, 1313
"""Ports; the built-ins have their real ones, since inetd knows them by name only. ``WRAPPED`` is daytime for clients
that hosts.allow and hosts.deny are asked about, which xinetd does by default and inetd not at all."""

_START_SECONDS = 120.0
_STOP_SECONDS = 30.0

_FILES_ONLY = "passwd: files\ngroup: files\nservices: files\nprotocols: files\nrpc: files\nhosts: files\n"

_CONFINED = (
    "unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/nsswitch.conf && exec "$@"',
)  # fmt: skip
"""Starts a server without DNS: xinetd's echo looks up every client, and that would be what we time."""


@dataclass(frozen=True)
class Service:
    """One line of a configuration: the program, or the built-in when ``program`` is ``None``."""

    name: str
    port: int
    program: Path | None = None
    wrapped: bool = False


@dataclass(frozen=True)
class Server:
    """One super-server: how its configuration is written, and how it is started in a directory."""

    name: str
    version: str
    configure: Callable[[Sequence[Service], Path], str]
    command: tuple[str, ...]
    wraps: bool = True
    """It can ask hosts.allow for its built-ins."""
    only: int = 0
    """The one port that it serves, if it is no super-server."""

    def serves(self, port: int) -> bool:
        """Whether it can be measured on a port."""
        return port == self.only if self.only else self.wraps or port != WRAPPED

    @contextmanager
    def running(self, services: Sequence[Service], directory: Path) -> Iterator[subprocess.Popen[bytes]]:
        """Start it and wait until every port is open; stop it afterwards."""
        (directory / "conf").write_text(self.configure(services, directory))
        (directory / "nsswitch").write_text(_FILES_ONLY)
        words = [*_CONFINED, str(directory / "nsswitch"), *self.command]
        command = [word.replace("@DIR@", str(directory)) for word in words]
        ports = {service.port for service in services if self.serves(service.port)}
        with (directory / f"{self.name}.out").open("wb") as output:
            process = subprocess.Popen(
                command, cwd=directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        try:
            tools.wait_until(lambda: ports <= tools.listening(HOST), _START_SECONDS, f"{self.name} serves")
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:  # xinetd sometimes hangs with thousands of children to bury
                process.kill()
                process.wait()
            tools.wait_until(lambda: not ports & tools.listening(HOST), _START_SECONDS, "ports closed")


def superd(name: str, level: str) -> Server:
    """This project, with its service log and (at level info) its events of every connection in files."""
    version = subprocess.run(
        [sys.executable, "-Im", "superd", "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[-1]
    log = ("--log-to", "file:@DIR@/superd.log", "--log", "logfmt", "--log-level", level)
    options = ("--user", USER, *log)
    state = ("--state-file", "@DIR@/state", "--drain", "1")
    command = (sys.executable, "-Im", "superd", "run", "-c", "@DIR@/conf", *options, *state)
    return Server(name, version, _xinetd_conf, command)


def xinetd(binary: str) -> Server:
    """The real xinetd, with its service log and its main log in files."""
    version = tools.package_version("xinetd")
    options = ("-dontfork", "-f", "@DIR@/conf", "-filelog", "@DIR@/xinetd.log", "-pidfile", "@DIR@/pid")
    return Server("xinetd", version, _xinetd_conf, (binary, *options))


def inetd(binary: str, version: str) -> Server:
    """Debian's openbsd-inetd; it has no log of connections unless it also asks libwrap, so it writes none."""
    return Server(
        "openbsd-inetd", version, _inetd_conf, (binary, "-i", "-R", "1000000", "@DIR@/conf"), wraps=False
    )


def bare() -> Server:
    """A loop in Python that does nothing else (``bare``): for daytime alone, as a measure of the language."""
    command = (sys.executable, str(tools.HERE / "bare.py"), HOST, str(DAYTIME), USER)
    return Server("bare Python", platform.python_version(), lambda *_: "", command, only=DAYTIME)


def _xinetd_conf(services: Sequence[Service], directory: Path) -> str:
    log = f"log_type = FILE {directory}/services.log\nlog_on_success = PID HOST EXIT DURATION\n"
    limits = "instances = UNLIMITED\nper_source = UNLIMITED\ncps = 0 1\n"
    head = f"defaults\n{{\n{log}log_on_failure = HOST\n{limits}bind = {HOST}\n}}\n"
    return head + "".join(map(_stanza, services))


def _stanza(service: Service) -> str:
    kind = "UNLISTED" if service.program else "INTERNAL UNLISTED"
    server = f"server = {service.program}\n" if service.program else ""
    asked = "" if service.wrapped else " NOLIBWRAP"
    shape = f"socket_type = stream\nprotocol = tcp\nwait = no\nuser = {USER}\nflags = IPv4{asked}\n"
    name = f"service {service.name}\n{{\nid = {service.name}-{service.port}\n"
    return f"{name}type = {kind}\nport = {service.port}\n{shape}{server}}}\n"


def _inetd_conf(services: Sequence[Service], _directory: Path) -> str:
    return "".join(_line(service) for service in services if not service.wrapped)


def _line(service: Service) -> str:
    name = service.port if service.program else service.name
    server = f"{service.program} {service.program.name}" if service.program else "internal"
    return f"{HOST}:{name} stream tcp4 nowait {USER} {server}\n"
