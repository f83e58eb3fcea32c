"""What is known about people: ``Person`` and its parts, and ``Report``, the answer to a query.

Times are seconds since the epoch; what is ``None`` or empty is not to be told.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Session:
    """One login. ``idle`` is in seconds; ``reachable`` whether messages may be written to the terminal."""

    terminal: str
    since: float
    host: str = ""
    idle: float | None = None
    reachable: bool = True


@dataclass(frozen=True, slots=True)
class LastLogin:
    """The last login that was recorded; ``at`` 0: never."""

    at: float = 0.0
    terminal: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """The state of a mailbox: when mail came and when it was last looked at; both 0: there is none."""

    received: float = 0.0
    read: float = 0.0


@dataclass(frozen=True, slots=True)
class Note:
    """The text of a file; ``cut``: the rest of it is left out."""

    text: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """One person."""

    login: str
    name: str = ""
    office: str = ""
    phone: str = ""
    home_phone: str = ""
    home: str = ""
    shell: str = ""
    sessions: tuple[Session, ...] | None = None
    last: LastLogin | None = None
    mail: Mail | None = None
    notes: dict[str, Note | None] = field(default_factory=dict)
    """The files that are to be told about, by their names without the dot, in order; ``None``: there is none."""


@dataclass(frozen=True, slots=True)
class People:
    """People to tell about; ``more``: there are further ones."""

    persons: tuple[Person, ...]
    more: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A text to be told as it is: of a virtual user, or from another host."""

    text: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """There is nobody of that name, or nobody who wants to be known."""


Report = People | Text | Unknown
