"""The identification service (RFC 1413), which services(5) calls auth."""

from functools import partial

from superd.service import BuiltinService, Options
from superd_services.ident.machine import IdentMachine
from superd_services.ident.options import IdentOptions
from superd_services.ident.system import find_owner


def stream(options: Options) -> IdentMachine:
    """Make the machine of one connection."""
    chosen = options if isinstance(options, IdentOptions) else IdentOptions()
    return IdentMachine(chosen, partial(find_owner, chosen.noident))


SERVICE = BuiltinService(
    name="ident",
    summary="tells who owns a connection of this machine",
    options=IdentOptions,
    stream=stream,
)

__all__ = ["SERVICE"]
