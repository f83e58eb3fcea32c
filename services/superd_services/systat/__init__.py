"""The active users service (RFC 866)."""

from enum import StrEnum
from functools import partial
from typing import Final

from superd.service import BuiltinService, Options
from superd_services.recent import Recent
from superd_services.single_answer import AnswerDatagram, AnswerStream
from superd_services.systat import protocol, system

PROCESSES_LIMIT: Final = 1000
"""Processes shown: several screens for a person; what a forked bomb adds is only counted."""


class Show(StrEnum):
    """Words for the option ``show``."""

    USERS = "users"
    LOGINS = "logins"
    PROCESSES = "processes"


class SystatOptions(Options):
    """The attributes of systat."""

    show: Show = Show.USERS
    """``users``: names alone; ``logins``: with terminals and times; ``processes``: what runs, without arguments."""


def _text(show: Show) -> bytes:
    if show is Show.PROCESSES:
        return protocol.text(protocol.processes(system.processes(), PROCESSES_LIMIT))
    lines = protocol.users if show is Show.USERS else protocol.details
    return protocol.text(lines(system.logins()))


_TEXTS: Final = {show: Recent(partial(_text, show)) for show in Show}
"""One for all connections and sockets of a worker."""


def _recent(options: Options) -> Recent[bytes]:
    return _TEXTS[options.show if isinstance(options, SystatOptions) else Show.USERS]


def stream(options: Options) -> AnswerStream:
    """Make the machine of one connection."""
    recent = _recent(options)
    return AnswerStream(lambda _now: recent.get())


def datagram(options: Options) -> AnswerDatagram:
    """Make the machine of one socket; it answers with the lines that fit."""
    recent = _recent(options)
    recent.prepare()
    return AnswerDatagram(lambda _now: protocol.shortened(recent.at_hand()))


SERVICE = BuiltinService(
    name="systat",
    summary="names the users who are logged in",
    options=SystatOptions,
    stream=stream,
    datagram=datagram,
    amplifies=True,
)

__all__ = ["SERVICE"]
