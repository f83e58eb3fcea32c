"""Where log bytes go without ever waiting: ``Outlet`` and its kind for descriptors, ``DescriptorOutlet``.

A process must not hang because whoever reads its log does. Every write is non-blocking; what the reader does
not take waits in a bounded queue for the next line or the next ``flush``; what does not fit there is dropped
and counted.
"""

import os
import select
import socket
import stat
from collections import deque
from typing import Final

from superd.log.batch import batch

LINE_LIMIT: Final = 4096
"""Bytes of one line with its newline: PIPE_BUF on Linux, so lines of several processes in one pipe never mix
(pipe(7))."""

FILE_PIECE: Final = 65536
"""Bytes of lines that are written to a regular file at once; O_APPEND keeps them together at any size."""

WAITING_LIMIT: Final = 262144
"""Bytes that wait for a slow reader, over which lines are dropped: some 1,000 lines, a burst of a few
seconds."""

_OPEN_OWN: Final = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Outlet:
    """A destination that takes whole messages; ``dropped`` counts those that were lost."""

    def __init__(self) -> None:
        self.dropped = 0
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0

    def send(self, data: bytes) -> None:
        """Write a message now, or keep it for later, or drop it; never waits and never raises."""
        self.write(data)

    def write(self, data: bytes) -> None:
        """Like ``send``, for several messages in one piece as well, and past any ``batch``."""
        if self._waiting and not self.flush():
            self._keep(data)
            return
        rest = self._transmit(data)
        if rest:
            self._keep(rest)

    def flush(self) -> bool:
        """Write what waits; true when nothing waits any longer."""
        while self._waiting:
            head = self._waiting[0]
            rest = self._transmit(head)
            self._waiting_bytes += len(rest) - len(head)
            if rest:
                self._waiting[0] = rest
                return False
            self._waiting.popleft()
        return True

    def descriptors(self) -> frozenset[int]:
        """The descriptors it writes through at the moment."""
        return frozenset()

    def take_dropped(self) -> int:
        """How many messages were lost since the last call."""
        count, self.dropped = self.dropped, 0
        return count

    def forget(self) -> None:
        """In a forked child: what waits is written by the parent."""
        self._waiting.clear()
        self._waiting_bytes = 0
        self.dropped = 0

    def close(self) -> None:
        """Try once more to write what waits, and let go of the destination."""
        self.flush()

    def _keep(self, data: bytes) -> None:
        if self._waiting_bytes + len(data) > WAITING_LIMIT:
            self._drop(data)
            return
        self._waiting.append(data)
        self._waiting_bytes += len(data)

    def _drop(self, _data: bytes) -> None:
        """Count what is lost: here one message."""
        self.dropped += 1

    def _transmit(self, data: bytes) -> bytes:
        """Write what the destination takes; return what would have blocked. This one takes everything."""
        return data[:0]


class DescriptorOutlet(Outlet):
    """An open descriptor, which it owns: a file, FIFO, terminal, or a connected stream socket."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self.fd = fd
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._piece = LINE_LIMIT
        self._socket: socket.socket | None = None
        self._guard: select.poll | None = None
        self.renewed()

    def send(self, data: bytes) -> None:
        """Like ``Outlet.send``; within a ``batch``, lines are put together and written at its end."""
        if not batch.open:
            self.write(data)
            return
        if not self._held:
            batch.add(self)
        elif self._held_bytes + len(data) > self._piece:
            self._write_held()
        self._held.append(data)
        self._held_bytes += len(data)

    def let_out(self) -> None:
        """Write what was held back during a batch."""
        if self._held:
            self._write_held()

    def _write_held(self) -> None:
        data = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        self.write(data)

    def renewed(self) -> None:
        """Look anew at what the descriptor refers to, since dup2(2) may have put another file there."""
        self._let_go()
        mode = os.fstat(self.fd).st_mode
        self._piece = FILE_PIECE if stat.S_ISREG(mode) else LINE_LIMIT
        if stat.S_ISSOCK(mode):
            self._socket = socket.socket(fileno=os.dup(self.fd))
        elif os.get_blocking(self.fd) and not stat.S_ISREG(mode):
            self._guard = select.poll()
            self._guard.register(self.fd, select.POLLOUT)

    def descriptors(self) -> frozenset[int]:
        """The descriptor, and its duplicate if it is a socket."""
        return frozenset({self.fd} if self._socket is None else {self.fd, self._socket.fileno()})

    def close(self) -> None:
        """Write what waits if that is possible at once, and close the descriptor."""
        super().close()
        self._let_go()
        os.close(self.fd)

    def _let_go(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = self._guard = None

    def _transmit(self, data: bytes) -> bytes:
        try:
            return data[self._write(data) :]
        except BlockingIOError:
            return data
        except OSError:
            self._drop(data)
            return b""

    def _drop(self, _data: bytes) -> None:
        self.dropped += max(1, _data.count(b"\n"))  # each message is a line, and one that was cut off counts

    def _write(self, data: bytes) -> int:
        if self._socket is not None:
            return self._socket.send(data, socket.MSG_DONTWAIT)
        if self._guard is not None and not self._guard.poll(0):
            return 0
        return os.write(self.fd, data)


class DatagramOutlet(Outlet):
    """A local datagram socket by its path (syslog's, the journal's); connects again when its owner restarts.

    While nobody listens there, messages wait like those for a slow reader.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._socket: socket.socket | None = None

    def connect(self) -> bool:
        """Connect if that has not happened yet; false when nobody listens."""
        if self._socket is not None:
            return True
        try:
            fresh = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        except OSError:
            return False  # no descriptor is free: as if nobody listened
        try:
            fresh.connect(self._path)
        except OSError:
            fresh.close()
            return False
        self._socket = fresh
        return True

    def descriptors(self) -> frozenset[int]:
        """The connection, if there is one."""
        return frozenset() if self._socket is None else frozenset({self._socket.fileno()})

    def close(self) -> None:
        """Send what waits if that is possible at once, and hang up."""
        super().close()
        self._hang_up()

    def _transmit(self, data: bytes) -> bytes:
        lasting = self._socket is not None
        if not self.connect() or self._socket is None:
            return data
        try:
            self._socket.send(data)
        except BlockingIOError:
            return data
        except OSError:
            self._hang_up()
            return self._transmit(data) if lasting else data
        return data[:0]

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def own_description(fd: int) -> int:
    """A new descriptor for what ``fd`` refers to, non-blocking if that doesn't change ``fd`` for others.

    O_NONBLOCK belongs to the open file description, which the shell and everything it started share: it is
    never set on that. Where the file can't be opened again (a socket, another user's pipe) the result is a
    plain duplicate, and ``DescriptorOutlet`` asks poll(2) first: a ready pipe takes ``LINE_LIMIT`` bytes.
    """
    try:
        return os.open(f"/proc/self/fd/{fd}", _OPEN_OWN)
    except OSError:
        return os.dup(fd)
