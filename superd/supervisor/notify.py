"""Telling the service manager how the daemon is doing, by sd_notify(3)'s protocol.

Every function is silent when nobody asked (no ``$NOTIFY_SOCKET``) or nobody listens: a manager that is itself
being restarted is no reason to stop serving.
"""

import os
import socket
import time
from contextlib import suppress
from typing import Final

VARIABLE: Final = "NOTIFY_SOCKET"
"""Path of the manager's datagram socket; a leading ``@`` means the abstract namespace."""

STATUS_LIMIT: Final = 512
"""Characters of a status text; it is one line of ``systemctl status``."""


def ready(text: str = "") -> None:
    """Every port is served (again)."""
    send("READY=1", *_status(text))


def reloading() -> None:
    """A reload has begun; ``ready`` ends it. The time lets Type=notify-reload tell it from an older one."""
    send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def stopping(text: str = "") -> None:
    """The end has begun."""
    send("STOPPING=1", *_status(text))


def send(*assignments: str) -> None:
    """Send assignments in one datagram; never blocks, never raises for want of a listener."""
    address = os.environ.get(VARIABLE, "")
    if not assignments or address[:1] not in {"/", "@"}:
        return
    target = f"\0{address[1:]}" if address[0] == "@" else address
    with (
        suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as manager,
    ):
        manager.sendto("\n".join(assignments).encode("utf-8", "surrogateescape"), target)


def _status(text: str) -> list[str]:
    """A line break would begin another assignment."""
    return [f"STATUS={' '.join(text.split())[:STATUS_LIMIT]}"] if text else []
