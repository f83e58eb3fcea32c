"""``Orders``: the commands of rules (``spawn``, ``aclexec``) that one launcher was asked for, until it has answered."""

import asyncio
from dataclasses import dataclass
from typing import Final, Protocol

from superd.privsep.messages import Command, CommandEnded

ORDERS_LIMIT: Final = 256
"""Commands of one launcher that are not answered yet: it runs 32 and refuses the rest at once, so these are on their
way. Over it, a command is given up before it is sent."""

ANSWER_LIMIT: Final = 40.0
"""Seconds to wait for an answer: longer than a launcher lets a command run, so that only one that hangs is given up."""

FAILED: Final = -1
"""The status of a command that was not run."""


class Sender(Protocol):
    """A channel to a launcher."""

    def send(self, message: Command, fd: int | None = None) -> bool:
        """Send a message; false when there is no room. Raises ConnectionError, or ValueError when it is too long."""


@dataclass(slots=True)
class _Order:
    command: Command
    answer: asyncio.Future[int]
    limit: asyncio.TimerHandle
    sent: Sender | None = None


class Orders:
    """Commands by their number, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._orders: dict[int, _Order] = {}

    def __len__(self) -> int:
        return len(self._orders)

    def ask(self, command: Command, link: Sender | None) -> asyncio.Future[int]:
        """Have a command run over this channel; the result is its wait(2) status, or ``FAILED``."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[int] = loop.create_future()
        if link is None or len(self._orders) >= ORDERS_LIMIT:
            answer.set_result(FAILED)
            return answer
        limit = loop.call_later(ANSWER_LIMIT, self.ended, CommandEnded(command.number, FAILED))
        self._orders[command.number] = _Order(command, answer, limit)
        self.flush(link)
        return answer

    def flush(self, link: Sender) -> None:
        """Send what waits, as far as there is room; the channel says when there is more."""
        for order in tuple(self._orders.values()):
            if order.sent is None and not self._send(order, link):
                return

    def ended(self, message: CommandEnded) -> None:
        """Pass an answer on; one that nobody waits for any more is nothing special."""
        order = self._orders.pop(message.number, None)
        if order is None:
            return
        order.limit.cancel()
        if not order.answer.done():
            order.answer.set_result(message.status)

    def lost(self, link: Sender | None) -> None:
        """Give up what was sent over a channel that is gone, or (``None``) all; and what has not been sent."""
        for number, order in tuple(self._orders.items()):
            if link is None or order.sent in {None, link}:
                self.ended(CommandEnded(number, FAILED))

    def _send(self, order: _Order, link: Sender) -> bool:
        try:
            if not link.send(order.command):
                return False
        except ConnectionError:
            return False  # its end of file follows
        except ValueError:
            self.ended(CommandEnded(order.command.number, FAILED))
            return True
        order.sent = link
        return True
