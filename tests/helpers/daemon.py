"""Starts ``superd run`` for end-to-end tests: ``running`` gives a ``Daemon`` that is ready, and cleans up.

The daemon reports readiness, reloads and its end over a notification socket of ours (sd_notify(3)), so
nothing here waits for a guessed time. All its processes carry a mark in their environment; none of them may
be left when a test ends.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from helpers import processes
from helpers.net import DEADLINE, wait_until

NOBODY = "nobody"

_READY_SECONDS = 30.0
_STOP_SECONDS = 30.0

_SHOWN = 30
"""Lines of log in the message of a failing test."""

_AS_USER = """
import os, sys
import superd.builtins, superd.cli, superd.supervisor.start
from superd.supervisor.warmup import warm_up
warm_up()
for name in superd.builtins.BUILTINS:
    superd.builtins.find(name)
os.setgroups([])
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[2]))
sys.exit(superd.cli.main(sys.argv[3:]))
"""
"""Imports before it changes the user, who may not be allowed to read the interpreter's directory."""


@dataclass
class Daemon:
    """A running superd with its files."""

    directory: Path
    process: subprocess.Popen[bytes]
    notifications: socket.socket
    mark: str
    said: list[str] = field(default_factory=list)
    """Every assignment it sent to the notification socket."""

    @property
    def pid(self) -> int:
        """The supervisor."""
        return self.process.pid

    @property
    def conf(self) -> Path:
        """The main configuration file."""
        return self.directory / "superd.conf"

    def log(self) -> str:
        """Everything it wrote to its standard output and error output."""
        return self.path("daemon.log").read_text(errors="replace")

    def last_lines(self) -> str:
        """The end of the log, for the message of a failing test."""
        return "\n".join(self.log().splitlines()[-_SHOWN:])

    def path(self, name: str) -> Path:
        """A file in the test's directory; ``@DIR@`` in configuration texts."""
        return self.directory / name

    def write(self, text: str) -> None:
        """Replace the main configuration file."""
        self.conf.write_text(text.replace("@DIR@", str(self.directory)))

    def wait_for_log(self, text: str, deadline: float = DEADLINE) -> None:
        """Wait until the log contains ``text``."""
        wait_until(lambda: text in self.log(), f"{text!r} in the log:\n{self.last_lines()}", deadline)

    def wait_for(self, assignment: str, deadline: float = DEADLINE) -> None:
        """Wait until it says ``assignment`` to the notification socket; what it said before is skipped."""

        def heard() -> bool:
            assert self.process.poll() is None or self._datagram_waits(), f"it ended:\n{self.last_lines()}"
            return assignment in self._next_assignments()

        wait_until(heard, f"{assignment} announced; its log:\n{self.last_lines()}", deadline)

    def _datagram_waits(self) -> bool:
        try:
            return bool(self.notifications.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False

    def _next_assignments(self) -> list[str]:
        try:
            lines = self.notifications.recv(4096).decode().splitlines()
        except BlockingIOError:
            return []
        self.said += lines
        return lines

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor."""
        os.kill(self.pid, number)

    def reload(self, text: str | None = None) -> None:
        """Replace the configuration, send SIGHUP, and wait until the reload is over."""
        if text is not None:
            self.write(text)
        self.send(signal.SIGHUP)
        self.wait_for("RELOADING=1")
        self.wait_for("READY=1", _READY_SECONDS)

    def family(self) -> list[processes.Process]:
        """Every living process below the supervisor: workers, launchers, programs."""
        return processes.descendants(self.pid)

    def named(self, prefix: str) -> list[processes.Process]:
        """Those of them whose title starts so (``superd: worker common``)."""
        return [process for process in self.family() if process.title.startswith(prefix)]

    def left(self) -> list[processes.Process]:
        """Every living process that belongs to it, the supervisor and orphans included."""
        return processes.belonging_to(self.mark, self.path("daemon.log"))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the supervisor by a signal and return its exit status."""
        if self.process.poll() is None:
            self.send(number)
        return self.process.wait(_STOP_SECONDS)

    def assert_gone(self) -> None:
        """No process of it is left, and it never showed a traceback."""
        wait_until(lambda: not self.left(), "all its processes are gone")
        assert "Traceback" not in self.log(), self.last_lines()


@contextmanager
def directory() -> Iterator[Path]:
    """A directory that every user may enter; pytest's own are for their owner only."""
    path = Path(tempfile.mkdtemp(prefix="superd-test-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


def command(options: Sequence[str], user: str | None) -> list[str]:
    """The command line that runs superd with these arguments, as ``user`` if given."""
    if user is None:
        return [sys.executable, "-Im", "superd", *options]
    account = pwd.getpwnam(user)
    return [sys.executable, "-Ic", _AS_USER, str(account.pw_gid), str(account.pw_uid), *options]


@contextmanager
def running(
    text: str,
    options: Sequence[str] = (),
    user: str | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    over: Mapping[str, str] | None = None,
    keep: Sequence[str] = (),
    within: Sequence[str] = (),
) -> Iterator[Daemon]:
    """Run superd on a configuration until the block ends, as ``user`` if given (needs root).

    ``over`` puts ours over the system's for this daemon alone: path in the system -> path of ours. Of /etc, the files
    named by ``keep`` stay as they are. ``within`` is what to put in front of the command (nsenter(1)).
    ``files`` are further files by name, executable if they start with ``#!``. ``@DIR@`` in a text, option or
    environment value means the directory they are in. Workers run as nobody when the test runs as root.
    """
    with directory() as home, _notifications(home) as notifications:
        if user:
            shutil.chown(home, user)
        write_files(home, {"superd.conf": text, "daemon.log": "", **(files or {})})
        for name in keep:
            shutil.copy(Path("/etc", name), home / "etc" / name)
        mark = f"SUPERD_TEST={uuid.uuid4()}"
        variables = [f"{name}={value}" for name, value in (environment or {}).items()]
        words = command([*_arguments(home, user), *options], user)
        process = _spawn(home, [*within, *_mounting(over or {}), *words], [mark, *variables])
        daemon = Daemon(home, process, notifications, mark)
        try:
            daemon.wait_for("READY=1", _READY_SECONDS)
            yield daemon
            daemon.stop()
            daemon.assert_gone()
        finally:
            for process_left in daemon.left():
                processes.kill(process_left.pid)
            process.wait(_STOP_SECONDS)


def write_files(home: Path, files: Mapping[str, str]) -> None:
    """Write files below ``home``, with ``@DIR@`` replaced."""
    for name, content in files.items():
        file = home / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(content.replace("@DIR@", str(home)))
        file.chmod(0o755 if content.startswith("#!") else 0o644)


@contextmanager
def _notifications(home: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(home / "notify"))
        (home / "notify").chmod(0o777)
        receiver.setblocking(False)
        yield receiver


def _arguments(home: Path, user: str | None) -> list[str]:
    drop_to = ["--user", NOBODY] if os.geteuid() == 0 and user is None else []
    return ["run", "-c", str(home / "superd.conf"), "--state-file", str(home / "state"), *drop_to]


def _mounting(over: Mapping[str, str]) -> list[str]:
    """What to put in front of a command, so that it finds these files in place of the system's."""
    if not over:
        return []
    mounts = "".join(f"mount --bind {ours} {system} && " for system, ours in over.items())
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", f'{mounts}exec "$@"', "sh"]


def _spawn(home: Path, words: Sequence[str], variables: Sequence[str]) -> subprocess.Popen[bytes]:
    inherited = [f"{name}={os.environ[name]}" for name in ("PATH", "HOME", "LANG") if name in os.environ]
    every = [*inherited, *variables, f"NOTIFY_SOCKET={home / 'notify'}"]
    with (home / "daemon.log").open("ab") as log:
        return subprocess.Popen(
            [word.replace("@DIR@", str(home)) for word in words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home,
            env=dict(variable.replace("@DIR@", str(home)).split("=", 1) for variable in every),
        )
