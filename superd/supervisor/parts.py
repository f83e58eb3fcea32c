"""Who gets which services: a configuration divided into the parts of workers and launchers.

A process whose part is equal in two configurations is left alone by a reload.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from superd import builtins
from superd.config.model import Builtin, Program, Service
from superd.supervisor.plan import launcher_name

COMMON = "common"
"""The worker that serves every program and every built-in without a worker of its own."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Services by the name of the process that serves them."""

    workers: dict[str, tuple[Service, ...]] = field(default_factory=dict)
    launchers: dict[str, tuple[Service, ...]] = field(default_factory=dict)

    def launcher_of(self) -> dict[str, str]:
        """The launcher's name for each program service's key."""
        return {service.key: name for name, services in self.launchers.items() for service in services}


def divide(services: Iterable[Service], extensions: tuple[str, ...] = ()) -> Parts:
    """Divide the services that can be started."""
    workers: dict[str, list[Service]] = defaultdict(list)
    launchers: dict[str, list[Service]] = defaultdict(list)
    for service in services:
        workers[worker_name(service, extensions)].append(service)
        if isinstance(service.action, Program):
            launchers[launcher_name(service.action.credentials)].append(service)
    return Parts(
        {name: tuple(part) for name, part in workers.items()},
        {name: tuple(part) for name, part in launchers.items()},
    )


def worker_name(service: Service, extensions: tuple[str, ...] = ()) -> str:
    """``common``, or the service's own key when its built-in wants a worker under its own user."""
    if not isinstance(service.action, Builtin):
        return COMMON
    builtin = builtins.find(service.action.name, extensions)
    return service.key if builtin and builtin.own_worker else COMMON
