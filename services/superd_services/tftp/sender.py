"""``Sender``: sends the blocks of a file and waits for their acknowledgements (RFC 1350, 2347, 7440).

Nothing is sent again because an acknowledgement came twice (RFC 1123 section 4.2.3.1), with one exception that RFC 7440
demands: who misses the first block of a window can only say so by acknowledging the block before once more. That is
answered once, and not again until two windows have passed, so that no echo can keep itself alive.

After a loss a window is sent in bursts that are half as long, with pauses; the receiver's buffer may be the bottleneck.
"""

from collections.abc import Iterable
from typing import Final

from superd.service import (
    Finish,
    Outcome,
    Received,
    Send,
    SetTimer,
    TimedOut,
    TransferAction,
    TransferEvent,
    Unreachable,
)
from superd_services.tftp import endings, packet
from superd_services.tftp.blocks import Blocks
from superd_services.tftp.negotiate import Agreed
from superd_services.tftp.numbers import LAST, ahead, wire
from superd_services.tftp.patience import Patience

PACE: Final = SetTimer(0.004)
"""Between two bursts of a window: time enough for a machine to empty its receive buffer."""

_NOTHING: Final = ()


class Sender:
    """One file on its way to one client. ``blocks`` are closed by whoever made them."""

    __slots__ = ("_acked", "_alive", "_blocks", "_burst", "_expected", "_highest", "_oack", "_pardon", "_patience",
                 "_probe", "_rollover", "_sent", "_window")  # fmt: skip

    def __init__(self, blocks: Blocks, agreed: Agreed, patience: Patience) -> None:
        self._blocks = blocks
        self._patience = patience
        self._window = self._burst = agreed.windowsize
        self._rollover = agreed.rollover
        self._oack = packet.oack(agreed.answer) if agreed.answer else b""
        self._probe = any(name.lower() == b"tsize" for name, _ in agreed.answer)
        self._acked = self._sent = self._highest = self._pardon = 0
        self._alive = False
        self._expected = b""
        """The acknowledgement of the block sent last."""

    def begin(self) -> Iterable[TransferAction]:
        """Send the first packet."""
        return self._again()

    def handle(self, event: TransferEvent) -> Iterable[TransferAction]:
        """Answer one event."""
        if isinstance(event, Received):
            data = event.data
            if data == self._expected:  # nearly always; everything else is looked at more closely
                return self._advance(self._sent) if self._window > 1 else self._next()
            if data.startswith(packet.ACK) and len(data) >= packet.HEADER_SIZE:
                return self._acknowledged(int.from_bytes(data[2:4], "big"))
            if data.startswith(packet.ERROR):
                return (endings.aborted(data, probe=self._probe and not self._acked),)
        elif isinstance(event, TimedOut):
            return self._timed_out()
        elif isinstance(event, Unreachable):
            return (self._end("nobody listens at the client's port any more"),)
        return _NOTHING

    def _acknowledged(self, number: int) -> Iterable[TransferAction]:
        if self._oack:
            if number:
                return _NOTHING
            self._oack = b""
            self._alive = True
            self._patience.renew()
            return self._send()
        step = ahead(number, self._acked, self._rollover)
        if not step:
            return self._repeated()
        if step > self._highest - self._acked:
            return _NOTHING  # late, or about what was never sent
        return self._advance(self._acked + step)

    def _advance(self, block: int) -> Iterable[TransferAction]:
        """Go on behind a block that was acknowledged."""
        self._acked = block
        self._alive = True
        self._patience.renew()
        if block >= self._blocks.last:
            return (Finish(Outcome.DONE),)
        if self._window > 1:
            self._adapt()
        return self._send()

    def _next(self) -> Iterable[TransferAction]:
        """Do what ``_advance`` comes to without windows, in fewer steps: speed is decided here."""
        acked = self._acked = self._sent
        patience = self._patience
        self._alive = True
        if patience.tries:
            patience.renew()
        if acked >= self._blocks.last:
            return (Finish(Outcome.DONE),)
        self._sent = self._highest = acked + 1
        try:
            return Send(self._packet(acked + 1)), patience.timer
        except OSError as error:
            return endings.failed(error)

    def _adapt(self) -> None:
        """Begin the next window where the receiver is, in bursts as long as experience says."""
        if self._acked < self._sent:
            self._lost()
        else:
            self._burst = min(self._burst * 2, self._window)
        self._sent = self._acked

    def _lost(self) -> None:
        self._burst = max(self._burst // 2, 1)

    def _repeated(self) -> Iterable[TransferAction]:
        whole = self._sent >= min(self._acked + self._window, self._blocks.last)
        if self._window == 1 or not whole or self._acked < self._pardon:
            return _NOTHING
        self._pardon = self._acked + 2 * self._window
        self._patience.resent += 1
        self._lost()
        self._sent = self._acked
        return self._send()

    def _timed_out(self) -> Iterable[TransferAction]:
        if not self._oack and self._sent < min(self._acked + self._window, self._blocks.last):
            return self._send()  # the next burst
        if self._patience.lose():
            return (self._end("no answer from the client"),)
        self._burst = 1
        self._sent = self._acked
        return self._again()

    def _end(self, reason: str) -> Finish:
        """Give up. Who got everything and did not wait to hear that we know has what it wanted."""
        if self._alive and self._highest >= self._blocks.last:
            return Finish(Outcome.DONE, "the last acknowledgement is missing")
        return Finish(Outcome.FAILED, reason)

    def _again(self) -> Iterable[TransferAction]:
        return (Send(self._oack), self._patience.timer) if self._oack else self._send()

    def _send(self) -> Iterable[TransferAction]:
        """Send the next burst of the window."""
        try:
            if self._window == 1:
                self._sent = self._highest = block = self._acked + 1
                return Send(self._packet(block)), self._patience.timer
            return self._send_burst()
        except OSError as error:
            return endings.failed(error)

    def _send_burst(self) -> Iterable[TransferAction]:
        actions: list[TransferAction] = []
        end = self._acked + self._window
        stop = min(self._sent + self._burst, end)
        while self._sent < min(stop, self._blocks.last):
            self._sent += 1
            actions.append(Send(self._packet(self._sent)))
        self._highest = max(self._sent, self._highest)
        whole = self._sent >= min(end, self._blocks.last)
        actions.append(self._patience.timer if whole else PACE)
        return actions

    def _packet(self, block: int) -> bytes:
        number = (block if block <= LAST else wire(block, self._rollover)).to_bytes(2, "big")
        self._expected = packet.ACK + number
        return packet.DATA + number + self._blocks.data(block)
