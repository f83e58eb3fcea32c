"""What a worker believes of a launcher."""

from collections.abc import Iterator

import pytest

from helpers.working import launcher_pair
from superd.net.poller import READABLE, Pollable
from superd.privsep.channel import Channel
from superd.privsep.messages import Running
from superd.worker.launchers import Launchers
from superd.worker.live import Live


class FakePoller:
    """Remembers who watches; nothing becomes readable by itself."""

    def __init__(self) -> None:
        self.owner: Pollable | None = None

    def watch(self, _fd: int, owner: Pollable, _events: int = READABLE) -> None:
        self.owner = owner

    def forget(self, _fd: int) -> None:
        self.owner = None


class FakeClient:
    """A service that notes what it is given."""

    def __init__(self) -> None:
        self.adopted: list[Live] = []

    def adopt(self, live: Live) -> None:
        self.adopted.append(live)

    def launcher_ready(self) -> None:
        pass


@pytest.fixture
def pair() -> Iterator[tuple[Channel, Channel]]:
    ends = launcher_pair()
    yield ends
    for end in ends:
        end.close()


def running(service: str, conn: int) -> Running:
    return Running(service, conn, 4000 + conn, "", 0, "", 0, 0.0)


@pytest.mark.parametrize(("name", "believed"), [("games", False), ("games (draining, 77)", True)])
def test_only_a_draining_launcher_can_have_programs_of_services_that_are_not_its_own(
    name: str, pair: tuple[Channel, Channel], *, believed: bool
) -> None:
    poller, mine, foreign = FakePoller(), FakeClient(), FakeClient()
    launchers = Launchers(poller)  # type: ignore[arg-type]  # as much of one as is needed
    launchers.desk("games", "mine", mine)  # type: ignore[arg-type]
    launchers.desk("root", "foreign", foreign)  # type: ignore[arg-type]
    launchers.attach(name, pair[0])
    pair[1].send(running("foreign", 1))
    pair[1].send(running("mine", 2))
    assert poller.owner
    poller.owner.ready(READABLE)
    assert bool(foreign.adopted) is believed
    assert [live.pid for live in mine.adopted] == [4002]
