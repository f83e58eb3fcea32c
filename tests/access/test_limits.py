"""Counters and rates: xinetd's cps arithmetic, fixed windows, live connections, rates per source."""

import contextlib
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from superd.access import limits
from superd.access.limits import Counters, SourceRates, Window
from superd.config.model import Rate


def served(rate: Rate, moments: list[float]) -> int:
    """How many attempts pass before one trips."""
    window = Window(rate)
    return next((count for count, now in enumerate(moments) if window.trips(now)), len(moments))


def test_the_51st_attempt_within_a_second_trips_50() -> None:
    assert served(Rate(starts=50, window=None, pause=10), [1000.0 + n / 100 for n in range(60)]) == 50


@pytest.mark.parametrize(
    ("starts", "moments", "passed"),
    [
        (2, [0.0, 0.1, 0.2], 2),
        (2, [0.0, 1.0, 1.1, 1.2], 2),
        (3, [0.0, 2.0, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6], 7),
        (3, [0.0, 3.0, 3.1, 3.2, 3.3], 4),
        (1, [float(n) for n in range(20)], 20),
        (0, [0.0, 0.0, 0.0], 3),
    ],
)
def test_the_window_is_as_many_seconds_as_starts_and_divides_by_whole_seconds(
    starts: int, moments: list[float], passed: int
) -> None:
    assert served(Rate(starts=starts, window=None, pause=1), moments) == passed


def test_a_slow_beginning_lets_a_burst_pass_later() -> None:
    moments = [0.0] + [40.0] * 3000
    assert served(Rate(starts=50, window=None, pause=10), moments) == 50 * 40 + 40 - 1


def test_a_fixed_window_trips_on_the_first_start_too_many_and_begins_anew_after_it() -> None:
    rate = Rate(starts=3, window=60, pause=600)
    assert served(rate, [0.0, 10.0, 59.9, 59.95]) == 3
    assert served(rate, [0.0, 10.0, 59.9, 60.0, 60.1, 60.2, 60.3]) == 6


def test_live_connections_are_counted_per_host_and_forgotten() -> None:
    counters = Counters()
    for host in ("a", "a", "b"):
        counters.enter(host)
    assert (counters.total, counters.of("a"), counters.of("b"), counters.of("c")) == (3, 2, 1, 0)
    for host in ("a", "b", "a"):
        counters.leave(host)
    assert (counters.total, counters.of("a")) == (0, 0)
    with pytest.raises(KeyError):
        counters.leave("a")


def test_a_source_over_its_rate_is_refused_alone_until_its_minute_is_over() -> None:
    rates = SourceRates(2)
    assert [rates.exceeded("a", now) for now in (0.0, 1.0, 2.0, 59.0)] == [False, False, True, True]
    assert not rates.exceeded("b", 2.0)
    assert not rates.exceeded("a", 60.0)


def test_the_table_of_sources_is_bounded_and_forgets_the_one_not_seen_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SOURCES_LIMIT", 2)
    rates = SourceRates(1)
    assert not rates.exceeded("a", 0.0)
    assert not rates.exceeded("b", 0.0)
    assert rates.exceeded("a", 0.0)
    assert not rates.exceeded("c", 0.0)
    assert rates.exceeded("a", 0.0)
    assert not rates.exceeded("b", 0.0)


CPS_CONFIG = """service time
{{
    type = INTERNAL UNLISTED
    flags = IPv4
    socket_type = stream
    protocol = tcp
    wait = no
    bind = 127.0.0.1
    port = {port}
    cps = {starts} 60
}}
"""


@pytest.mark.peer
@pytest.mark.skipif(not shutil.which("xinetd"), reason="xinetd is not installed")
def test_the_real_xinetd_serves_as_many_in_a_burst(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "xinetd.conf"
    config.write_text(CPS_CONFIG.format(port=port, starts=7))
    command = ["xinetd", "-f", str(config), "-dontfork", "-pidfile", str(tmp_path / "pid")]
    with subprocess.Popen([*command, "-filelog", str(tmp_path / "log")]) as xinetd:
        try:
            real = burst(port, 12)
        finally:
            xinetd.terminate()
    assert real == served(Rate(starts=7, window=None, pause=60), [0.0] * 12)


def burst(port: int, attempts: int) -> int:
    """Connect so often, beginning with the first connection that works; how many got data."""
    deadline = time.monotonic() + 20
    answers = 0
    while not answers and time.monotonic() < deadline:
        answers += answered(port)
    return answers + sum(answered(port) for _ in range(attempts - 1))


def answered(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        return len(client.recv(4)) == 4
    return False
