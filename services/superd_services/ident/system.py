"""Asks the system who owns a connection: ``find_owner``. It blocks: accounts and homes may be on other machines."""

import pwd
import socket
from pathlib import Path
from typing import Final

from superd_services.ident.machine import Ends, Owner
from superd_services.netstat.system import find
from superd_services.netstat.table import Endpoint, packed

NOIDENT: Final = ".noident"
"""A file of this name in a home says that its owner does not want to be named (as inetd(8) of FreeBSD has it)."""


def find_owner(noident: bool, ends: Ends) -> Owner | None:
    """Find who owns the connection with these ends; ``noident``: look whether they want to be named.

    ``None`` for connections that don't exist and those that no process holds: the kernel shows uid 0 for the latter,
    and root must not be named for them.

    Raises:
        OSError: the kernel could not be asked.
    """
    entry = find(
        Endpoint(packed(ends.local_host), ends.local_port),
        Endpoint(packed(ends.host), ends.port),
        _interface(ends.host),
    )
    if entry is None or not entry.owned:
        return None
    try:
        account = pwd.getpwuid(entry.uid)
    except KeyError:
        return Owner(entry.uid, "")
    return Owner(entry.uid, account.pw_name, hidden=noident and wants_hiding(Path(account.pw_dir)))


def wants_hiding(home: Path) -> bool:
    """Tell whether there is a ``.noident`` in a home, of whatever kind: it is never opened, and no link is followed.

    A home that may not be looked into counts as if there were one: its owner may have wanted it so. One that does not
    exist holds nothing.
    """
    try:
        (home / NOIDENT).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True


def _interface(host: str) -> int:
    """The index of the interface that a link-local address names, else 0. Raises OSError for one that is gone."""
    _, _, scope = host.partition("%")
    if not scope:
        return 0
    return int(scope) if scope.isdigit() else socket.if_nametoindex(scope)
