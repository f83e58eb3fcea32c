"""Machines under a worker that ask for calls and timers (``Call``, ``SetTimer``)."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from helpers.blocking import Gate
from helpers.working import DEADLINE, bound, connect, eventually, service, talk, working
from superd import builtins
from superd.config.model import Limits
from superd.privsep.messages import Drain, Drained, Dump, StateLine
from superd.service import (
    CALL_RECEIVE_LIMIT,
    Action,
    BuiltinService,
    Call,
    Close,
    Connected,
    Eof,
    Received,
    Returned,
    Send,
    SetTimer,
    StreamEvent,
    TimedOut,
)
from superd.worker import calls as calls_module
from superd.worker.calls import THREADS


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open()


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls are given up soon."""
    monkeypatch.setattr(calls_module, "CALL_DEADLINE", 0.05)


Answer = Callable[[StreamEvent], Iterable[Action]]


@dataclass
class Scripted:
    """A machine that answers as told and remembers its events, but for the first."""

    answer: Answer
    events: list[StreamEvent] = field(default_factory=list)

    def handle(self, event: StreamEvent) -> Iterable[Action]:
        if not isinstance(event, Connected):
            self.events.append(event)
        return self.answer(event)

    @property
    def received(self) -> int:
        return sum(len(event.data) for event in self.events if isinstance(event, Received))


