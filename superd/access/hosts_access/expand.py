"""%-expansion of commands and values (hosts_access(5)): ``expand``."""

import os
import re
from typing import Final

from superd.access.hosts_access.facts import PARANOID, UNKNOWN, ClientFacts

EXPANSION_LIMIT: Final = 8191
"""Bytes of an expanded text, libwrap's buffer; there the process exits over it, here it is an error."""

_SPECIAL = re.compile(r"%(.?)", re.DOTALL)
_UNSAFE = re.compile(r"[^A-Za-z0-9!@%\-_=+:,./]")


def expand(text: str, daemon: str, facts: ClientFacts) -> str:
    """Replace every ``%`` letter; in what is put in, each character a shell might act on becomes ``_``.

    ``%h`` and ``%c`` show the name only when it is known by now. Raises ValueError when the result is too
    long.
    """
    values = _values(daemon, facts)

    def value(found: re.Match[str]) -> str:
        if found[1] in {"", "%"}:
            return "%"
        return _UNSAFE.sub("_", values.get(found[1], ""))

    expanded = _SPECIAL.sub(value, text)
    if len(expanded) > EXPANSION_LIMIT:
        raise ValueError(f"the expansion of {text[:30]!r}... is longer than {EXPANSION_LIMIT} bytes")
    return expanded


def _values(daemon: str, facts: ClientFacts) -> dict[str, str]:
    client, server = facts.address or UNKNOWN, facts.server_address or UNKNOWN
    host = _host(facts.name, client)
    server_host = _host(facts.server_name, server)
    user = facts.user or UNKNOWN
    return {
        "a": client,
        "A": server,
        "c": host if user == UNKNOWN else f"{user}@{host}",
        "d": daemon,
        "h": host,
        "H": server_host,
        "n": facts.name or UNKNOWN,
        "N": facts.server_name or UNKNOWN,
        "p": str(os.getpid()),
        "r": str(facts.port),
        "R": str(facts.server_port),
        "s": daemon if server_host == UNKNOWN else f"{daemon}@{server_host}",
        "u": user,
    }


def _host(name: str | None, address: str) -> str:
    return address if name in {None, UNKNOWN, PARANOID} else str(name)
