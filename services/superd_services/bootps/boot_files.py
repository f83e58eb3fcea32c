"""Which boot file a client gets: ``choose``. RFC 951 section 7.3, with what CMU bootpd made of it, and PXE's kinds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from superd_services.bootps import pxe
from superd_services.bootps.bootptab import Host, Table
from superd_services.bootps.options import BootpsOptions
from superd_services.bootps.request import Request

Size = Callable[[str], int | None]
"""Gives the bytes of a file of this machine; ``None`` if there is none."""

SCHEMES: Final = ("http://", "https://", "tftp://", "ftp://", "nfs://")
"""How the names of files begin that are URLs."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A boot file. ``size`` in bytes, where known. ``missing``: the client named it, and there is none."""

    name: bytes = b""
    size: int | None = None
    missing: bool = False


def choose(request: Request, host: Host | None, table: Table, options: BootpsOptions, size: Size) -> Chosen:
    """Choose the boot file for a client.

    Whether it exists is only looked at if the entry says where (``td``), and no other server has the files.
    """
    name, asked = _name(request, host, table, options)
    if pxe.vendor_class(request) == pxe.HTTP and not name.startswith(SCHEMES):
        return Chosen()
    if not name or host is None or not host.text("td") or host.address_of("sa") not in {None, request.server}:
        return Chosen(name.encode("latin-1"))
    return _looked_up(name, host, size, asked=asked)


def _looked_up(name: str, host: Host, size: Size, *, asked: bool) -> Chosen:
    """Prefer ``name.host`` to ``name``, as CMU bootpd does."""
    if ".." in name.split("/"):
        return Chosen(name.encode("latin-1"), missing=asked)
    for each in (f"{name}.{host.name}", name):
        found = size(joined(host.text("td"), each))
        if found is not None:
            return Chosen(each.encode("latin-1"), found)
    return Chosen(name.encode("latin-1"), missing=asked)


def _name(request: Request, host: Host | None, table: Table, options: BootpsOptions) -> tuple[str, bool]:
    """Return the name, and whether it is the one that the client asked for.

    A generic name comes before the entry's file, any other name of the client's after it.
    """
    if pxe.is_ipxe(request) and (script := pxe.file_for_ipxe(options.boot_file)):
        return script, False
    home = host.text("hd") if host else ""
    own = host.text("bf") if host else ""
    asked = request.file.decode("latin-1")
    if asked in table.files:
        return in_home(home, table.files[asked]), True
    if own:
        return in_home(home, table.files.get(own, own)), False
    if asked:
        return asked if asked.startswith("/") else in_home(home, asked), True
    by_kind = pxe.file_for(request, options.boot_file)
    return by_kind or (in_home(home, table.default_file) if table.default_file else ""), False


def in_home(home: str, name: str) -> str:
    """Put the directory of boot files before a name, even before a whole path, as CMU bootpd does; not before a URL."""
    return name if name.startswith(SCHEMES) else joined(f"/{home.lstrip('/')}", name)


def joined(directory: str, name: str) -> str:
    """Join a directory and a name with exactly one slash."""
    return f"{directory.rstrip('/')}/{name.lstrip('/')}"
