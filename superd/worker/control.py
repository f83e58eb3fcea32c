"""``Control``: the worker's end of its conversation with the supervisor."""

import os
import time
from collections import deque
from collections.abc import Iterable
from typing import Final, Protocol

from superd.errors import ProtocolViolation
from superd.net.poller import READABLE, WRITABLE, Poller
from superd.privsep.channel import Channel
from superd.privsep.messages import (
    LAUNCHER_TO_WORKER,
    Ban,
    Banned,
    Drain,
    Drained,
    Dump,
    LogFile,
    Message,
    Ready,
    StateEnd,
    StateLine,
    Stop,
)
from superd.privsep.messages import Channel as ChannelMessage

WAITING_LIMIT: Final = 65536
"""Messages that wait for the supervisor: a dump of more services than one worker has; further ones are dropped."""


class Commands(Protocol):
    """What the supervisor may tell a worker."""

    def drain(self) -> None:
        """Take nothing new; a successor follows."""

    def stop(self) -> None:
        """Take nothing new; nobody follows."""

    def abandoned(self) -> None:
        """The supervisor is gone, or talks nonsense."""

    def use_launcher(self, name: str, channel: Channel) -> None:
        """A launcher was started or restarted."""

    def use_log(self, path: str, fd: int) -> None:
        """A log file was opened anew; ``fd`` is given away."""

    def use_ban(self, banned: Banned) -> None:
        """Somebody has touched a sensor, here or elsewhere."""

    def state(self) -> Iterable[StateLine]:
        """Describe everything."""


class Control:
    """Reads commands and writes answers, without ever waiting for the supervisor."""

    def __init__(self, poller: Poller, channel: Channel, commands: Commands) -> None:
        self._poller = poller
        self._channel = channel
        self._commands = commands
        self._waiting: deque[Message] = deque()
        self._events = READABLE
        poller.watch(channel.fileno(), self)

    def send(self, message: Ready | Drained | StateLine | StateEnd | Ban) -> None:
        """Tell the supervisor something, when it reads."""
        if len(self._waiting) < WAITING_LIMIT:
            self._waiting.append(message)
            self._flush()

    def ready(self, events: int) -> None:
        """Take commands and send what waits (called by the poller)."""
        if events & WRITABLE:
            self._flush()
        try:
            while self._channel.fileno() >= 0:
                self._take(*self._channel.receive())
        except BlockingIOError:
            return
        except (EOFError, ConnectionError, ProtocolViolation):
            self._lose()

    def close(self) -> None:
        """Say no more."""
        if self._channel.fileno() >= 0:
            self._poller.forget(self._channel.fileno())
            self._channel.close()
        self._waiting.clear()

    def _lose(self) -> None:
        self.close()
        self._commands.abandoned()

    def _flush(self) -> None:
        try:
            while self._waiting and self._channel.fileno() >= 0:
                self._channel.send(self._waiting[0])
                self._waiting.popleft()
        except BlockingIOError:
            pass
        except ConnectionError:
            self._waiting.clear()  # its end of file follows
        self._want(READABLE | WRITABLE if self._waiting else READABLE)

    def _want(self, events: int) -> None:
        if events != self._events and self._channel.fileno() >= 0:
            self._events = events
            self._poller.change(self._channel.fileno(), events)

    def _take(self, message: Message, fd: int | None) -> None:
        match message:
            case Drain():
                self._commands.drain()
            case Stop():
                self._commands.stop()
            case Banned():
                self._commands.use_ban(message)
            case Dump():
                self._dump()
            case LogFile() if fd is not None:
                self._commands.use_log(message.path, fd)
            case ChannelMessage() if fd is not None:
                self._commands.use_launcher(message.launcher, Channel.adopt(fd, LAUNCHER_TO_WORKER))
            case _ if fd is not None:
                os.close(fd)

    def _dump(self) -> None:
        if self._waiting:
            return  # the last one is not read yet, and says the same
        for line in self._commands.state():
            self.send(line)
        self.send(StateEnd())


def process_state(name: str, generation: int, started: float) -> Iterable[StateLine]:
    """Describe the process itself."""
    yield StateLine("", "worker", f"{name}, generation {generation}, pid {os.getpid()}")
    yield StateLine("", "uptime", f"{time.monotonic() - started:.0f} s")
