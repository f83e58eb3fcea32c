"""``Stream``: drives the machine of one connection; ``StreamDriver`` is what all of them share.

No task, transport or protocol object per connection: one small object that the poller calls. Its socket stays
in blocking mode and is only ever used with MSG_DONTWAIT.
"""

import asyncio
import fcntl
import socket
import termios
from enum import StrEnum
from typing import Final, Protocol

from superd.net.aside import TIMED_OUT, Aside, Caller
from superd.net.poller import BROKEN, READABLE, WRITABLE, Poller
from superd.net.wheel import IdleWheel
from superd.service import (
    RECEIVE_SIZE,
    SEND_LIMIT,
    Call,
    Close,
    Connected,
    Drained,
    Eof,
    Peer,
    Received,
    Send,
    SetTimer,
    StreamEvent,
    StreamMachine,
)

FIRST_RECEIVE_SIZE: Final = 4096
"""Bytes asked for until a connection has filled that once: allocating ``RECEIVE_SIZE`` costs more than a
short read."""

LINGER_TIMEOUT: Final = 2.0
"""Seconds a closed connection may go on sending: closing it earlier would answer with a reset, which can
destroy our last bytes before the client has read them (RFC 1122 section 4.2.2.13)."""

LINGER_LIMIT: Final = 1024
"""Connections that linger at a time; more are closed at once, so that nobody can hold descriptors this
way."""

_NOTHING: Final = bytes(4)
"""The answer of FIONREAD (tty_ioctl(4), tcp(7)) when there is nothing to be read: a C int of zero."""

_EOF: Final = Eof()
_DRAINED: Final = Drained()
_DONTWAIT: Final = socket.MSG_DONTWAIT

_LAST: Final = socket.MSG_DONTWAIT | socket.MSG_MORE
"""For what is followed by a close: it then leaves together with the FIN, in one packet instead of two."""

_SEEN_EOF: Final = 1
_CLOSING: Final = 2
_LINGERING: Final = 4
_ENDED: Final = 8
_DRAINED_DUE: Final = 16
_BUSY: Final = 32
_WATCHED: Final = 64


class Ending(StrEnum):
    """Why a connection ended; the values are those of the log's ``reason``."""

    DONE = "done"
    """The machine said so."""
    RESET = "reset"
    IDLE = "idle"
    DRAIN = "drain"
    FAILED = "failed"
    """The machine raised an exception."""


class StreamOwner(Protocol):
    """Who is told about a connection's end, exactly once."""

    def stream_ended(self, stream: "Stream", ending: Ending) -> None:
        """The connection is over; its counters are final."""

    def stream_failed(self, stream: "Stream", error: Exception) -> None:
        """The machine raised; ``stream_ended`` follows."""


class StreamDriver:
    """What the streams of one worker share."""

    __slots__ = ("lingering", "loop", "poller", "wheel")

    def __init__(self, loop: asyncio.AbstractEventLoop, poller: Poller, wheel: IdleWheel) -> None:
        self.loop = loop
        self.poller = poller
        self.wheel = wheel
        self.lingering = 0


