"""The connection to the local syslog daemon: ``Syslog``, and ``priority`` for a facility and a level.

Messages are what syslog(3) sends: ``<PRI>Mmm dd hh:mm:ss ident[pid]: text`` (RFC 3164 section 4.1, without
the host name, which is not written on the local socket).
"""

import os
import time
from functools import cache
from typing import Final

from superd.log.outlet import DatagramOutlet
from superd.log.text import Stamp

SYSLOG_PATH: Final = "/dev/log"

MESSAGE_LIMIT: Final = 1024
"""Bytes of one message: RFC 3164 section 4.1 allows no more, and classic daemons cut there."""

FACILITIES: Final = {
    "kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7, "uucp": 8,
    "cron": 9, "authpriv": 10, "ftp": 11, **{f"local{number}": 16 + number for number in range(8)},
}  # fmt: skip

LEVELS: Final = {
    "emerg": 0, "alert": 1, "crit": 2, "err": 3, "error": 3, "warning": 4, "notice": 5, "info": 6, "debug": 7,
}  # fmt: skip

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def priority(facility: str, level: str) -> int:
    """The number in ``<PRI>``: 8 times the facility plus the level. Raises KeyError for an unknown name."""
    return FACILITIES[facility.lower()] * 8 + LEVELS[level.lower()]


class Syslog(DatagramOutlet):
    """A connection to the syslog daemon."""

    def __init__(self, path: str = SYSLOG_PATH) -> None:
        super().__init__(path)
        self._stamp = Stamp(bsd_stamp)

    def log(self, pri: int, ident: str, text: str, now: float) -> None:
        """Send one message of priority ``pri``; ``now`` is in seconds since the epoch."""
        message = f"<{pri}>{self._stamp(now)} {ident}[{os.getpid()}]: {text}"
        self.send(message.encode("utf-8", "backslashreplace")[:MESSAGE_LIMIT])


@cache
def system_syslog() -> Syslog:
    """The process's one connection to ``SYSLOG_PATH``, shared by superd's own log and all services."""
    return Syslog()


def bsd_stamp(when: time.struct_time) -> str:
    """``Nov  1 19:59:26``, in English whatever the locale (RFC 3164 section 4.1.2)."""
    clock = f"{when.tm_hour:02}:{when.tm_min:02}:{when.tm_sec:02}"
    return f"{_MONTHS[when.tm_mon - 1]} {when.tm_mday:2} {clock}"
