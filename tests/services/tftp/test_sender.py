"""Sending a file: who is answered how, and who is not."""

import pytest

from helpers.tftp_machines import MemorySource, finish, sent
from superd.service import Finish, Outcome, Received, SetTimer, TimedOut, Unreachable
from superd_services.tftp import packet
from superd_services.tftp.blocks import OctetBlocks
from superd_services.tftp.negotiate import Agreed
from superd_services.tftp.packet import ErrorCode
from superd_services.tftp.patience import DELAY_LIMIT, Patience
from superd_services.tftp.sender import PACE, Sender

DATA = bytes(number % 251 for number in range(10_000))


class Zeros(MemorySource):
    """A file too large to have."""

    def read(self, offset: int, size: int) -> bytes:
        assert offset + size <= self.size
        return bytes(size)


def sender(
    data: bytes = DATA, window: int = 1, *answer: tuple[bytes, bytes], retries: int = 5, size: int = -1
) -> Sender:
    agreed = Agreed(windowsize=window, answer=list(answer))
    return Sender(OctetBlocks(MemorySource(data, size), 512), agreed, Patience(agreed.timeout, retries))


def block(number: int) -> bytes:
    return packet.DATA + (number % 65536).to_bytes(2, "big") + DATA[(number - 1) * 512 : number * 512]


def ack(number: int) -> Received:
    return Received(packet.ack(number))


def test_the_first_block_is_sent_at_once() -> None:
    assert sent(sender().begin()) == [block(1)]


def test_each_acknowledgement_brings_the_next_block() -> None:
    machine = sender()
    machine.begin()
    assert [sent(machine.handle(ack(number))) for number in (1, 2, 3)] == [[block(2)], [block(3)], [block(4)]]


def test_the_last_acknowledgement_ends_it() -> None:
    machine = sender(b"short")
    machine.begin()
    assert finish(machine.handle(ack(1))) == Finish(Outcome.DONE)


@pytest.mark.parametrize("number", [0, 1, 3, 17, 65535])
def test_an_acknowledgement_of_anything_else_is_not_answered(number: int) -> None:
    machine = sender()
    machine.begin()
    machine.handle(ack(1))
    assert list(machine.handle(ack(number))) == []


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\0\4", b"\0\4\0", b"\0\3\0\1x", b"\0\1f\0octet\0", b"\0\6", b"\xff" * 600]
)
def test_what_is_no_acknowledgement_is_not_answered(data: bytes) -> None:
    machine = sender()
    machine.begin()
    assert list(machine.handle(Received(data))) == []


def test_options_are_answered_and_wait_for_block_zero() -> None:
    machine = sender(DATA, 1, (b"tsize", b"10000"))
    assert sent(machine.begin()) == [b"\0\6tsize\x0010000\0"]
    assert list(machine.handle(ack(1))) == []
    assert sent(machine.handle(ack(0))) == [block(1)]
    assert list(machine.handle(ack(0))) == []


def test_lost_options_are_sent_again_and_no_data_is() -> None:
    machine = sender(DATA, 1, (b"tsize", b"10000"))
    first = sent(machine.begin())
    assert sent(machine.handle(TimedOut())) == first


def test_time_outs_double_and_end() -> None:
    machine = sender(retries=7)
    actions = list(machine.begin())
    delays = []
    while not finish(actions):
        delays += [action.seconds for action in actions if isinstance(action, SetTimer)]
        actions = list(machine.handle(TimedOut()))
    assert delays == [1, 2, 4, 8, 16, DELAY_LIMIT, DELAY_LIMIT, DELAY_LIMIT]
    assert finish(actions) == Finish(Outcome.FAILED, "no answer from the client")


def test_an_answer_makes_it_patient_again() -> None:
    machine = sender()
    machine.begin()
    for _ in range(3):
        machine.handle(TimedOut())
    assert list(machine.handle(ack(1)))[-1] == SetTimer(1)


