"""``batch``: log lines of one turn of an event loop, written together.

A worker under load writes several lines per connection; a busy service notices the difference between one write(2) per
turn and one per line. Lines never wait longer than the turn; a process killed in its middle loses those of that turn.
"""

from types import TracebackType
from typing import Protocol


class Holding(Protocol):
    """An outlet that holds lines back."""

    def let_out(self) -> None:
        """Write what was held back."""


class Batch:
    """A context that is open during a turn; outlets that hold lines back while it is open are written at its end."""

    __slots__ = ("_holding", "open")

    def __init__(self) -> None:
        self.open = False
        self._holding: list[Holding] = []

    def add(self, outlet: Holding) -> None:
        """Note an outlet that holds something back."""
        self._holding.append(outlet)

    def __enter__(self) -> None:
        self.open = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open = False
        for outlet in self._holding:
            outlet.let_out()
        self._holding.clear()


batch = Batch()
"""The process's one batch; nothing is held back while it is not open."""
