"""xinetd's own log lines, byte for byte: pure functions.

The shapes are those of xinetd.log(5), where they differ those that xinetd 2.3.15 really writes.

Each returns the text from the entry's name on, without stamp and newline; an empty text means that xinetd
writes nothing. ``id`` is the service's id as ``clean`` gives it; ``host`` is numeric and may be empty.
"""

import os
import time
from collections.abc import Set as AbstractSet
from typing import Final

from superd.log.text import escape

NO_ADDRESS: Final = "<no address>"
"""What xinetd writes for a server that got the listening socket, whose clients it does not see."""

IDENT_LIMIT: Final = 1000
"""Characters of an ident answer: a client need not take a longer line (RFC 1413 section 6, note 2)."""


def clean(text: str) -> str:
    """``text`` fit for one word of a line."""
    return escape(text)


def start(id_: str, on_success: AbstractSet[str], pid: int, host: str) -> str:
    """``START: id[ pid=N][ from=ADDR]``, whichever flag is set; pid 0: it has no process of its own."""
    if not on_success:
        return ""
    return f"START: {id_}{_pid(on_success, pid)}{_from(on_success, host)}"


def exited(id_: str, on_success: AbstractSet[str], pid: int, status: int, duration: float) -> str:
    """``EXIT: id[ status=N or signal=N][ pid=N][ duration=N(sec)]``, if EXIT or DURATION is set.

    Nothing for pid 0. ``status`` is the wait(2) status; the duration is in whole seconds.
    """
    if pid == 0 or not ("EXIT" in on_success or "DURATION" in on_success):
        return ""
    ending = f" {_ending(status)}" if "EXIT" in on_success else ""
    lasted = f" duration={max(int(duration), 0)}(sec)" if "DURATION" in on_success else ""
    return f"EXIT: {id_}{ending}{_pid(on_success, pid)}{lasted}"


def fail(id_: str, on_failure: AbstractSet[str], step: str, host: str) -> str:
    """``FAIL: id REASON[ from=ADDR]``, whichever flag of log_on_failure is set."""
    return f"FAIL: {id_} {step}{_from(on_failure, host)}" if on_failure else ""


def userid(id_: str, text: str) -> str:
    """``USERID: id OPSYS : USER``; ``text`` is what an ident server wrote after ``USERID :``, without the CR LF.

    xinetd leaves blanks inside and at the end as they are, and control characters too; those are escaped here.
    """
    return f"USERID: {id_} {escape(text, IDENT_LIMIT)}"


def noid(id_: str, host: str, reason: str) -> str:
    """``NOID: id ADDR reason``: refused because ident named nobody; the whole line, whatever flags are set."""
    return f"NOID: {id_} {_address(host)} {reason}"


def traffic(id_: str, bytes_in: int, bytes_out: int) -> str:
    """``TRAFFIC: id in=N(bytes) out=N(bytes)`` of a redirected connection."""
    return f"TRAFFIC: {id_} in={bytes_in}(bytes) out={bytes_out}(bytes)"


def file_stamp(when: time.struct_time) -> str:
    """``26/11/1@19:59:26: ``, the start of a line in a file: two-digit year, no zero before month and day."""
    clock = f"{when.tm_hour:02}:{when.tm_min:02}:{when.tm_sec:02}"
    return f"{when.tm_year % 100:02}/{when.tm_mon}/{when.tm_mday}@{clock}: "


def _ending(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"signal={os.WTERMSIG(status)}"
    return f"status={os.waitstatus_to_exitcode(status)}"


def _pid(flags: AbstractSet[str], pid: int) -> str:
    return f" pid={pid}" if "PID" in flags else ""


def _from(flags: AbstractSet[str], host: str) -> str:
    return f" from={_address(host)}" if "HOST" in flags else ""


def _address(host: str) -> str:
    return escape(host) if host else NO_ADDRESS
