"""%-expansion of commands, values and banners (hosts_access(5)): ``expand``."""

import os
import re
from collections.abc import Callable
from typing import Final

from superd.access.facts import UNKNOWN, ClientFacts, is_good
from superd.access.hosts_access.inquiry import Inquiry

EXPANSION_LIMIT: Final = 8190
"""Bytes of an expanded text, libwrap's buffer; there the process exits over it, here it is an error."""

_SPECIAL = re.compile(r"%(.?)", re.DOTALL)
_UNSAFE = re.compile(r"[^A-Za-z0-9!@%\-_=+:,./]")


class _MissingError(Exception):
    """A letter stands for a fact that nobody has found out yet."""


def expand(text: str, inquiry: Inquiry) -> str | None:
    """Replace every ``%`` letter; in what is put in, each character a shell might act on becomes ``_``.

    ``%n``, ``%N`` and ``%u`` ask for what they stand for; ``None`` when the inquiry has no answer yet. ``%h`` and
    ``%c`` show the name only when something before has asked for it. Raises ValueError when the result is too long.
    """
    try:
        expanded = _SPECIAL.sub(lambda found: _value(found[1], inquiry), text)
    except _MissingError:
        return None
    if len(expanded) > EXPANSION_LIMIT:
        raise ValueError(f"the expansion of {text[:30]!r}... is longer than {EXPANSION_LIMIT} bytes")
    return expanded


def _value(letter: str, inquiry: Inquiry) -> str:
    if letter in {"", "%"}:
        return "%"
    make = _VALUES.get(letter)
    return _UNSAFE.sub("_", make(inquiry)) if make else ""


def _asked(answer: str | None) -> str:
    if answer is None:
        raise _MissingError
    return answer


def _address(facts: ClientFacts) -> str:
    return facts.address or UNKNOWN


def _host(inquiry: Inquiry) -> str:
    facts = inquiry.facts
    return str(facts.name) if is_good(facts.name) else _address(facts)


def _server_host(inquiry: Inquiry) -> str:
    facts = inquiry.facts
    return str(facts.server_name) if is_good(facts.server_name) else facts.server_address or UNKNOWN


def client(inquiry: Inquiry) -> str:
    """Name the client as the log of tcpd(8) does: ``user@host``, as far as both are known."""
    user = inquiry.facts.user
    return f"{user}@{_host(inquiry)}" if is_good(user) else _host(inquiry)


def _server(inquiry: Inquiry) -> str:
    host = _server_host(inquiry)
    return inquiry.name if host == UNKNOWN else f"{inquiry.name}@{host}"


_VALUES: Final[dict[str, Callable[[Inquiry], str]]] = {
    "a": lambda inquiry: _address(inquiry.facts),
    "A": lambda inquiry: inquiry.facts.server_address or UNKNOWN,
    "c": client,
    "d": lambda inquiry: inquiry.name,
    "h": _host,
    "H": _server_host,
    "n": lambda inquiry: _asked(inquiry.client_name()),
    "N": lambda inquiry: _asked(inquiry.server_name()),
    "p": lambda _: str(os.getpid()),
    "r": lambda inquiry: str(inquiry.facts.port),
    "R": lambda inquiry: str(inquiry.facts.server_port),
    "s": _server,
    "u": lambda inquiry: _asked(inquiry.user()),
}