class Stream:
    """One connection of a built-in service.

    Takes over ``sock``. ``conn`` is the connection id, ``started`` its CLOCK_MONOTONIC time in seconds,
    ``span`` the idle time-out in the wheel's ticks, ``caller`` does the machine's calls. ``bytes_in`` and
    ``bytes_out`` count what was received and sent.
    """

    __slots__ = (
        "_aside",
        "_caller",
        "_driver",
        "_events",
        "_machine",
        "_owner",
        "_socket",
        "_state",
        "_waiting",
        "active",
        "bytes_in",
        "bytes_out",
        "conn",
        "due",
        "peer",
        "span",
        "started",
    )

    def __init__(
        self,
        driver: StreamDriver,
        sock: socket.SocketType,
        machine: StreamMachine,
        owner: StreamOwner,
        *,
        peer: Peer,
        conn: int,
        started: float,
        span: int,
        caller: Caller | None = None,
    ) -> None:
        self._driver = driver
        self._socket = sock
        self._machine = machine
        self._owner = owner
        self._state = 0
        self._events = 0
        self._waiting: bytearray | None = None
        self._caller = caller
        self._aside: Aside | None = None
        self.active = self.due = 0
        self.span = span
        self.peer = peer
        self.conn = conn
        self.started = started
        self.bytes_in = self.bytes_out = 0

    def start(self, now: float, greeting: bytes = b"") -> None:
        """Send the greeting, feed ``Connected`` and serve from now on; ``now`` is the wall clock."""
        if greeting and not self._send(greeting):
            return
        self._feed(Connected(self.peer, now))
        if self._events & READABLE:
            self._receive()  # most clients that speak first have done so by now; that saves a turn

    def stop(self) -> None:
        """End now, whatever waits to be sent: the drain time is over."""
        self._end(Ending.DRAIN)

    def idle(self) -> None:
        """End because nothing happened for too long (called by the wheel)."""
        if self._aside is not None and self._aside.calling and not self._state & _CLOSING:
            self._driver.wheel.add(self)  # it waits for us
        else:
            self._end(Ending.IDLE)

    def tell(self, event: StreamEvent) -> None:
        """Give the machine what comes from elsewhere: the answer to a call, or ``TimedOut``."""
        if self._state & (_CLOSING | _ENDED):
            return
        if event is not TIMED_OUT:
            self.active = self._driver.wheel.tick
        self._feed(event)

    def ready(self, events: int) -> None:
        """Send and receive what is possible (called by the poller)."""
        if self._state & _LINGERING:
            self._discard()
            return
        if events & (WRITABLE | BROKEN) and (self._waiting or self._state & _DRAINED_DUE):
            self._flush()
        if events & (READABLE | BROKEN) and not self._state & _ENDED:
            if self._events & READABLE:
                self._receive()
            elif events & BROKEN and not self._events & WRITABLE:
                self._end(Ending.RESET)

    def _receive(self) -> None:
        size = RECEIVE_SIZE if self._state & _BUSY else FIRST_RECEIVE_SIZE
        try:
            data = self._socket.recv(size, _DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            self._end(Ending.RESET)
            return
        self.active = self._driver.wheel.tick
        if not data:
            self._state |= _SEEN_EOF
            self._feed(_EOF)
            return
        length = len(data)
        if length == FIRST_RECEIVE_SIZE:
            self._state |= _BUSY
        self.bytes_in += length
        self._feed(Received(data))

    def _feed(self, event: StreamEvent) -> None:
        """Give the machine one event and carry out its actions."""
        sent = False
        try:
            actions = self._machine.handle(event)
            last = isinstance(actions, tuple) and actions and isinstance(actions[-1], Close)
            flags = _LAST if last else _DONTWAIT
            for action in actions:
                if not isinstance(action, Send):
                    if isinstance(action, Close):
                        self._state |= _CLOSING
                        break
                    self._put_aside(action)
                    continue
                if not self._send(action.data, flags):
                    return
                sent = True
        except Exception as error:  # noqa: BLE001 - whatever a service raises must end its connection alone
            self._owner.stream_failed(self, error)
            self._end(Ending.FAILED)
            return
        if self._waiting or not sent:
            self._settle()
        elif self._state & _CLOSING:
            self._finish()
        elif event is _DRAINED:
            # The next piece has left already. The others get their turn before the machine is asked for more.
            self._state |= _DRAINED_DUE
            self._settle()
        else:
            self._feed(_DRAINED)

    def _put_aside(self, action: Call | SetTimer) -> None:
        if self._aside is None:
            self._aside = Aside(self._driver.loop, self._caller, self.tell)
        if isinstance(action, Call):
            self._aside.call(action.work, self.bytes_in)
        else:
            self._aside.set_timer(action.seconds)

    def _settle(self) -> None:
        """Finish if nothing is left to do, else watch for exactly what can happen next."""
        if self._state & _CLOSING:
            if not self._waiting:
                self._finish()
                return
            self._want(WRITABLE)
            return
        events = WRITABLE if self._waiting or self._state & _DRAINED_DUE else 0
        if not self._state & _SEEN_EOF and (self._waiting is None or len(self._waiting) <= SEND_LIMIT):
            events |= READABLE
        if self._aside is not None and self._aside.full(self.bytes_in):
            events &= ~READABLE
        self._want(events)

    def _send(self, data: bytes, flags: int = _DONTWAIT) -> bool:
        """Send now what the kernel takes and keep the rest; false when the connection has ended instead."""
        if self._waiting:
            self._waiting += data
            return True
        try:
            count = self._socket.send(data, flags) if data else 0
        except BlockingIOError:
            count = 0
        except OSError:
            self._end(Ending.RESET)
            return False
        self.bytes_out += count
        if count < len(data):
            self._waiting = bytearray(memoryview(data)[count:])
        return True

    def _flush(self) -> None:
        """Send what waits; tell the machine when all has left."""
        self._state &= ~_DRAINED_DUE
        if self._waiting:
            try:
                count = self._socket.send(self._waiting, _DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                self._end(Ending.RESET)
                return
            self.active = self._driver.wheel.tick
            self.bytes_out += count
            del self._waiting[:count]
            if self._waiting:
                self._settle()
                return
            self._waiting = None
        if self._state & _CLOSING:
            self._finish()
        else:
            self._feed(_DRAINED)

    def _finish(self) -> None:
        """Close such that the client can read everything: not while it is sending."""
        if self._state & _SEEN_EOF or not (self.bytes_in or self._unread()):
            self._end(Ending.DONE)
            return
        driver = self._driver
        if driver.lingering >= LINGER_LIMIT or not self._shut():
            self._end(Ending.DONE)
            return
        driver.wheel.remove(self)
        self._state |= _LINGERING
        driver.lingering += 1
        self._owner.stream_ended(self, Ending.DONE)
        self.span = driver.wheel.span(LINGER_TIMEOUT)
        if self._state & _WATCHED:
            driver.wheel.add(self)
        self._want(READABLE)

    def _shut(self) -> bool:
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        return True

    def _unread(self) -> bool:
        """Tell whether the client has sent something that nobody read."""
        return fcntl.ioctl(self._socket.fileno(), termios.FIONREAD, _NOTHING) != _NOTHING

    def _discard(self) -> None:
        """Lingering: read until the client has closed as well."""
        try:
            if self._socket.recv(RECEIVE_SIZE, _DONTWAIT):
                return
        except BlockingIOError:
            return
        except OSError:
            self._end(Ending.RESET)
            return
        self._end(Ending.DONE)

    def _want(self, events: int) -> None:
        if not self._state & _WATCHED:
            self._state |= _WATCHED
            self._driver.poller.watch(self._socket.fileno(), self, events)
            self._driver.wheel.add(self)
        elif events != self._events:
            self._driver.poller.change(self._socket.fileno(), events)
        self._events = events

    def _end(self, ending: Ending) -> None:
        """Close the socket and tell the owner, once."""
        if self._state & _ENDED:
            return
        lingered = self._state & _LINGERING
        self._state |= _ENDED
        if self._aside is not None:
            self._aside.end()
            self._aside = None
        if self._state & _WATCHED:
            self._driver.wheel.remove(self)
            self._driver.poller.drop(self._socket.fileno())
        self._socket.close()
        self._waiting = None
        if lingered:
            self._driver.lingering -= 1
        else:
            self._owner.stream_ended(self, ending)
