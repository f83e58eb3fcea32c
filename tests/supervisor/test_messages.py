"""What children say to the supervisor, and what becomes of one whose message sets off a fault."""

import os
import selectors
import signal
import subprocess
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from superd.errors import ProtocolViolation
from superd.log import events
from superd.privsep.channel import Channel
from superd.privsep.messages import SUPERVISOR_TO_WORKER, WORKER_TO_SUPERVISOR, Ban, Message
from superd.supervisor.children import Child, Children, Role
from superd.supervisor.main import Supervisor


class Listening(Supervisor):
    """A supervisor that has one child, and whose handling of messages fails as the test says."""

    def __init__(self, child: Child, fault: Exception) -> None:
        self._children = Children()
        self._children.add(child)
        self._selector = selectors.DefaultSelector()
        self._fault = fault
        self._watch(child)

    def hear(self) -> None:
        for key, _ in self._selector.select(0):
            key.data()

    def _handle(self, _child: Child, _message: Message) -> None:
        raise self._fault

    def close(self) -> None:
        self._selector.close()


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        yield sleeper
        sleeper.kill()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (ValueError("too long"), "Ban set off ValueError: too long"),
        (KeyError("x"), "Ban set off KeyError: 'x'"),
        (ProtocolViolation("no such sensor"), "no such sensor"),
    ],
)
def test_a_fault_that_a_message_sets_off_costs_its_sender(
    process: "subprocess.Popen[bytes]", fault: Exception, reason: str
) -> None:
    ours, theirs = Channel.pair(WORKER_TO_SUPERVISOR, SUPERVISOR_TO_WORKER)
    child = Child(Role.WORKER, "common", process.pid, ours, 0.0, 1, ready=True)
    supervisor = Listening(child, fault)
    theirs.send(Ban("trap", "192.0.2.1"))
    with capture_logs() as logs:
        supervisor.hear()
    assert os.WTERMSIG(os.waitpid(process.pid, 0)[1]) == signal.SIGKILL
    assert [(line["event"], line["reason"]) for line in logs if line["log_level"] == "error"] == [
        (events.PROTOCOL_VIOLATION, reason)
    ]
    supervisor.close()
    ours.close()
    theirs.close()
