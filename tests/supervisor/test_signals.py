"""No signal is lost, however many others come."""

import os
import signal
from collections.abc import Iterator

import pytest

from superd.supervisor.signals import WATCHED, Signals


@pytest.fixture
def signals() -> Iterator[Signals]:
    before = {number: signal.getsignal(number) for number in (*WATCHED, signal.SIGPIPE)}
    made = Signals()
    yield made
    made.forget()
    for number, handler in before.items():
        signal.signal(number, handler)


def test_each_signal_is_told_once_in_the_order_of_arrival(signals: Signals) -> None:
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGHUP):
        os.kill(os.getpid(), number)
    assert list(signals.take()) == [signal.SIGHUP, signal.SIGUSR1]
    assert list(signals.take()) == []


def test_a_flood_of_one_signal_pushes_no_other_out(signals: Signals) -> None:
    for _ in range(2000):
        os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGTERM)
    assert signal.SIGTERM in signals.take()
