"""Receiving a file: what is acknowledged, and when it counts as written."""

import errno

import pytest

from helpers.tftp_machines import MemorySink, finish, sent
from superd.service import (
    Call,
    Finish,
    Outcome,
    Raised,
    Received,
    Returned,
    TimedOut,
    TransferAction,
    TransferEvent,
)
from superd_services.tftp import packet
from superd_services.tftp.files import Refused
from superd_services.tftp.negotiate import Agreed
from superd_services.tftp.packet import ErrorCode
from superd_services.tftp.patience import Patience
from superd_services.tftp.receiver import DALLY, WRITE_SIZE, Receiver

FULL = bytes(512)


class Server:
    """A receiver whose calls are done when the test says, or at once."""

    def __init__(
        self, window: int = 1, *, blksize: int = 512, netascii: bool = False, at_once: bool = True
    ) -> None:
        self.sink = MemorySink()
        agreed = Agreed(blksize=blksize, windowsize=window)
        self.machine = Receiver(self.sink, agreed, Patience(1.0, 3), netascii=netascii)
        self.at_once = at_once
        self.call: Call | None = None
        self.actions = list(self.machine.begin())

    def feed(self, event: TransferEvent) -> list[TransferAction]:
        actions = list(self.machine.handle(event))
        self.call = next((action for action in actions if isinstance(action, Call)), self.call)
        return actions + (self.done() if self.at_once and self.call else [])

    def done(self) -> list[TransferAction]:
        """Do the call that was asked for."""
        assert self.call
        call, self.call = self.call, None
        try:
            return self.feed(Returned(call.work()))
        except (OSError, Refused) as error:
            return self.feed(Raised(error))

    def data(self, number: int, data: bytes = FULL) -> list[bytes]:
        return sent(self.feed(Received(packet.DATA + (number % 65536).to_bytes(2, "big") + data)))


def test_a_file_is_written_before_its_last_block_is_acknowledged() -> None:
    server = Server(at_once=False)
    assert sent(server.actions) == [packet.ack(0)]
    assert server.data(1) == [packet.ack(1)]
    assert server.data(2, b"end") == []
    assert not server.sink.committed
    actions = server.done()
    assert server.sink.committed
    assert server.sink.data == FULL + b"end"
    assert sent(actions) == [packet.ack(2)]
    assert actions[1:] == [DALLY, Finish(Outcome.DONE, dally=True)]


def test_the_last_acknowledgement_can_be_had_again_for_a_while() -> None:
    server = Server()
    server.data(1, b"end")
    assert server.data(1, b"end") == [packet.ack(1)]
    assert finish(server.feed(TimedOut())) == Finish(Outcome.DONE)


def test_a_repeated_block_is_acknowledged_again_and_written_once() -> None:
    server = Server()
    assert server.data(1) == server.data(1) == [packet.ack(1)]
    server.data(2, b"")
    assert server.sink.data == FULL


@pytest.mark.parametrize("number", [0, 3, 4, 40000, 65535])
def test_a_block_from_elsewhere_is_not_answered(number: int) -> None:
    server = Server()
    server.data(1)
    assert server.data(number) == []


def test_a_gap_in_a_window_is_said_once() -> None:
    server = Server(4)
    assert server.data(1) == []
    assert server.data(3) == [packet.ack(1)]
    assert server.data(4) == []
    assert [server.data(number) for number in (2, 3, 4, 5)] == [[], [], [], [packet.ack(5)]]


def test_the_last_block_of_a_file_ends_a_window_early() -> None:
    server = Server(4)
    server.data(1)
    assert server.data(2, b"end") == [packet.ack(2)]


def test_a_client_that_fell_silent_is_asked_again_and_then_given_up() -> None:
    server = Server()
    server.data(1)
    assert [sent(server.feed(TimedOut())) for _ in range(3)] == [[packet.ack(1)]] * 3
    assert finish(server.feed(TimedOut())) == Finish(Outcome.FAILED, "no data from the client")


@pytest.mark.parametrize("number", [0, 1])
def test_both_ways_of_counting_on_are_understood(number: int) -> None:
    server = Server(blksize=8)
    for block in range(1, 65536):
        server.data(block, bytes(8))
    assert server.data(number, b"end") == [packet.ack(number)]
    assert server.sink.data == bytes(65535 * 8) + b"end"


def test_netascii_is_decoded_across_blocks() -> None:
    server = Server(netascii=True)
    server.data(1, b"x" * 511 + b"\r")
    server.data(2, b"\ny\r\0\r")
    assert server.sink.data == b"x" * 511 + b"\ny\r\r"


def test_a_block_longer_than_agreed_ends_it() -> None:
    server = Server()
    actions = server.feed(Received(packet.DATA + b"\0\1" + bytes(513)))
    assert sent(actions)[0].startswith(packet.ERROR + b"\0\4")
    assert finish(actions)


@pytest.mark.parametrize(
    ("error", "code", "outcome"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), ErrorCode.DISK_FULL, Outcome.FAILED),
        (OSError(errno.EIO, "Input/output error"), ErrorCode.UNDEFINED, Outcome.FAILED),
        (Refused(ErrorCode.DISK_FULL, "File too large"), ErrorCode.DISK_FULL, Outcome.REFUSED),
    ],
)
def test_what_can_not_be_written_is_told_and_never_acknowledged(
    error: Exception, code: ErrorCode, outcome: Outcome
) -> None:
    server = Server()
    server.sink.fails = error
    actions = server.feed(Received(packet.DATA + b"\0\1end"))
    assert sent(actions)[0].startswith(packet.ERROR + code.to_bytes(2, "big"))
    end = finish(actions)
    assert end
    assert end.outcome is outcome


def test_a_slow_disk_holds_acknowledgements_back() -> None:
    server = Server(blksize=65464, at_once=False)
    acknowledged = 0
    for number in range(1, 100):
        if not server.data(number, bytes(65464)):
            break
        acknowledged += 65464
    assert WRITE_SIZE < acknowledged <= 2 * WRITE_SIZE + 65464
    assert server.data(number, bytes(65464)) == []
    assert sent(server.done()) == [packet.ack(number)]


def test_a_client_that_breaks_off_waits_for_the_disk() -> None:
    server = Server(at_once=False)
    server.data(1, b"end")
    assert finish(server.feed(Received(packet.error(ErrorCode.UNDEFINED, "no")))) is None
    end = finish(server.done())
    assert end
    assert end.outcome is Outcome.FAILED
