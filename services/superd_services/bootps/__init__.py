"""The Bootstrap Protocol (RFC 951), and DHCP (RFC 2131) for the same clients."""

from superd.service import BuiltinService, FileProblem, Options
from superd_services.bootps import machine, system
from superd_services.bootps.options import BootpsOptions, Delivery


def _frames(options: Options) -> bool:
    return isinstance(options, BootpsOptions) and options.delivery is not Delivery.BROADCAST


def _problems(options: Options) -> list[FileProblem]:
    return system.problems(options) if isinstance(options, BootpsOptions) else []


SERVICE = BuiltinService(
    name="bootps",
    summary="tells machines that start from the network who they are and what to load",
    options=BootpsOptions,
    links=machine.factory(lambda options: system.TableFile(options.bootptab, optional=options.proxy)),
    frames=_frames,
    problems=_problems,
    amplifies=True,
    own_worker=True,
)

__all__ = ["SERVICE"]
