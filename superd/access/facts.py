"""What is known about a client: ``ClientFacts``; and what a rule still asks for: ``Question``.

Rules are evaluated without waiting. An evaluation that lacks a fact says which ``Question`` it would ask next;
whoever can answer it does, adds the answer to the facts, and has the rules evaluated again from the start.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

UNKNOWN: Final = "unknown"
"""The value of a fact that was asked for and could not be had (hosts_access(5))."""

PARANOID: Final = "paranoid"
"""The value of a host name whose forward and reverse look-ups disagree."""


class Need(StrEnum):
    """The kinds of facts that have to be asked for; the values complete "needs ..."."""

    NAME = "the client's host name"
    USER = "the client's user name (ident)"
    SERVER_NAME = "the server's host name"
    NETGROUP = "the netgroup database"
    ACLEXEC = "the result of aclexec"


@dataclass(frozen=True, slots=True)
class Question:
    """One fact to find out. Equal questions have the same answer within one decision.

    ``subject`` is the group and the host for ``NETGROUP``, and which command for ``ACLEXEC``. ``seconds`` is the
    longest a ``USER`` question may take, 0 for the usual time. ``command`` is the ``Effect`` to run for ``ACLEXEC``.
    """

    need: Need
    subject: str = ""
    seconds: int = field(default=0, compare=False)
    command: object = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.need} ({self.subject})" if self.subject else str(self.need)


NAME: Final = Question(Need.NAME)
USER: Final = Question(Need.USER)
SERVER_NAME: Final = Question(Need.SERVER_NAME)

Answers = Mapping[Question, str | bool]
"""Names and users as text (``UNKNOWN`` and ``PARANOID`` included), netgroups and commands as yes or no."""


@dataclass(frozen=True, slots=True)
class ClientFacts:
    """Both ends of a connection, as far as known.

    Addresses are numeric; empty means there is none. ``name``, ``user`` and ``server_name`` are known from the
    start; ``None`` means that a rule has to ask. What was asked for since is in ``answers``.
    """

    address: str
    port: int = 0
    name: str | None = None
    user: str | None = None
    server_address: str = ""
    server_port: int = 0
    server_name: str | None = None
    answers: Answers = field(default_factory=dict)

    def with_answer(self, question: Question, answer: str | bool) -> "ClientFacts":
        """The same facts and one more answer."""
        return replace(self, answers={**self.answers, question: answer})

    @property
    def found_name(self) -> str | None:
        """The client's host name, if it is known or was asked for."""
        return self._found(self.name, NAME)

    @property
    def found_user(self) -> str | None:
        """The client's user, if it is known or was asked for."""
        return self._found(self.user, USER)

    def _found(self, known: str | None, question: Question) -> str | None:
        answer = self.answers.get(question) if known is None else known
        return None if answer is None else str(answer)


def is_good(name: str | None) -> bool:
    """Whether a name was found out and is trusted."""
    return name is not None and name not in {UNKNOWN, PARANOID}
