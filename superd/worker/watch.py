"""``Watch``: whether a listening or datagram socket is looked at, and the reasons (``Hold``) why not."""

from enum import StrEnum

from superd.net.poller import READABLE, Pollable, Poller


class Hold(StrEnum):
    """Why nothing is accepted from a socket for now; what comes meanwhile waits in the kernel."""

    STARTING = "starting"
    PAUSED = "deactivated"
    """Its service had too many connections per second."""
    DESCRIPTORS = "out of descriptors"
    LAUNCHER = "waiting for a launcher"
    BUSY = "suspended"
    """A wait program has it."""
    BACKOFF = "backing off"
    """A wait program leaves what it was started for unread."""
    ADOPTING = "starting up"
    """Programs of an earlier worker may still have the socket."""
    DECIDING = "finding out who asks"
    DRAINED = "draining"


class Watch:
    """Watches one socket whenever nothing holds it; begins held by ``STARTING``."""

    __slots__ = ("_owner", "_poller", "fd", "holds")

    def __init__(self, poller: Poller, fd: int, owner: Pollable) -> None:
        self._poller = poller
        self._owner = owner
        self.fd = fd
        self.holds: set[Hold] = {Hold.STARTING}

    def hold(self, why: Hold) -> None:
        """Stop looking, for one more reason."""
        if not self.holds:
            self._poller.forget(self.fd)
        self.holds.add(why)

    def release(self, why: Hold) -> None:
        """One reason less; look again if it was the last."""
        if why in self.holds:
            self.holds.remove(why)
            if not self.holds:
                self._poller.watch(self.fd, self._owner, READABLE)
