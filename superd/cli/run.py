"""Start the daemon: read the configuration, bind the sockets, serve until told to stop."""

import argparse
import os
from pathlib import Path
from typing import Final

from superd import log
from superd.cli.options import add_dialect
from superd.supervisor.options import RunOptions

DRAIN_DEFAULT: Final = 30.0
"""Seconds a stop or a reload waits for running connections, unless --drain says otherwise."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``superd run``."""
    option = parser.add_argument
    option("-c", "--config", action="append", type=Path, default=[], metavar="FILE_OR_DIR",
           help="configuration file or directory, repeatable (default: /etc/superd/, else the system's "
                "xinetd.conf and inetd.conf)")  # fmt: skip
    add_dialect(parser)
    option("--strict", action="store_true", help="refuse to start when the configuration has any problem")
    option("--hosts-allow", type=Path, default=Path("/etc/hosts.allow"), metavar="FILE",
           help="in place of /etc/hosts.allow")  # fmt: skip
    option("--hosts-deny", type=Path, default=Path("/etc/hosts.deny"), metavar="FILE",
           help="in place of /etc/hosts.deny")  # fmt: skip
    option("--pidfile", type=Path, metavar="FILE", help="write the supervisor's pid there")
    option("--daemon", action="store_true", help="go to the background once every port is served")
    option("--user", default="", metavar="NAME", help="account of the workers (default: superd, else nobody)")
    option(
        "--state-file",
        type=Path,
        default=_state_file(),
        metavar="FILE",
        help="where SIGUSR1 writes the state dump",
    )
    option("--drain", type=_seconds, default=DRAIN_DEFAULT, metavar="SECONDS",
           help="how long a stop or a reload waits for running connections")  # fmt: skip
    option("--log", default="auto", choices=["auto", "console", "logfmt", "json"], help="format of the log")
    option("--log-to", metavar="WHERE",
           help="stderr, syslog[:FACILITY] or file:PATH (default: stderr, with --daemon syslog)")  # fmt: skip
    option("--log-level", default="info", choices=["debug", "info", "warning", "error"])


def run(arguments: argparse.Namespace) -> int:
    """Run the daemon until it is told to stop; return its exit status."""
    # Imported here: the other verbs need neither uvloop nor the services, and start twice as fast without.
    from superd.supervisor.start import start  # noqa: PLC0415

    log_file = log.configure(arguments.log, _log_destination(arguments), arguments.log_level)
    return start(_options(arguments), log_file, background=arguments.daemon)


def _log_destination(arguments: argparse.Namespace) -> str:
    return str(arguments.log_to or ("syslog" if arguments.daemon else "stderr"))


def _options(arguments: argparse.Namespace) -> RunOptions:
    return RunOptions(
        files=tuple(path.absolute() for path in arguments.config),
        dialect=arguments.dialect,
        strict=arguments.strict,
        hosts_allow=arguments.hosts_allow.absolute(),
        hosts_deny=arguments.hosts_deny.absolute(),
        pidfile=arguments.pidfile.absolute() if arguments.pidfile else None,
        user=arguments.user,
        state_file=arguments.state_file.absolute(),
        drain=arguments.drain,
    )


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 86400:
        raise argparse.ArgumentTypeError("between 0 and 86400 seconds")
    return value


def _state_file() -> Path:
    if os.geteuid() == 0:
        return Path("/run/superd/state")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime) / "superd.state" if runtime else Path.home() / ".superd.state"
