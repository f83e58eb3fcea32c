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
from superd.access.prefixes import counted_by
from superd.config.model import Rate, SourcePrefix, SourceRate


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


def test_live_connections_are_counted_per_source_and_forgotten() -> None:
    counters = Counters(counted_by(SourcePrefix(ipv4=24)))
    for host in ("10.0.0.1", "10.0.0.200", "10.0.1.1", ""):
        counters.enter(host)
    assert counters.total == 4
    assert [counters.of(host) for host in ("10.0.0.77", "10.0.1.2", "10.0.2.1", "")] == [2, 1, 0, 1]
    for host in ("10.0.0.1", "10.0.1.1", "10.0.0.200", ""):
        counters.leave(host)
    assert (counters.total, counters.of("10.0.0.1")) == (0, 0)
    with pytest.raises(KeyError):
        counters.leave("10.0.0.1")


def test_without_a_bound_per_source_only_the_total_is_counted() -> None:
    counters = Counters()
    counters.enter("10.0.0.1")
    assert (counters.total, counters.of("10.0.0.1")) == (1, 0)
    counters.leave("10.0.0.1")
    assert counters.total == 0


def test_a_source_over_its_rate_is_refused_alone_until_its_bucket_fills_again() -> None:
    rates = SourceRates(SourceRate(count=2, period=60, burst=2))
    assert [rates.exceeded("10.0.0.1", now) for now in (0.0, 1.0, 2.0, 29.0)] == [False, False, True, True]
    assert not rates.exceeded("10.0.0.2", 2.0)
    assert [rates.exceeded("10.0.0.1", now) for now in (30.0, 31.0, 60.0)] == [False, True, False]


def test_refused_attempts_do_not_make_a_source_wait_longer() -> None:
    rates = SourceRates(SourceRate(count=1, period=1, burst=1))
    assert sum(not rates.exceeded("10.0.0.1", now / 10) for now in range(100)) == 10


def test_a_burst_is_what_comes_at_once_after_a_silence() -> None:
    rates = SourceRates(SourceRate(count=10, period=1, burst=20))
    assert sum(not rates.exceeded("10.0.0.1", 0.0) for _ in range(50)) == 20
    assert sum(not rates.exceeded("10.0.0.1", 1.0) for _ in range(50)) == 10
    assert sum(not rates.exceeded("10.0.0.1", 1000.0) for _ in range(50)) == 20


def test_the_table_of_sources_is_bounded_and_forgets_the_one_not_seen_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SOURCES_LIMIT", 2)
    rates = SourceRates(SourceRate(count=1, period=86400, burst=1))
    asked = [rates.exceeded(f"10.0.0.{number}", 0.0) for number in (1, 2, 1, 3, 1, 2)]
    assert asked == [False, False, True, False, True, False]


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
