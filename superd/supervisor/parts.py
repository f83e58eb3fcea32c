"""Who gets which services: a configuration divided into the parts of workers and launchers.

A process whose part is equal in two configurations is left alone by a reload.
"""

import os
import pwd
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from superd import builtins
from superd.config.model import Builtin, Credentials, Program, Service
from superd.supervisor.plan import launcher_name

LAUNCHERS_LIMIT: Final = 4
"""Launchers with the same credentials; on more processors than this, accepting is what limits the rate."""

COMMON: Final = "common"
"""The worker that serves every program and every built-in without a worker of its own."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Services by the name of the process that serves them."""

    workers: dict[str, tuple[Service, ...]] = field(default_factory=dict)
    launchers: dict[str, tuple[Service, ...]] = field(default_factory=dict)
    credentials: dict[str, Credentials] = field(default_factory=dict)
    """What each launcher becomes."""

    def launchers_of(self, service: str) -> tuple[str, ...]:
        """The names of the launchers that start the program of the service with this key, or its rules' commands."""
        return tuple(
            name for name, services in self.launchers.items() if any(service == each.key for each in services)
        )


def divide(
    services: Iterable[Service], default: Credentials | None, extensions: tuple[str, ...] = ()
) -> Parts:
    """Divide the services that can be started.

    ``default`` are the workers' credentials, ``None`` without root: commands that rules of hosts.allow and hosts.deny
    have run for a built-in run as its ``user``, or else as that.
    """
    parts = Parts()
    workers: dict[str, list[Service]] = defaultdict(list)
    launchers: dict[str, list[Service]] = defaultdict(list)
    for service in services:
        workers[worker_name(service, extensions)].append(service)
        for name, credentials in _launchers(service, default):
            launchers[name].append(service)
            parts.credentials[name] = credentials
    parts.workers.update({name: tuple(part) for name, part in workers.items()})
    parts.launchers.update({name: tuple(part) for name, part in launchers.items()})
    return parts


def _launchers(service: Service, default: Credentials | None) -> Iterable[tuple[str, Credentials]]:
    """The launchers a service needs; for a built-in that no file of rules is asked about, none."""
    action = service.action
    if isinstance(action, Program):
        return [(name, action.credentials) for name in _launcher_names(action.credentials)]
    if not service.access.daemon or not isinstance(action, Builtin):
        return []
    credentials = (default and action.credentials) or default or _own()
    return [(launcher_name(credentials), credentials)]


def _own() -> Credentials:
    """What superd itself runs as, in the words of a service that runs as its caller."""
    uid = os.geteuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    return Credentials(user=user, uid=uid, gid=os.getegid(), groups=tuple(sorted(os.getgroups())))


def _launcher_names(credentials: Credentials) -> Iterable[str]:
    """One per processor: a launcher waits, as vfork(2) has it, until the program it starts has been loaded."""
    name = launcher_name(credentials)
    yield name
    for number in range(2, min(os.cpu_count() or 1, LAUNCHERS_LIMIT) + 1):
        yield f"{name} ({number})"


def worker_credentials(
    name: str, services: tuple[Service, ...], default: Credentials | None
) -> Credentials | None:
    """Whom a worker becomes: one of a service's own its ``user``, unless that is root, which no worker ever is."""
    action = services[0].action
    if default is None or name == COMMON or not isinstance(action, Builtin):
        return default
    return action.credentials if action.credentials and action.credentials.uid else default


def worker_name(service: Service, extensions: tuple[str, ...] = ()) -> str:
    """``common``, or the service's own key when its built-in wants a worker under its own user."""
    if not isinstance(service.action, Builtin):
        return COMMON
    builtin = builtins.find(service.action.name, extensions)
    return service.key if builtin and builtin.own_worker else COMMON
