"""Who gets which services: a configuration divided into the parts of workers and launchers.

A process whose part is equal in two configurations is left alone by a reload.
"""

import os
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

    def launchers_of(self, service: str) -> tuple[str, ...]:
        """The names of the launchers that can start the program of the service with this key."""
        return tuple(
            name for name, services in self.launchers.items() if any(service == each.key for each in services)
        )


def divide(services: Iterable[Service], extensions: tuple[str, ...] = ()) -> Parts:
    """Divide the services that can be started."""
    workers: dict[str, list[Service]] = defaultdict(list)
    launchers: dict[str, list[Service]] = defaultdict(list)
    for service in services:
        workers[worker_name(service, extensions)].append(service)
        if isinstance(service.action, Program):
            for name in _launcher_names(service.action.credentials):
                launchers[name].append(service)
    return Parts(
        {name: tuple(part) for name, part in workers.items()},
        {name: tuple(part) for name, part in launchers.items()},
    )


def _launcher_names(credentials: Credentials) -> Iterable[str]:
    """One per processor: a launcher waits, as vfork(2) has it, until the program it starts has been loaded."""
    name = launcher_name(credentials)
    yield name
    for number in range(2, min(os.cpu_count() or 1, LAUNCHERS_LIMIT) + 1):
        yield f"{name} ({number})"


def worker_name(service: Service, extensions: tuple[str, ...] = ()) -> str:
    """``common``, or the service's own key when its built-in wants a worker under its own user."""
    if not isinstance(service.action, Builtin):
        return COMMON
    builtin = builtins.find(service.action.name, extensions)
    return service.key if builtin and builtin.own_worker else COMMON
