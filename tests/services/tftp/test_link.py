"""A sender and a receiver over a bad network: every file arrives whole, and nothing goes on for ever."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.tftp_machines import Link, MemorySink, MemorySource, Weather
from superd.service import Outcome, TransferEvent
from superd_services.tftp.blocks import NetasciiBlocks, OctetBlocks
from superd_services.tftp.negotiate import Agreed
from superd_services.tftp.patience import Patience
from superd_services.tftp.receiver import Receiver
from superd_services.tftp.sender import Sender

RETRIES = 40
"""Enough that no weather below makes anybody give up."""


def link(
    data: bytes, weather: Weather, *, blksize: int, window: int, netascii: bool = False
) -> tuple[Link, MemorySink]:
    sink = MemorySink()
    source = MemorySource(data)
    blocks = NetasciiBlocks(source, blksize, window) if netascii else OctetBlocks(source, blksize)
    # The sender waits for block zero, as a server does that has answered options.
    sending = Agreed(blksize=blksize, windowsize=window, answer=[(b"blksize", b"%d" % blksize)])
    receiving = Agreed(blksize=blksize, windowsize=window)
    first = Sender(blocks, sending, Patience(1.0, RETRIES))
    second = Receiver(sink, receiving, Patience(1.0, RETRIES), netascii=netascii)
    return Link(first, second, weather), sink


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=3000),
    st.sampled_from([8, 100, 512]),
    st.sampled_from([1, 2, 4, 16, 64]),
    st.booleans(),
    st.builds(
        Weather,
        loss=st.sampled_from([0.0, 0.05, 0.3]),
        double=st.sampled_from([0.0, 0.1, 0.5]),
        late=st.sampled_from([0.0, 0.1, 0.5]),
        seed=st.integers(0, 1 << 32),
    ),
)
def test_every_file_arrives_whole(
    data: bytes, blksize: int, window: int, netascii: bool, weather: Weather
) -> None:
    joined, sink = link(data, weather, blksize=blksize, window=window, netascii=netascii)
    joined.run()
    assert sink.committed
    assert sink.data == data
    assert joined.ends[1].over
    assert joined.ends[1].over.outcome is Outcome.DONE


@pytest.mark.parametrize("window", [1, 2, 4, 16])
def test_doubled_packets_do_not_multiply(window: int) -> None:
    joined, sink = link(bytes(100_000), Weather(double=1.0), blksize=100, window=window)
    joined.run()
    assert sink.committed
    assert len(joined.ends[0].packets) < 2 * 1001 + 10


@pytest.mark.parametrize("window", [1, 4, 64])
def test_a_good_network_sees_each_block_once(window: int) -> None:
    joined, _ = link(bytes(100_000), Weather(), blksize=100, window=window)
    joined.run()
    assert len(joined.ends[0].packets) == 1001 + 1  # and the answer to the options
    assert joined.now < 20


@given(st.lists(st.binary(max_size=20), max_size=50))
def test_no_packet_makes_a_sender_answer_with_more_than_a_window(packets: list[bytes]) -> None:
    from superd.service import Received, Send

    sender = Sender(OctetBlocks(MemorySource(bytes(5000)), 512), Agreed(windowsize=4), Patience(1.0, 3))
    sender.begin()
    for data in packets:
        event: TransferEvent = Received(b"\0\4" + data)
        assert len([action for action in sender.handle(event) if isinstance(action, Send)]) <= 4