@pytest.mark.parametrize("event", [TimedOut(), Unreachable()])
def test_a_lost_last_acknowledgement_is_no_failure(event: TimedOut | Unreachable) -> None:
    machine = sender(DATA[:600], retries=0)
    machine.begin()
    machine.handle(ack(1))
    end = finish(machine.handle(event))
    assert end
    assert end.outcome is Outcome.DONE


def test_a_short_file_that_nobody_ever_acknowledged_is_a_failure() -> None:
    machine = sender(b"short", retries=0)
    machine.begin()
    end = finish(machine.handle(TimedOut()))
    assert end
    assert end.outcome is Outcome.FAILED


@pytest.mark.parametrize("code", [ErrorCode.OPTIONS, ErrorCode.UNDEFINED])
def test_who_only_wanted_the_size_has_not_failed(code: ErrorCode) -> None:
    machine = sender(DATA, 1, (b"tsize", b"10000"))
    machine.begin()
    assert finish(machine.handle(Received(packet.error(code, "User aborted")))) == Finish(Outcome.PROBED)


def test_an_error_in_the_middle_is_a_failure_with_the_words_of_the_client() -> None:
    machine = sender(DATA, 1, (b"tsize", b"10000"))
    machine.begin()
    machine.handle(ack(0))
    machine.handle(ack(1))
    end = finish(machine.handle(Received(packet.error(ErrorCode.DISK_FULL, "no room"))))
    assert end == Finish(Outcome.FAILED, "the client broke off: error 3 no room")


def test_a_file_that_was_cut_off_ends_with_an_error() -> None:
    machine = sender(DATA[:700], size=1500)
    actions = list(machine.begin())
    assert sent(actions)[0][:2] == packet.ERROR
    assert finish(actions)


def test_a_window_is_sent_whole_and_the_next_when_its_end_is_acknowledged() -> None:
    machine = sender(DATA, 4)
    assert sent(machine.begin()) == [block(number) for number in (1, 2, 3, 4)]
    assert sent(machine.handle(ack(4))) == [block(number) for number in (5, 6, 7, 8)]


def test_a_gap_is_sent_again_in_bursts_half_as_long() -> None:
    machine = sender(DATA, 8)
    machine.begin()
    actions = list(machine.handle(ack(2)))
    assert sent(actions) == [block(number) for number in (3, 4, 5, 6)]
    assert actions[-1] is PACE
    actions = list(machine.handle(TimedOut()))
    assert sent(actions) == [block(number) for number in (7, 8, 9, 10)]
    assert actions[-1] == SetTimer(1)


def test_windows_grow_back() -> None:
    machine = sender(DATA, 4)
    machine.begin()
    machine.handle(ack(1))  # blocks 2 and 3
    machine.handle(TimedOut())  # 4 and 5
    assert len(sent(machine.handle(ack(5)))) == 4


def test_after_a_time_out_a_window_comes_block_by_block() -> None:
    machine = sender(DATA, 4)
    machine.begin()
    assert [sent(machine.handle(TimedOut())) for _ in range(4)] == [
        [block(number)] for number in (1, 2, 3, 4)
    ]


def test_what_was_received_before_a_time_out_counts() -> None:
    machine = sender(DATA, 4)
    machine.begin()
    machine.handle(TimedOut())
    assert sent(machine.handle(ack(4)))[0] == block(5)


def test_a_repeated_acknowledgement_moves_a_window_once_and_not_again() -> None:
    machine = sender(DATA, 4)
    machine.begin()
    machine.handle(ack(4))
    assert sent(machine.handle(ack(4)))[0] == block(5)
    machine.handle(TimedOut())
    for _ in range(5):
        assert list(machine.handle(ack(4))) == []


def test_blocks_are_counted_on_beyond_the_numbers_of_the_wire() -> None:
    machine = Sender(OctetBlocks(Zeros(b"", size=1 << 40), 8), Agreed(blksize=8), Patience(1.0, 5))
    machine.begin()
    for number in range(1, 65537):
        actions = machine.handle(ack(number % 65536))
    assert sent(actions) == [b"\0\3\0\1" + bytes(8)]
