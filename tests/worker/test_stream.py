"""The stream driver with machines made for the test."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

import pytest

from helpers.working import DEADLINE, TICK, eventually
from superd.net.stream import Ending, Stream
from superd.service import (
    RECEIVE_SIZE,
    SEND_LIMIT,
    Action,
    Close,
    Connected,
    Drained,
    Eof,
    Peer,
    Received,
    Send,
    StreamEvent,
)
from superd.worker.context import Context

FAULT = LookupError("of the machine")
PEER = Peer("192.0.2.1", 1, "192.0.2.2", 2)
Answer = Callable[[StreamEvent], Iterable[Action]]


@dataclass
class Scripted:
    """A machine that answers as told and remembers its events."""

    answer: Answer = lambda _event: ()
    events: list[StreamEvent] = field(default_factory=list)

    def handle(self, event: StreamEvent) -> Iterable[Action]:
        self.events.append(event)
        return self.answer(event)

    @property
    def received(self) -> bytes:
        return b"".join(event.data for event in self.events if isinstance(event, Received))


@dataclass
class Owner:
    endings: list[Ending] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def stream_ended(self, stream: Stream, ending: Ending) -> None:
        self.endings.append(ending)

    def stream_failed(self, stream: Stream, error: Exception) -> None:
        self.errors.append(error)


class Rig:
    """A stream, its machine and owner, and the client's end."""

    def __init__(self, context: Context, client: socket.socket, sock: socket.socket) -> None:
        self.context = context
        self.client = client
        self.owner = Owner()
        self._socket = sock

    def start(self, machine: Scripted, idle: float = 60.0) -> Stream:
        raw = socket.SocketType(socket.AF_INET, socket.SOCK_STREAM, 0, self._socket.detach())
        span = self.context.wheel.span(idle)
        stream = Stream(
            self.context.streams, raw, machine, self.owner, peer=PEER, conn=1, started=0.0, span=span
        )
        stream.start(5.0)
        return stream

    async def read(self, size: int = 65536) -> bytes:
        async with asyncio.timeout(DEADLINE):
            return await asyncio.get_running_loop().sock_recv(self.client, size)

    async def read_all(self) -> bytes:
        data = b""
        while piece := await self.read():
            data += piece
        return data


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    context = Context.make(asyncio.get_running_loop(), 1, TICK)
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
    client.setblocking(False)
    rig = Rig(context, client, accepted)
    yield rig
    client.close()
    accepted.close()
    context.close()


def on(kind: type[StreamEvent], *actions: Action) -> Answer:
    return lambda event: actions if isinstance(event, kind) else ()


async def test_the_first_event_is_connected_with_peer_and_time(rig: Rig) -> None:
    machine = Scripted()
    rig.start(machine)
    assert machine.events == [Connected(PEER, 5.0)]


async def test_everything_sent_before_close_arrives_and_the_end_follows(rig: Rig) -> None:
    data = bytes(3_000_000)
    stream = rig.start(Scripted(on(Connected, Send(data), Send(b"end"), Close())))
    assert await rig.read_all() == data + b"end"
    await eventually(lambda: rig.owner.endings == [Ending.DONE])
    assert stream.bytes_out == len(data) + 3


async def test_actions_after_close_are_not_carried_out(rig: Rig) -> None:
    rig.start(Scripted(on(Connected, Send(b"a"), Close(), Send(b"b"))))
    assert await rig.read_all() == b"a"


async def test_no_event_comes_after_close(rig: Rig) -> None:
    machine = Scripted(on(Received, Close()))
    rig.start(machine)
    rig.client.send(b"x")
    await eventually(lambda: rig.owner.endings)
    rig.client.send(b"y")
    rig.client.close()
    await asyncio.sleep(2 * TICK)
    assert machine.events[1:] == [Received(b"x")]


async def test_after_eof_the_client_can_still_read(rig: Rig) -> None:
    rig.start(Scripted(on(Eof, Send(b"late"), Close())))
    rig.client.shutdown(socket.SHUT_WR)
    assert await rig.read_all() == b"late"
    await eventually(lambda: rig.owner.endings == [Ending.DONE])


async def test_drained_comes_each_time_everything_has_left(rig: Rig) -> None:
    pieces = iter([Send(b"1"), Send(b"2"), Send(b"3")])

    def answer(event: StreamEvent) -> Iterable[Action]:
        return (next(pieces, Close()),) if isinstance(event, Drained | Connected) else ()

    machine = Scripted(answer)
    rig.start(machine)
    assert await rig.read_all() == b"123"
    assert machine.events[1:] == [Drained()] * 3


