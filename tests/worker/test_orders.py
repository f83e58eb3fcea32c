"""Commands of rules, from a worker's side: every one is answered exactly once, whatever becomes of its launcher."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest

from helpers.working import eventually, launcher_pair
from superd.net.poller import Poller
from superd.privsep.channel import Channel
from superd.privsep.messages import Command, CommandEnded, Message
from superd.worker import orders
from superd.worker.launchers import Launchers
from superd.worker.orders import Orders


def command(number: int, rule: str = "svc: ALL: spawn true") -> Command:
    return Command(number, "svc", 7, "192.0.2.7", 40000, "", 0, "", "", "", "deny", 1, rule, 0, 0)


class FakeLink:
    """Takes so many messages, then has no room."""

    def __init__(self, room: int = 1000) -> None:
        self.room = room
        self.sent: list[int] = []

    def send(self, message: Command, _fd: int | None = None) -> bool:
        if len(message.rule) > 2046:
            raise ValueError("too long")
        if self.room <= 0:
            return False
        self.room -= 1
        self.sent.append(message.number)
        return True


class GoneLink(FakeLink):
    """Its end of file is on its way."""

    def send(self, _message: Command, _fd: int | None = None) -> bool:
        raise ConnectionResetError


async def test_an_answer_is_passed_on() -> None:
    asked, link = Orders(), FakeLink()
    first, second = asked.ask(command(1), link), asked.ask(command(2), link)
    asked.ended(CommandEnded(2, 256))
    asked.ended(CommandEnded(1, 0))
    assert (await first, await second, len(asked)) == (0, 256, 0)


async def test_answers_to_nobody_are_nothing_special() -> None:
    asked, link = Orders(), FakeLink()
    answer = asked.ask(command(1), link)
    asked.ended(CommandEnded(99, 0))
    answer.cancel()
    asked.ended(CommandEnded(1, 0))
    asked.ended(CommandEnded(1, 0))
    assert len(asked) == 0


async def test_without_a_launcher_a_command_fails_at_once() -> None:
    assert await Orders().ask(command(1), None) == -1


async def test_what_there_is_no_room_for_waits_in_its_order() -> None:
    asked, link = Orders(), FakeLink(room=1)
    answers = [asked.ask(command(number), link) for number in (1, 2, 3)]
    assert link.sent == [1]
    link.room = 10
    asked.flush(link)
    assert link.sent == [1, 2, 3]
    assert not any(answer.done() for answer in answers)
    asked.lost(None)


async def test_over_the_limit_a_command_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "ORDERS_LIMIT", 2)
    asked, link = Orders(), FakeLink(room=0)
    waiting = [asked.ask(command(number), link) for number in (1, 2)]
    assert await asked.ask(command(3), link) == -1
    asked.lost(link)
    assert await asyncio.gather(*waiting) == [-1, -1]


async def test_a_command_that_fits_into_no_message_fails_and_holds_up_nobody() -> None:
    asked, link = Orders(), FakeLink()
    assert await asked.ask(command(1, "x" * 3000), link) == -1
    asked.ask(command(2), link)
    assert link.sent == [2]
    asked.lost(None)


async def test_a_launcher_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "ANSWER_LIMIT", 0.01)
    assert await Orders().ask(command(1), FakeLink()) == -1


async def test_what_was_sent_to_another_launcher_is_still_waited_for() -> None:
    asked, old, new = Orders(), FakeLink(), FakeLink()
    first, second = asked.ask(command(1), old), asked.ask(command(2), new)
    asked.lost(old)
    assert (await first, second.done()) == (-1, False)
    asked.ended(CommandEnded(2, 0))
    assert await second == 0


async def test_a_launcher_that_goes_away_while_asked_fails_the_command() -> None:
    asked, gone = Orders(), GoneLink()
    answer = asked.ask(command(1), gone)
    assert not answer.done()
    asked.lost(gone)
    assert await answer == -1


# Over real channels


@pytest.fixture
def pair() -> Iterator[tuple[Channel, Channel]]:
    ends = launcher_pair()
    yield ends
    for end in ends:
        end.close()


async def test_commands_go_to_a_launcher_and_come_back(pair: tuple[Channel, Channel]) -> None:
    poller = Poller(asyncio.get_running_loop())
    launchers = Launchers(poller)
    launchers.attach("nobody", pair[0])
    answers = [launchers.order(("nobody",), command) for _ in range(3)]
    asked = [pair[1].receive()[0] for _ in range(3)]
    numbers = [message.number for message in asked if isinstance(message, Command)]
    assert len(set(numbers)) == 3
    pair[1].send(CommandEnded(numbers[1], 256))
    assert await answers[1] == 256
    pair[1].close()
    assert await answers[0] == -1
    assert await answers[2] == -1
    assert await launchers.order(("nobody",), command) == -1
    assert await launchers.order((), command) == -1
    launchers.close()
    poller.close()


async def test_more_commands_than_a_channel_holds_are_all_answered(
    pair: tuple[Channel, Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "ORDERS_LIMIT", 2000)
    poller = Poller(asyncio.get_running_loop())
    launchers = Launchers(poller)
    launchers.attach("nobody", pair[0])
    answers = [launchers.order(("nobody",), command) for _ in range(1500)]
    owed: list[Message] = []
    sent = 0
    while sent < len(answers):
        with suppress(BlockingIOError):
            while True:
                message, _ = pair[1].receive()
                assert isinstance(message, Command)
                owed.append(CommandEnded(message.number, 0))
        with suppress(BlockingIOError):
            while owed:
                pair[1].send(owed[0])
                del owed[0]
                sent += 1
        await asyncio.sleep(0)
    await eventually(lambda: all(answer.done() for answer in answers))
    assert {answer.result() for answer in answers} == {0}
    launchers.close()
    poller.close()


async def test_a_worker_that_lets_go_gives_up_what_it_asked_for(pair: tuple[Channel, Channel]) -> None:
    poller = Poller(asyncio.get_running_loop())
    launchers = Launchers(poller)
    launchers.attach("nobody", pair[0])
    answer = launchers.order(("nobody",), command)
    launchers.close()
    assert await answer == -1
    poller.close()
