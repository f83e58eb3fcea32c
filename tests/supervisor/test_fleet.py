"""Which processes a new configuration starts, and when; no process is forked here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.endpoints import inet, service
from superd.log.files import LogFiles
from superd.privsep.channel import Channel
from superd.privsep.messages import SUPERVISOR_TO_WORKER, WORKER_TO_SUPERVISOR
from superd.supervisor.children import Child, Children, Role
from superd.supervisor.fleet import Fleet, Settings
from superd.supervisor.parts import COMMON, Parts

PARTS = Parts(workers={COMMON: (service("echo", inet(4007)),)})
NOWHERE = Path("/nonexistent")


class Recording(Fleet):
    """Notes what would be forked."""

    def __init__(self, children: Children) -> None:
        settings = Settings(None, NOWHERE, NOWHERE, drain=1.0, background=False)
        super().__init__(settings, children, lambda _child: None, lambda: None, lambda *_: None)
        self.started: list[tuple[Role, str]] = []

    def start(self, role: Role, name: str) -> None:
        self.started.append((role, name))


@pytest.fixture
def worker() -> Iterator[Child]:
    """A common worker that serves; its pid belongs to nobody."""
    ours, theirs = Channel.pair(WORKER_TO_SUPERVISOR, SUPERVISOR_TO_WORKER)
    yield Child(Role.WORKER, COMMON, 2**31 - 1, ours, 0.0, 1, ready=True)
    ours.close()
    theirs.close()


@pytest.fixture
def fleet(worker: Child) -> Recording:
    children = Children()
    children.add(worker)
    return Recording(children)


def test_a_worker_that_serves_is_told_to_drain_before_its_successor_is_started(
    fleet: Recording, worker: Child
) -> None:
    fleet.apply(PARTS, (), LogFiles())
    assert worker.draining
    assert fleet.started == []


def test_a_second_reload_waits_for_the_same_worker(fleet: Recording, worker: Child) -> None:
    """Two workers at once would each start a program on the socket of a wait service."""
    worker.draining = True
    fleet.apply(PARTS, (), LogFiles())
    assert fleet.started == []


def test_a_worker_that_has_let_go_is_succeeded_at_once(fleet: Recording, worker: Child) -> None:
    worker.draining = worker.released = True
    fleet.apply(PARTS, (), LogFiles())
    assert fleet.started == [(Role.WORKER, COMMON)]


def test_a_fleet_is_complete_when_every_process_is_ready(fleet: Recording, worker: Child) -> None:
    assert fleet.complete()  # nothing is wanted yet
    fleet.apply(PARTS, (), LogFiles())
    assert not fleet.complete()  # the one there is drains
    worker.draining = False
    assert fleet.complete()
    worker.ready = False
    assert not fleet.complete()
