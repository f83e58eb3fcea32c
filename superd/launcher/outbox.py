"""Messages to a process that may be slow to read: ``Outbox``."""

from collections import deque
from typing import Final

from superd.errors import ProtocolViolation
from superd.privsep.channel import Channel
from superd.privsep.messages import Message

OUTBOX_LIMIT: Final = 65536
"""Messages held back for one process: more than two for each of ``table.PROGRAM_LIMIT`` programs, about 20 MB."""


class Outbox:
    """Holds messages back, in order, until ``flush``; ``send`` tries at once."""

    __slots__ = ("_channel", "_waiting")

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._waiting: deque[Message] = deque()

    def __bool__(self) -> bool:
        """Tell whether something is held back."""
        return bool(self._waiting)

    def send(self, message: Message) -> None:
        """Send, or hold back, a message without a descriptor; to a process that is gone, nothing is sent.

        Raises:
            ProtocolViolation: more than ``OUTBOX_LIMIT`` messages wait.
        """
        if self._waiting or not self._sent(message):
            self.hold(message)

    def hold(self, message: Message) -> None:
        """Hold a message back until ``flush``.

        Raises:
            ProtocolViolation: more than ``OUTBOX_LIMIT`` messages wait.
        """
        if len(self._waiting) >= OUTBOX_LIMIT:
            raise ProtocolViolation(f"does not read: {OUTBOX_LIMIT} messages wait for it")
        self._waiting.append(message)

    def flush(self) -> None:
        """Send as much as the channel takes now."""
        while self._waiting and self._sent(self._waiting[0]):
            self._waiting.popleft()

    def _sent(self, message: Message) -> bool:
        try:
            self._channel.send(message)
        except BlockingIOError:
            return False
        except ConnectionError:
            return True  # its end is noticed, and dealt with, where it is read
        return True
