"""From the command line to a running supervisor: configuration, background, pid file, loop."""

import gc
import os
import pwd
import resource
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final

import structlog

from superd.cli.terminal import printable
from superd.config.load import Loaded, load
from superd.config.model import Credentials
from superd.config.origin import Severity
from superd.errors import ConfigError, PrivilegeError
from superd.log.files import LogFile
from superd.supervisor.daemonize import daemonize
from superd.supervisor.fleet import Settings
from superd.supervisor.listeners import Failure
from superd.supervisor.main import Supervisor
from superd.supervisor.options import RunOptions
from superd.supervisor.pidfile import PidFile
from superd.supervisor.problems import log_problems
from superd.supervisor.warmup import warm_up

log = structlog.get_logger()

WORKER_ACCOUNTS: Final = ("superd", "nobody")
"""Accounts for the workers when started as root, the first that exists; ``--user`` overrides them."""

UMASK: Final = 0o022
"""Added to the umask the daemon was started with, as xinetd does; programs inherit it unless ``umask`` is written."""


def start(options: RunOptions, log_file: LogFile | None, *, background: bool) -> int:
    """Read the configuration, go to the background if asked to, and run until stopped; return the exit status.

    Raises:
        ConfigError: nothing usable was found, or with ``strict`` anything was wrong.
        PrivilegeError: there is no account for the workers.
    """
    settings = _settings(options, background=background)
    loaded = _load(options, show=background)
    with ExitStack() as cleanup:
        ready = _telling(daemonize()) if background else _nobody_waits
        os.chdir("/")
        _raise_descriptor_limit()
        os.umask(os.umask(0) | UMASK)
        if options.pidfile:
            cleanup.enter_context(PidFile(options.pidfile))
        warm_up()
        gc.freeze()  # what is loaded by now lives for ever: keep its pages shared with the children
        return Supervisor(options, settings, loaded, ready, log_file).run()


def _load(options: RunOptions, *, show: bool) -> Loaded:
    loaded = load(options.files, options.dialect)
    log_problems(loaded.report)
    if show:  # the log goes elsewhere
        for diagnostic in loaded.report.diagnostics:
            _say(str(diagnostic))
    if options.strict and loaded.report.diagnostics:
        raise ConfigError("the configuration has problems and --strict was given; nothing was started")
    if loaded.report.has(Severity.ERROR) and not loaded.config.services:
        raise ConfigError("no service in the configuration can be started")
    return loaded


def _settings(options: RunOptions, *, background: bool) -> Settings:
    credentials = _worker_credentials(options.user) if os.geteuid() == 0 else None
    return Settings(credentials, options.hosts_allow, options.hosts_deny, options.drain, background)


def _worker_credentials(wanted: str) -> Credentials:
    for name in (wanted,) if wanted else WORKER_ACCOUNTS:
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        if account.pw_uid == 0:
            raise PrivilegeError(
                f"the workers can't run as {name}: its uid is 0; choose another account with --user"
            )
        return Credentials(user=name, uid=account.pw_uid, gid=account.pw_gid)
    raise PrivilegeError(
        f"there is no account for the workers ({wanted or ' or '.join(WORKER_ACCOUNTS)}); see --user"
    )


def _raise_descriptor_limit() -> None:
    """Take as many descriptors as are allowed, for ports here and for connections in the workers, which inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _telling(let_go: Callable[[], None]) -> Callable[[Sequence[Failure]], None]:
    """Tell whoever waits in the foreground what is not served yet, then let them go."""

    def ready(failures: Sequence[Failure]) -> None:
        for failure in failures:
            _say(f"{failure}; tried again")
        let_go()

    return ready


def _say(text: str) -> None:
    sys.stderr.write(f"superd: {printable(text)}\n")


def _nobody_waits(_failures: Sequence[Failure]) -> None:
    """In the foreground the notification socket and the log tell when the daemon is ready."""
