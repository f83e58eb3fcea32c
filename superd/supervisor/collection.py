"""Collecting the state of every process for one dump: who still has to answer, and what was said."""

from dataclasses import dataclass, field
from typing import Final

from superd.privsep.messages import StateLine

COLLECT_LIMIT: Final = 2.0
"""Seconds to wait for the answers; a process that hangs is missing from the dump, and the dump says so."""

LINES_LIMIT: Final = 200_000
"""State lines of one dump; more would be a child gone mad."""

TEXT_LIMIT: Final = 64 << 20
"""Characters of all of them: the supervisor's memory is not for a worker to fill."""


@dataclass(slots=True)
class Collection:
    """One dump in the making."""

    missing: dict[int, str]
    """Title per pid of the processes that have not finished yet."""
    lines: list[StateLine] = field(default_factory=list)
    _size: int = 0

    def take(self, line: StateLine) -> None:
        """Keep one fact."""
        self._size += len(line.service) + len(line.field) + len(line.text)
        if len(self.lines) < LINES_LIMIT and self._size <= TEXT_LIMIT:
            self.lines.append(line)

    def finished(self, pid: int) -> bool:
        """Note that a process has said everything (or died); tell whether it was the last one."""
        self.missing.pop(pid, None)
        return not self.missing
