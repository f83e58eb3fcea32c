"""Block numbers: 16 bits on the wire, and counted on without end here (RFC 1350 says nothing of more than 65535).

After 65535 comes 0 with most clients and servers, 1 with some; ``rollover`` says which.
"""

from typing import Final

LAST: Final = 65535
"""The largest number on the wire."""


def wire(block: int, rollover: int) -> int:
    """The number on the wire of a block, counted from 1; 0 is 0."""
    if rollover and block:
        return (block - 1) % LAST + 1
    return block % (LAST + 1)


def ahead(number: int, block: int, rollover: int) -> int:
    """How far a number on the wire is ahead of a block; what lies behind comes out very large."""
    if rollover:
        if not number:
            return 0 if not block else LAST
        return (number - block) % LAST
    return (number - block) % (LAST + 1)
