"""What was found out about a client, as workers and launchers tell each other: ``names``, ``known``, ``facts``.

A worker may have been taken over by a client, so its words are only believed as far as they can be true. Whatever
they are, ``expand`` lets no character through that a shell acts on.
"""

from typing import Final

from superd.access.facts import NAME, SERVER_NAME, USER, Answers, ClientFacts
from superd.errors import ProtocolViolation
from superd.privsep.messages import Command, RuledLaunch

NAME_LIMIT: Final = 255
"""Characters of a host or user name: what RFC 1035 section 2.3.4 allows the one, twice what our ident client takes."""

PORT_LIMIT: Final = 65535

_BITS: Final = (1, 2, 4)
"""The client's name, its user and the server's name in ``known``."""


def names(facts: ClientFacts) -> tuple[str, str, str]:
    """Return the client's name, its user and the server's name for a message; empty is what nobody asked for.

    A name that no receiver would believe is left out, too: then a rule that needs it is not carried out.
    """
    server = facts.answers.get(SERVER_NAME) if facts.server_name is None else facts.server_name
    return _sent(facts.found_name), _sent(facts.found_user), _sent(server)


def known(facts: ClientFacts) -> int:
    """Tell which of the three were known when a rule's first option was reached."""
    values = (facts.name, facts.user, facts.server_name)
    return sum(bit for bit, value in zip(_BITS, values, strict=True) if value is not None)


def facts(message: RuledLaunch | Command, bits: int) -> ClientFacts:
    """Return the facts of a message as they were when that rule was reached; the other names are answers.

    Raises:
        ProtocolViolation: they can't be true. (The addresses are checked where the environment is made.)
    """
    found = (message.client_name, message.user, message.server_name)
    ports = (message.peer_port, message.local_port)
    if not (
        0 <= bits <= sum(_BITS) and all(map(_credible, found)) and all(0 <= n <= PORT_LIMIT for n in ports)
    ):
        raise ProtocolViolation(f"{type(message).__name__} holds something that can't be true of a client")
    before = [name if name and bits & bit else None for name, bit in zip(found, _BITS, strict=True)]
    answers: Answers = {
        question: name for question, name in zip((NAME, USER, SERVER_NAME), found, strict=True) if name
    }
    return ClientFacts(
        message.peer_host, message.peer_port, before[0], before[1],
        message.local_host, message.local_port, before[2], answers,
    )  # fmt: skip


def _sent(name: str | bool | None) -> str:
    return name if isinstance(name, str) and _credible(name) else ""


def _credible(name: str) -> bool:
    return len(name) <= NAME_LIMIT and name.isprintable()