@contextmanager
def offering(machine: Scripted) -> Iterator[None]:
    """Let every built-in be this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builtins, "find", lambda *_: BuiltinService("x", "x", stream=lambda _: machine))
        yield


def scripted(**answers: Iterable[Action]) -> Scripted:
    """A machine that answers each kind of event always alike."""
    return Scripted(lambda event: answers.get(type(event).__name__, ()))


async def test_a_machine_gets_what_its_call_returned() -> None:
    def answer(event: StreamEvent) -> Iterable[Action]:
        if isinstance(event, Received):
            return (Call(event.data.upper),)
        return (Send(event.value), Close()) if isinstance(event, Returned) else ()  # type: ignore[arg-type]  # bytes

    machine = Scripted(answer)
    with offering(machine):
        async with working((service("x"), bound())) as worker:
            assert await talk(worker, b"hello") == b"HELLO"
    assert machine.events[-1] == Returned(b"HELLO")


async def test_a_connection_is_not_idle_while_its_call_is_under_way(gate: Gate) -> None:
    machine = scripted(Connected=(Call(gate),), Returned=(Send(b"done"), Close()))
    with offering(machine):
        async with working((service("x", limits=Limits(idle_timeout=0.05)), bound())) as worker:
            reader, writer = await connect(worker)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(), 0.6)
            gate.open()
            assert await reader.read() == b"done"
            writer.close()


async def test_received_data_is_delivered_during_a_call_but_not_without_bound(gate: Gate) -> None:
    machine = scripted(Connected=(Call(gate),), Eof=(Close(),))
    sent = 8 << 20
    with offering(machine):
        async with working((service("x"), bound())) as worker:
            _, writer = await connect(worker)
            writer.write(bytes(sent))
            writer.write_eof()
            await eventually(lambda: machine.received > CALL_RECEIVE_LIMIT)
            for _ in range(50):
                await asyncio.sleep(0)
            held = machine.received
            gate.open()
            await eventually(lambda: machine.received == sent)
            writer.close()
    assert CALL_RECEIVE_LIMIT < held <= 2 * CALL_RECEIVE_LIMIT
    assert machine.events[-1] == Eof()


async def test_what_a_call_gives_after_its_connection_ended_is_dropped(gate: Gate) -> None:
    machine = scripted(Connected=(Call(gate),), Received=(Close(),))
    with offering(machine):
        async with working((service("x"), bound())) as worker:
            await talk(worker, b"x")
            await eventually(lambda: worker.engine.live == 0)
            gate.open()
            late: list[StreamEvent] = []
            worker.engine._context.calls[0].call(lambda: "later", late.append)
            await eventually(lambda: late)
    assert [type(event) for event in machine.events] == [Received]


async def test_work_that_waits_is_not_done_after_its_connection_ended(gate: Gate) -> None:
    done: list[int] = []

    def answer(event: StreamEvent) -> Iterable[Action]:
        if isinstance(event, Received):
            return (Call(gate if event.data == b"block" else lambda: done.append(1)),)
        return (Close(),) if isinstance(event, Eof | Returned) else ()

    with offering(Scripted(answer)):
        async with working((service("x"), bound())) as worker:
            blocked = [await connect(worker) for _ in range(THREADS)]
            for _, writer in blocked:
                writer.write(b"block")
            await eventually(lambda: gate.entered == THREADS)
            assert await talk(worker, b"wait") == b""
            gate.open()
            for reader, writer in blocked:
                assert await reader.read() == b""
                writer.close()
            last: list[StreamEvent] = []
            worker.engine._context.calls[0].call(lambda: None, last.append)
            await eventually(lambda: last)
    assert done == []


@pytest.mark.parametrize("late", [SetTimer(0.01), Call(lambda: None)], ids=["timer", "call"])
async def test_no_event_comes_after_close_while_the_client_still_reads(late: Action) -> None:
    data = bytes(32 << 20)
    machine = scripted(Connected=(late, Send(data), Close()))
    with offering(machine):
        async with working((service("x"), bound())) as worker:
            reader, writer = await connect(worker)
            await asyncio.sleep(0.1)
            async with asyncio.timeout(DEADLINE):
                assert len(await reader.read()) == len(data)
            writer.close()
    assert machine.events == []


async def test_a_second_call_at_a_time_ends_the_connection_as_failed(
    gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = scripted(Connected=(Call(gate), Call(gate)))
    with offering(machine):
        async with working((service("x"), bound())) as worker:
            assert await talk(worker) == b""
    assert machine.events == []
    assert "a second call while one is under way" in capsys.readouterr().out


async def test_the_timer_fires_once_and_only_the_last_one_set() -> None:
    machine = scripted(Connected=(SetTimer(60), SetTimer(0.02)), TimedOut=(Send(b"late"),), Eof=(Close(),))
    with offering(machine):
        async with working((service("x"), bound())) as worker:
            reader, writer = await connect(worker)
            assert await reader.readexactly(4) == b"late"
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
    assert machine.events.count(TimedOut()) == 1


async def test_a_timer_of_0_never_fires() -> None:
    machine = scripted(Connected=(SetTimer(0.01), SetTimer(0)), Eof=(Close(),))
    with offering(machine):
        async with working((service("x"), bound())) as worker:
            reader, writer = await connect(worker)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(), 0.1)
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
    assert TimedOut() not in machine.events


async def test_a_draining_worker_finishes_calls(gate: Gate) -> None:
    machine = scripted(Connected=(Call(gate),), Returned=(Send(b"done"), Close()))
    with offering(machine):
        async with working((service("x"), bound())) as worker:
            reader, writer = await connect(worker)
            await eventually(lambda: gate.entered)
            worker.supervisor.channel.send(Drain())
            assert await worker.supervisor.message() == Drained()
            gate.open()
            assert await reader.read() == b"done"
            writer.close()
            await worker.ended()


async def test_a_call_that_hangs_does_not_keep_a_worker_longer_than_its_drain_time(gate: Gate) -> None:
    machine = scripted(Connected=(Call(gate),))
    with offering(machine):
        async with working((service("x"), bound()), drain_timeout=0.1) as worker:
            reader, writer = await connect(worker)
            await eventually(lambda: gate.entered)
            worker.supervisor.channel.send(Drain())
            assert await reader.read() == b""
            writer.close()
            await worker.ended()


async def test_a_service_whose_calls_hang_does_not_stop_another(gate: Gate) -> None:
    def answer(event: StreamEvent) -> Iterable[Action]:
        if isinstance(event, Received):
            return (Call(gate if event.data == b"hang" else lambda: b"fine"),)
        return (Send(b"answer"), Close()) if isinstance(event, Returned) else ()

    with offering(Scripted(answer)):
        async with working((service("x", key="a"), bound()), (service("x", key="b"), bound())) as worker:
            hung = [await connect(worker, 0) for _ in range(THREADS)]
            for _, writer in hung:
                writer.write(b"hang")
            await eventually(lambda: gate.entered == THREADS)
            assert await talk(worker, b"work", index=1) == b"answer"
            gate.open()
            for reader, writer in hung:
                assert await reader.read() == b"answer"
                writer.close()


async def test_the_state_of_a_service_tells_of_calls_that_hang(gate: Gate, hurry: None) -> None:
    machine = scripted(Connected=(Call(gate),), Raised=(Close(),))
    with offering(machine):
        async with working((service("x"), bound())) as worker:
            await talk(worker)
            await eventually(lambda: worker.engine._context.calls[0].hanging)
            worker.supervisor.channel.send(Dump())
            lines = []
            while isinstance(message := await worker.supervisor.message(), StateLine):
                lines.append((message.field, message.text))
            gate.open()
    assert ("calls that hang", "1") in lines
