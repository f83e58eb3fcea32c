"""``AnswerStream`` and ``AnswerDatagram``: machines of services that say one thing to whoever asks, whatever they say.

What is said comes from a function that gets the wall clock in seconds since the epoch and returns bytes.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from superd.service import Action, Call, Close, Connected, Datagram, Raised, Returned, Send, StreamEvent

_NOTHING: Final = ()


class AnswerStream:
    """Calls ``answer``, which may block, for each connection, sends what it returns, and closes.

    What the client says is ignored, and so is its closing of its own half. An error of the call is raised: the daemon
    logs it and closes. It remembers nothing, so all connections of a service can share one.
    """

    __slots__ = ("_answer",)

    def __init__(self, answer: Callable[[float], bytes]) -> None:
        self._answer = answer

    def handle(self, event: StreamEvent) -> Iterable[Action]:
        """Ask at the start, answer when it is known."""
        if isinstance(event, Connected):
            return (Call(partial(self._answer, event.now)),)
        if isinstance(event, Returned):
            assert isinstance(event.value, bytes)  # noqa: S101 - the type of what was called
            return (Send(event.value), Close())
        if isinstance(event, Raised):
            raise event.error
        return _NOTHING


class AnswerDatagram:
    """Answers each datagram with what ``answer``, which must not block, returns; an error of it is raised."""

    __slots__ = ("_answer",)

    def __init__(self, answer: Callable[[float], bytes]) -> None:
        self._answer = answer

    def handle(self, event: Datagram) -> Iterable[Send]:
        """Send the answer."""
        return (Send(self._answer(event.now)),)
