"""What starting a service's program takes, computed once: ``Plan``."""

import resource
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

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


BUILTIN_ENV: Final = (("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),)
"""What a command that a rule has run for a built-in service finds beside the facts of the connection."""

BUILTIN_UMASK: Final = 0o022
"""The umask of such a command: tcpd(8)'s, and xinetd's own."""


class Ids(NamedTuple):
    """What to become instead of what the launcher is; ``uid`` -1 changes nothing, as for setresuid(2)."""

    uid: int
    gid: int
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """One service's program, ready to start; or a command instead, which a rule of hosts.allow or hosts.deny holds.

    ``limits`` holds (resource, value) for setrlimit(2). ``nice`` is added to the launcher's.
    """

    service: str
    path: str
    argv: tuple[str, ...]
    umask: int
    limits: tuple[tuple[int, int], ...]
    environment: Environment
    nice: int = 0
    ids: Ids | None = None
    ignores_hangup: bool = False
    """SIGHUP stays ignored, as it is for the commands of libwrap's spawn."""

    @property
    def forked(self) -> bool:
        """Whether it takes a plain fork: posix_spawn(3) can't do everything."""
        return bool(self.limits or self.nice or self.ids)


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
        environment=Environment(service, program.env),
    )


def builtin_plan(service: Service) -> Plan:
    """Compute what commands for a built-in service start from; it has no program itself."""
    return Plan(
        service=service.key,
        path="",
        argv=(),
        umask=BUILTIN_UMASK,
        limits=(),
        environment=Environment(service, BUILTIN_ENV),
    )


def _limit(limit: ResourceLimit) -> tuple[int, int]:
    return _RESOURCES[limit.resource], resource.RLIM_INFINITY if limit.value is None else limit.value
