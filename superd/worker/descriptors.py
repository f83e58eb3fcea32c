"""How many descriptors connections may take: ``ceiling``."""

import os
import resource
import sys
from typing import Final

RESERVED: Final = 32
"""Descriptors that connections leave free: for launchers' channels, log files, and sockets for wait programs. Without
them a worker full of connections could not be told anything by the supervisor."""

RESERVED_FOR_PROGRAMS: Final = 128
"""Descriptors left free for connections that a program is about to get: whoever opens as many connections to a
built-in as there is room for must not lock out every other service."""


def ceiling(reserved: int) -> int:
    """The first descriptor number that no connection may have; the kernel always gives the lowest that is free.

    Where there are few, less is reserved: a quarter of what is free when 128 would be too many.
    """
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return sys.maxsize
    lowest = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.close(lowest)
    return soft - min(reserved, (soft - lowest) * reserved // 512)
