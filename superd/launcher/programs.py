"""What starting a service's program takes, computed once: ``Plan``."""

import resource
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from superd.config.model import Program, ResourceLimit, Service
from superd.launcher.environment import Environment

_RESOURCES: Final = {
    "AS": resource.RLIMIT_AS,
    "CPU": resource.RLIMIT_CPU,
    "DATA": resource.RLIMIT_DATA,
    "NOFILE": resource.RLIMIT_NOFILE,
    "RSS": resource.RLIMIT_RSS,
    "STACK": resource.RLIMIT_STACK,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One service's program, ready to start. ``limits`` holds (resource, value) for setrlimit(2)."""

    service: str
    path: str
    argv: tuple[str, ...]
    umask: int
    limits: tuple[tuple[int, int], ...]
    environment: Environment


def plans(services: Iterable[Service]) -> dict[str, Plan]:
    """Compute the plans of the services that are programs, by ``Service.key``."""
    return {
        service.key: _plan(service, service.action)
        for service in services
        if isinstance(service.action, Program)
    }


def _plan(service: Service, program: Program) -> Plan:
    return Plan(
        service=service.key,
        path=program.path,
        argv=program.argv,
        umask=program.umask,
        limits=tuple(map(_limit, program.limits)),
        environment=Environment(service, program),
    )


def _limit(limit: ResourceLimit) -> tuple[int, int]:
    return _RESOURCES[limit.resource], resource.RLIM_INFINITY if limit.value is None else limit.value