async def test_pieces_are_at_most_of_the_promised_size(rig: Rig) -> None:
    machine = Scripted()
    rig.start(machine)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(rig.client, bytes(1_000_000))
    await eventually(lambda: len(machine.received) == 1_000_000)
    assert max(len(event.data) for event in machine.events if isinstance(event, Received)) <= RECEIVE_SIZE


async def test_nothing_more_is_received_while_too_much_waits_to_be_sent(rig: Rig) -> None:
    def answer(event: StreamEvent) -> Iterable[Action]:
        return (Send(bytes(8 << 20)),) if isinstance(event, Received) else ()

    machine = Scripted(answer)
    rig.start(machine)
    rig.client.send(b"a")
    await eventually(lambda: machine.received == b"a")
    rig.client.send(b"b")
    await asyncio.sleep(4 * TICK)
    assert machine.received == b"a"
    got = 0
    while got < (8 << 20) - SEND_LIMIT:
        got += len(await rig.read(1 << 20))
    await eventually(lambda: machine.received == b"ab")


async def test_a_silent_connection_ends_idle_and_never_early(rig: Rig) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    rig.start(Scripted(), idle=0.2)
    await eventually(lambda: rig.owner.endings)
    assert rig.owner.endings == [Ending.IDLE]
    assert 0.2 - 0.002 <= loop.time() - started < DEADLINE  # the loop's clock counts milliseconds


async def test_a_client_that_does_not_read_is_idle_too(rig: Rig) -> None:
    rig.start(Scripted(on(Connected, Send(bytes(32 << 20)), Close())), idle=0.2)
    await eventually(lambda: rig.owner.endings == [Ending.IDLE])


async def test_a_reset_ends_the_connection(rig: Rig) -> None:
    rig.start(Scripted())
    rig.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    rig.client.close()
    await eventually(lambda: rig.owner.endings == [Ending.RESET])


async def test_a_reset_is_noticed_while_nothing_is_read(rig: Rig) -> None:
    rig.start(Scripted(on(Connected, Send(bytes(32 << 20)))))
    rig.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    rig.client.close()
    await eventually(lambda: rig.owner.endings == [Ending.RESET])


async def test_an_endless_sender_ends_when_nobody_is_there(rig: Rig) -> None:
    rig.start(Scripted(lambda event: (Send(b"x" * 1000),) if isinstance(event, Connected | Drained) else ()))
    assert await rig.read(10) == b"x" * 10
    rig.client.close()
    await eventually(lambda: rig.owner.endings == [Ending.RESET])


async def test_an_exception_ends_its_connection_and_is_reported_once(rig: Rig) -> None:
    def answer(event: StreamEvent) -> Iterable[Action]:
        if isinstance(event, Received):
            raise FAULT
        return ()

    rig.start(Scripted(answer))
    rig.client.send(b"x")
    await eventually(lambda: rig.owner.endings == [Ending.FAILED])
    assert rig.owner.errors == [FAULT]


async def test_an_exception_in_a_generator_is_caught_as_well(rig: Rig) -> None:
    def answer(event: StreamEvent) -> Iterable[Action]:
        yield Send(b"a")
        raise LookupError("later")

    rig.start(Scripted(answer))
    assert await rig.read_all() == b"a"
    assert rig.owner.endings == [Ending.FAILED]


async def test_a_client_that_still_sends_reads_our_last_bytes_before_the_connection_is_gone(rig: Rig) -> None:
    rig.start(Scripted(on(Received, Send(b"bye"), Close())))
    rig.client.send(b"quit")
    assert await rig.read() == b"bye"
    assert await rig.read() == b""
    for _ in range(5):
        rig.client.send(b"more")
        await asyncio.sleep(0)
    assert rig.owner.endings == [Ending.DONE]
    assert rig.context.streams.lingering == 1
    rig.client.close()
    await eventually(lambda: rig.context.streams.lingering == 0)


async def test_lingering_is_bounded_in_time(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("superd.net.stream.LINGER_TIMEOUT", 0.1)
    rig.start(Scripted(on(Received, Close())))
    rig.client.send(b"quit")
    assert await rig.read() == b""
    await eventually(lambda: rig.context.streams.lingering == 0)


async def test_lingering_is_bounded_in_number(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("superd.net.stream.LINGER_LIMIT", 0)
    rig.start(Scripted(on(Received, Close())))
    rig.client.send(b"quit")
    await eventually(lambda: rig.owner.endings == [Ending.DONE])
    assert rig.context.streams.lingering == 0


async def test_stop_ends_at_once_and_only_once(rig: Rig) -> None:
    stream = rig.start(Scripted())
    stream.stop()
    stream.stop()
    assert rig.owner.endings == [Ending.DRAIN]
    assert await rig.read() == b""
