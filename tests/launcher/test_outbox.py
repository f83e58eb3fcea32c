"""Messages to a slow reader are held back in order, up to a limit."""

import contextlib
from collections.abc import Iterator

import pytest

from superd.errors import ProtocolViolation
from superd.launcher import outbox as module
from superd.launcher.outbox import Outbox
from superd.privsep.channel import Channel
from superd.privsep.messages import LAUNCHER_TO_WORKER, WORKER_TO_LAUNCHER, Started


@pytest.fixture
def ends() -> Iterator[tuple[Outbox, Channel]]:
    worker, launcher = Channel.pair(LAUNCHER_TO_WORKER, WORKER_TO_LAUNCHER)
    with contextlib.closing(worker), contextlib.closing(launcher):
        yield Outbox(launcher), worker


def fill(outbox: Outbox) -> int:
    """Send until one message is held back; return how many were sent in all."""
    sent = 0
    while not outbox:
        outbox.send(Started(sent, 1))
        sent += 1
    return sent


def drain(worker: Channel) -> list[int]:
    got = []
    with contextlib.suppress(BlockingIOError):
        while isinstance(message := worker.receive()[0], Started):
            got.append(message.conn)
    return got


def test_what_was_held_back_follows_in_order(ends: tuple[Outbox, Channel]) -> None:
    outbox, worker = ends
    sent = fill(outbox)
    for number in range(sent, sent + 10):
        outbox.send(Started(number, 1))
    got = drain(worker)
    outbox.flush()
    assert not outbox
    assert got + drain(worker) == list(range(sent + 10))


def test_nothing_overtakes_what_is_held_back(ends: tuple[Outbox, Channel]) -> None:
    outbox, worker = ends
    sent = fill(outbox)
    got = drain(worker)
    outbox.send(Started(sent, 1))
    assert drain(worker) == []
    outbox.flush()
    assert got + drain(worker) == list(range(sent + 1))


def test_too_much_held_back_is_the_readers_fault(
    ends: tuple[Outbox, Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OUTBOX_LIMIT", 3)
    outbox, _ = ends
    fill(outbox)
    outbox.send(Started(0, 1))
    outbox.send(Started(0, 1))
    with pytest.raises(ProtocolViolation, match="does not read"):
        outbox.send(Started(0, 1))


def test_a_reader_that_is_gone_leaves_nothing_held_back(ends: tuple[Outbox, Channel]) -> None:
    outbox, worker = ends
    fill(outbox)
    worker.close()
    outbox.flush()
    assert not outbox
    outbox.send(Started(0, 1))
    assert not outbox
