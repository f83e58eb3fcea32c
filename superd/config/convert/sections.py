"""The ``#:SECTION:`` lines of Debian's inetd.conf: ``Sections`` knows under which one an entry stands."""

from bisect import bisect_left
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sections:
    """Section lines of one file with their numbers, in order."""

    numbers: tuple[int, ...]
    lines: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Sections":
        """Collect the section lines of a file."""
        found = [
            (number, line.strip())
            for number, line in enumerate(text.split("\n"), 1)
            if line.strip().startswith("#:")
        ]
        return cls(tuple(number for number, _ in found), tuple(line for _, line in found))

    def above(self, line: int) -> str:
        """Give the section line above a line, empty when there is none."""
        index = bisect_left(self.numbers, line)
        return self.lines[index - 1] if index else ""
