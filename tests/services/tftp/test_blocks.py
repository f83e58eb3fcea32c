"""Files as blocks, and the numbers of blocks on the wire."""

import pytest

from helpers.tftp_machines import MemorySource
from superd_services.tftp.blocks import READ_SIZE, NetasciiBlocks, OctetBlocks, Shrunk
from superd_services.tftp.netascii import encode
from superd_services.tftp.numbers import ahead, wire


@pytest.mark.parametrize(("size", "last"), [(0, 1), (1, 1), (511, 1), (512, 2), (513, 2), (1024, 3)])
def test_the_last_block_is_shorter_than_the_others_even_if_that_makes_it_empty(size: int, last: int) -> None:
    data = bytes(range(256)) * 4
    blocks = OctetBlocks(MemorySource(data[:size]), 512)
    assert blocks.last == last
    assert b"".join(blocks.data(number) for number in range(1, last + 1)) == data[:size]


@pytest.mark.parametrize("blksize", [8, 512, 1428, READ_SIZE - 1, READ_SIZE, 65464])
def test_blocks_are_the_same_in_any_order(blksize: int) -> None:
    data = bytes(number * number % 251 for number in range(200_000))
    blocks = OctetBlocks(MemorySource(data), blksize)
    for number in (blocks.last, 1, blocks.last // 2 + 1, 1):
        assert blocks.data(number) == data[(number - 1) * blksize : number * blksize]


@pytest.mark.parametrize("kind", [OctetBlocks, NetasciiBlocks])
def test_a_file_that_was_cut_off_does_not_look_whole(kind: type[OctetBlocks | NetasciiBlocks]) -> None:
    with pytest.raises(Shrunk):
        kind(MemorySource(b"x" * 600, size=1000), 512).data(2)


def test_a_file_that_has_grown_ends_where_it_did_when_it_was_opened() -> None:
    assert OctetBlocks(MemorySource(b"x" * 600, size=500), 512).data(1) == b"x" * 500


@pytest.mark.parametrize(
    "data", [b"", b"a", b"\n" * 256, b"a" * 511 + b"\n", b"\r" * 1024, b"a\r\n" * 50_000]
)
def test_netascii_blocks_are_full_but_the_last(data: bytes) -> None:
    blocks = NetasciiBlocks(MemorySource(data), 512)
    made: list[bytes] = []
    while len(made) < blocks.last:
        made.append(blocks.data(len(made) + 1))
    assert b"".join(made) == encode(data)
    assert all(len(block) == 512 for block in made[:-1])
    assert len(made[-1]) < 512


def test_netascii_blocks_of_a_window_can_be_asked_for_again() -> None:
    blocks = NetasciiBlocks(MemorySource(b"ab\n" * 1000), 512, 3)
    made = [blocks.data(number) for number in range(1, 6)]
    assert [blocks.data(number) for number in (3, 4, 5)] == made[2:]


@pytest.mark.parametrize("rollover", [0, 1])
@pytest.mark.parametrize("block", [0, 1, 65534, 65535, 65536, 131070, 131071, 131072, 20_000_000])
def test_the_next_blocks_are_just_ahead(block: int, rollover: int) -> None:
    assert [ahead(wire(block + step, rollover), block, rollover) for step in range(5)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("rollover", "number"), [(0, 0), (1, 1)])
def test_what_follows_the_largest_number(rollover: int, number: int) -> None:
    assert wire(65535, rollover) == 65535
    assert wire(65536, rollover) == number


@pytest.mark.parametrize("rollover", [0, 1])
def test_old_numbers_are_far_ahead(rollover: int) -> None:
    assert ahead(wire(70_000, rollover), 70_001, rollover) > 60_000
