"""``IdentOptions``: the attributes of ident."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from superd.service import Options
from superd_services.ident.protocol import TOKEN, USER_ID_LIMIT


class Reply(StrEnum):
    """What is said about the owner of a connection."""

    USER = "user"
    UID = "uid"
    RANDOM = "random"
    FAKE = "fake"
    HIDDEN = "hidden"


REAL: Final = frozenset({Reply.USER, Reply.UID})
"""Replies for which the owner has to be found out."""


def _token(text: str) -> str:
    if not TOKEN.fullmatch(text) or "," in text:
        raise ValueError(f"{text} is not 1 to 64 visible ASCII characters without colon and comma (RFC 1413)")
    return text


def _name(text: str) -> str:
    if not text.isprintable() or not 1 <= len(text.encode()) <= USER_ID_LIMIT:
        raise ValueError(f"not 1 to {USER_ID_LIMIT} printable bytes")
    return text


Token = Annotated[str, AfterValidator(_token)]
UserId = Annotated[str, AfterValidator(_name)]


class IdentOptions(Options):
    """The attributes of ident."""

    reply: Reply = Reply.USER
    """``user``: the name of the connection's owner; ``uid``: the number; ``random``: letters that mean nothing, new
    each time; ``fake``: always ``fake_user``; ``hidden``: always HIDDEN-USER."""
    fake_user: UserId | None = None
    """The name for ``reply = fake``."""
    noident: bool = True
    """Hide users who have a file ``.noident`` in their home, or a home that superd may not look into."""
    hidden_users: tuple[str, ...] = ()
    """Names that are always hidden."""
    system: Token = "UNIX"
    """The operating system field of replies that name a user; ``OTHER`` says that the name means nothing to others."""
    charset: Token | None = None
    """The character set of names (RFC 1340); without it US-ASCII is understood."""
    hide_errors: bool = False
    """Say UNKNOWN-ERROR instead of NO-USER and HIDDEN-USER."""
    queries: int = Field(default=16, ge=1, le=1000)
    """Queries answered on one connection; after the last it is closed."""
    query_timeout: float = Field(default=60.0, ge=1, le=3600)
    """Seconds a client may take for each query; RFC 1413 section 4 recommends 60 to 180."""

    @model_validator(mode="after")
    def _has_fake_user(self) -> "IdentOptions":
        if (self.reply is Reply.FAKE) != (self.fake_user is not None):
            raise ValueError("reply = fake and fake_user need each other")
        return self

    @property
    def system_field(self) -> str:
        """The field as it is sent."""
        system = "OTHER" if self.reply is Reply.RANDOM else self.system
        return f"{system} , {self.charset}" if self.charset else system
