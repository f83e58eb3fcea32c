"""The built-in services: ``BUILTINS``, the one table that names them, and ``find``, which loads them.

A site may add services of its own as entry points of the group ``superd.services``; only names that the
configuration allows (``extensions``) are ever loaded, and none can replace a built-in.
"""

from collections.abc import Collection
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final

from superd.errors import ConfigError
from superd.service import BuiltinService

BUILTINS: Final[dict[str, str]] = {
    "echo": "superd_services.echo:SERVICE",
    "discard": "superd_services.discard:SERVICE",
    "chargen": "superd_services.chargen:SERVICE",
    "daytime": "superd_services.daytime:SERVICE",
    "time": "superd_services.time:SERVICE",
    "finger": "superd_services.finger:SERVICE",
    "ident": "superd_services.ident:SERVICE",
    "systat": "superd_services.systat:SERVICE",
    "netstat": "superd_services.netstat:SERVICE",
    "qotd": "superd_services.qotd:SERVICE",
    "tftp": "superd_services.tftp:SERVICE",
    "bootps": "superd_services.bootps:SERVICE",
}
"""Where each service is, in the order in which people are shown them."""

ALIASES: Final = {"auth": "ident", "bootp": "bootps", "dhcp": "bootps"}
"""Second names of built-ins, which a stanza may use as well: services(5) and FreeBSD's inetd say auth, and people say
bootp or dhcp."""

ENTRY_POINTS: Final = "superd.services"
"""Entry point group of services that are installed beside superd."""


def find(name: str, extensions: Collection[str] = ()) -> BuiltinService | None:
    """Return the built-in or allowed extension of this name, or ``None``.

    Raises:
        ConfigError: an allowed extension is not installed, or what it names is no service.
    """
    name = ALIASES.get(name, name)
    if name in BUILTINS:
        return _builtin(name)
    return _extension(name) if name in extensions else None


@cache
def _builtin(name: str) -> BuiltinService:
    module, _, attribute = BUILTINS[name].partition(":")
    service = getattr(import_module(module), attribute)
    assert isinstance(service, BuiltinService)  # noqa: S101 - the table above is ours
    return service


@cache
def _extension(name: str) -> BuiltinService:
    found = entry_points(group=ENTRY_POINTS, name=name)
    if not found:
        raise ConfigError(
            f"extension {name}: no installed package offers it (entry point group {ENTRY_POINTS})"
        )
    try:
        service = next(iter(found)).load()
    except Exception as error:
        raise ConfigError(f"extension {name}: can't be loaded: {error}") from error
    if not isinstance(service, BuiltinService):
        raise ConfigError(f"extension {name}: {next(iter(found)).value} is no service")
    return service
