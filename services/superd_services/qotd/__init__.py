"""The quote of the day service (RFC 865)."""

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator

from superd.service import BuiltinService, Options
from superd_services.qotd import system
from superd_services.qotd.protocol import Choice, Quotes, choose
from superd_services.qotd.quotes import BUILT_IN
from superd_services.single_answer import AnswerDatagram, AnswerStream


def _usable(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f"{path} is not an absolute path")
    obstacle = system.obstacle(path)
    if obstacle:
        raise ValueError(f"{path}: {obstacle}")
    return path


class QotdOptions(Options):
    """The attributes of qotd."""

    quotes: Annotated[str, AfterValidator(_usable)] | None = None
    """A file, or a directory of files; lines of ``%`` part the quotes of a file. Without it superd's own are told."""
    choice: Choice = Choice.RANDOM
    """``random``: another each time; ``daily``: the same for all of a day."""


def _chosen(options: Options) -> QotdOptions:
    return options if isinstance(options, QotdOptions) else QotdOptions()


def _built_in() -> Quotes:
    return BUILT_IN


def stream(options: Options) -> AnswerStream:
    """Make the machine of one connection."""
    chosen = _chosen(options)
    source: Callable[[], Quotes] = _built_in if chosen.quotes is None else system.shelf(chosen.quotes).get
    return AnswerStream(lambda now: choose(chosen.choice, source(), now))


def datagram(options: Options) -> AnswerDatagram:
    """Make the machine of one socket; the files are read now, and by a thread when they change."""
    chosen = _chosen(options)
    source: Callable[[], Quotes] = _built_in
    if chosen.quotes is not None:
        shelf = system.shelf(chosen.quotes)
        shelf.prepare()
        source = shelf.at_hand
    return AnswerDatagram(lambda now: choose(chosen.choice, source(), now))


SERVICE = BuiltinService(
    name="qotd",
    summary="tells a quote",
    options=QotdOptions,
    stream=stream,
    datagram=datagram,
    amplifies=True,
)

__all__ = ["SERVICE"]
