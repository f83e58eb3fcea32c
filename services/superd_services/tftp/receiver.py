"""``Receiver``: takes the blocks of a file, acknowledges them and has them written (RFC 1350, 2347, 7440).

Blocks are acknowledged as they come and written in larger pieces meanwhile; only the last acknowledgement waits until
the whole file is safe under its name. When the disk is slower than the client, acknowledgements wait as well.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from superd.service import (
    Call,
    Finish,
    Outcome,
    Raised,
    Received,
    Returned,
    Send,
    SetTimer,
    TimedOut,
    TransferAction,
    TransferEvent,
    Unreachable,
)
from superd_services.tftp import endings, packet
from superd_services.tftp.files import Sink
from superd_services.tftp.negotiate import Agreed
from superd_services.tftp.netascii import Decoder
from superd_services.tftp.numbers import LAST, ahead, wire
from superd_services.tftp.packet import ErrorCode
from superd_services.tftp.patience import Patience

WRITE_SIZE: Final = 262144
"""Bytes written at a time, and received beyond that while a write is under way."""

DALLY: Final = SetTimer(10.0)
"""How long a client that did not get the last acknowledgement can ask for it again; most resend within 6 seconds."""

_NO_TIMER: Final = SetTimer(0)
_NOTHING: Final = ()


class Receiver:
    """One file on its way from one client. ``sink`` is closed by whoever made it."""

    __slots__ = ("_agreed", "_calling", "_complained", "_count", "_decoder", "_done", "_got", "_last", "_oack", "_over",
                 "_owed", "_patience", "_pending", "_rollover", "_sink", "_waiting", "size")  # fmt: skip

    def __init__(self, sink: Sink, agreed: Agreed, patience: Patience, *, netascii: bool) -> None:
        self._sink = sink
        self._agreed = agreed
        self._rollover = agreed.rollover
        self._patience = patience
        self._oack = packet.oack(agreed.answer) if agreed.answer else b""
        self._decoder = Decoder() if netascii else None
        self._pending: list[bytes] = []
        self._got = self._count = self._waiting = self.size = 0
        self._complained = -1
        self._last = self._calling = self._owed = self._done = False
        self._over: tuple[TransferAction, ...] = ()

    def begin(self) -> Iterable[TransferAction]:
        """Tell the client to go on."""
        return self._acknowledge()

    def handle(self, event: TransferEvent) -> Iterable[TransferAction]:
        """Answer one event."""
        match event:
            case Received(data) if self._over:
                return _NOTHING
            case Received(data) if data.startswith(packet.DATA) and len(data) >= packet.HEADER_SIZE:
                return self._data(int.from_bytes(data[2:4], "big"), data[packet.HEADER_SIZE :])
            case Received(data) if data.startswith(packet.ERROR):
                return self._finish(
                    (Finish(Outcome.DONE),) if self._done else (endings.aborted(data, probe=False),)
                )
            case TimedOut():
                return self._timed_out()
            case Returned():
                return self._written()
            case Raised(error):
                self._calling = False
                return self._over or endings.failed(error)
            case Unreachable() if not self._done:
                return self._finish((Finish(Outcome.FAILED, "nobody listens at the client's port any more"),))
        return _NOTHING

    def _finish(self, actions: tuple[TransferAction, ...]) -> Iterable[TransferAction]:
        """End, but not before the call under way has been answered: it uses the sink."""
        if not self._calling:
            return actions
        self._over = actions
        return (_NO_TIMER,)

    def _data(self, number: int, data: bytes) -> Iterable[TransferAction]:
        if self._got == LAST and number < 2 and self._agreed.windowsize == 1:
            self._rollover = number  # now we see what this client does
        step = ahead(number, self._got, self._rollover)
        if step == 1 and not self._last:
            return self._next(data)
        if (
            not step
            and not self._count
            and not self._owed
            and self._got
            and not (self._last and not self._done)
        ):
            return (Send(self._answer()),)  # it did not hear us
        if 1 < step <= self._agreed.windowsize and self._complained != self._got and not self._owed:
            self._complained = self._got
            return self._acknowledge()
        return _NOTHING

    def _next(self, data: bytes) -> Iterable[TransferAction]:
        if len(data) > self._agreed.blksize:
            return self._finish(endings.refuse(ErrorCode.ILLEGAL, "Block too long", outcome=Outcome.FAILED))
        self._got += 1
        self._count += 1
        self._patience.renew()
        self._keep(data)
        if len(data) < self._agreed.blksize:
            self._last = True
            return (_NO_TIMER,) if self._calling else self._write()
        actions = () if self._calling or self._waiting < WRITE_SIZE else tuple(self._write())
        if self._count < self._agreed.windowsize:
            return (*actions, self._patience.timer)
        if self._calling and self._waiting >= WRITE_SIZE:
            self._owed = True
            return (*actions, _NO_TIMER)
        return (*actions, *self._acknowledge())

    def _keep(self, data: bytes) -> None:
        if self._decoder is not None:
            data = self._decoder.decode(data)
        self._pending.append(data)
        self._waiting += len(data)
        self.size += len(data)

    def _write(self) -> Iterable[TransferAction]:
        if self._last and self._decoder is not None:
            self._pending.append(self._decoder.end())
        data = b"".join(self._pending)
        self._pending.clear()
        self._waiting = 0
        self._calling = True
        work: Callable[[], None] = partial(_complete if self._last else _append, self._sink, data)
        return (_NO_TIMER, Call(work)) if self._last else (Call(work),)

    def _written(self) -> Iterable[TransferAction]:
        self._calling = False
        if self._over:
            return self._over
        if self._last:
            if self._pending:
                return self._write()
            self._done = True
            self._count = 0
            return Send(self._answer()), DALLY, Finish(Outcome.DONE, dally=True)
        actions = () if self._waiting < WRITE_SIZE else tuple(self._write())
        if not self._owed:
            return actions
        self._owed = False
        return (*actions, *self._acknowledge())

    def _timed_out(self) -> Iterable[TransferAction]:
        if self._done:
            return (Finish(Outcome.DONE),)
        if self._patience.lose():
            return self._finish((Finish(Outcome.FAILED, "no data from the client"),))
        return self._acknowledge()

    def _acknowledge(self) -> Iterable[TransferAction]:
        self._count = 0
        return Send(self._answer()), self._patience.timer

    def _answer(self) -> bytes:
        return self._oack if self._oack and not self._got else packet.ack(wire(self._got, self._rollover))


def _append(sink: Sink, data: bytes) -> None:
    sink.write(data)


def _complete(sink: Sink, data: bytes) -> None:
    if data:
        sink.write(data)
    sink.commit()
