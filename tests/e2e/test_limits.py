"""Limits, times and sensors as clients meet them, over the life of the daemon."""

import os
import re
import signal
import time

import pytest

from helpers import net
from helpers.daemon import Daemon, running
from helpers.programs import DGRAM_ANSWER, USER
from helpers.stanza import defaults, internal, program, stanza
from superd.config.model import DAYS

SCANNER = "127.0.0.2"
SLOW = "1/h burst 2"


def trap(port: int, *, kind: str = "stream", deny_time: object = 10, **attributes: object) -> str:
    """A sensor with nothing that a service needs besides."""
    protocol = {"stream": "tcp", "dgram": "udp"}[kind]
    facts = {"type": "UNLISTED", "flags": "SENSOR", "socket_type": kind, "protocol": protocol, "wait": "no"}
    return stanza("trap", **facts, port=port, deny_time=deny_time, **attributes)


def served(port: int, source: str = "127.0.0.1") -> bool:
    """Tell whether an echo comes back."""
    return net.tcp(port, b"x", source=source) == b"x"


def touch(port: int, source: str = SCANNER) -> bytes:
    """Connect to a sensor, and read what it says."""
    with net.connect(port, source=source) as client:
        return net.receive_all(client)


def dump(daemon: Daemon) -> str:
    """The state dump."""
    path = daemon.path("state")
    path.unlink(missing_ok=True)
    daemon.send(signal.SIGUSR1)
    net.wait_until(path.exists, "a state dump")
    return path.read_text()


def test_who_touches_a_sensor_is_refused_everywhere_over_reloads_and_crashes() -> None:
    port, sensor, other = net.free_port(), net.free_port(), net.free_port()
    text = trap(sensor, deny_time="FOREVER", banner_fail="@DIR@/no") + internal("echo", port)
    with running(text, files={"no": "nobody here\n"}) as daemon:
        assert served(port, SCANNER)
        assert touch(sensor) == b"nobody here\n"
        net.wait_until(lambda: not served(port, SCANNER), "banned")
        assert served(port)
        assert re.search(r"superd\.conf:\d+: 127\.0\.0\.2 is banned by sensor trap", daemon.log())
        daemon.reload(internal("echo", port) + internal("daytime", other))
        assert not served(port, SCANNER)
        assert net.tcp(other, source=SCANNER) == b""
        (worker,) = daemon.named("superd: worker")
        os.kill(worker.pid, signal.SIGKILL)
        net.wait_until(lambda: served(port), "served by another worker")
        assert not served(port, SCANNER)
        assert "\t127.0.0.2: for ever, sensor trap" in dump(daemon)


def test_touching_again_makes_a_ban_longer_and_the_state_says_until_when() -> None:
    sensor = net.free_port()
    with running(trap(sensor)) as daemon:
        touch(sensor)
        daemon.wait_for_log("client.banned")
        (first,) = re.findall(r"127\.0\.0\.2: until (\S+ \S+)", dump(daemon))

        def later() -> bool:
            touch(sensor)
            return re.findall(r"127\.0\.0\.2: until (\S+ \S+)", dump(daemon)) > [first]

        net.wait_until(later, "a longer ban")
        assert daemon.log().count("client.banned") == 1


def test_whom_the_sensor_exempts_is_not_banned() -> None:
    port, sensor = net.free_port(), net.free_port()
    with running(trap(sensor, no_access=SCANNER) + internal("echo", port)):
        assert touch(sensor) == b""
        touch(sensor, "127.0.0.3")
        net.wait_until(lambda: not served(port, "127.0.0.3"), "another client is banned")
        assert served(port, SCANNER)


def test_a_sensor_for_datagrams_bans_nobody() -> None:
    port, sensor = net.free_port(), net.free_port()
    with (
        running(trap(sensor, kind="dgram", deny_time="FOREVER") + internal("echo", port)) as daemon,
        net.udp_socket("127.0.0.1", SCANNER) as scanner,
    ):
        scanner.sendto(b"x", ("127.0.0.1", sensor))
        daemon.wait_for_log("flags = SENSOR")
        assert served(port, SCANNER)
        assert "client.banned" not in daemon.log()


def test_a_client_over_its_rate_is_refused_alone_and_starts_no_program() -> None:
    port = net.free_port()
    text = program("count", port, "@DIR@/count", user=USER, rate=SLOW, cps="5 60", log_type="FILE @DIR@/services.log",
                   log_on_success="HOST", log_on_failure="HOST", banner_fail="@DIR@/later")  # fmt: skip
    with running(text, files={"count": "#!/bin/sh\necho started\n", "later": "later\n"}) as daemon:
        answers = [net.tcp(port) for _ in range(12)]
        assert answers == [b"started\n"] * 2 + [b"later\n"] * 10
        assert [net.tcp(port, source=source) for source in (SCANNER, "127.0.0.3")] == [b"started\n"] * 2
        net.wait_until(lambda: daemon.path("services.log").read_text().count("START") == 4, "four starts")
        lines = daemon.path("services.log").read_text()
        assert lines.count("FAIL: count per_source_limit from=127.0.0.1") == 10
        assert "rate = 1/h burst 2" in daemon.log()


def test_a_rate_in_defaults_holds_for_each_datagram_of_a_source() -> None:
    port = net.free_port()
    with (
        running(defaults(f"rate = {SLOW}") + internal("echo", port, kind="dgram")),
        net.udp_socket("127.0.0.1", SCANNER) as flood,
    ):
        for number in range(5):
            flood.sendto(b"%d" % number, ("127.0.0.1", port))
        assert [flood.recv(10) for _ in range(2)] == [b"0", b"1"]
        assert net.udp(port, b"x") == b"x"
        flood.setblocking(False)
        with pytest.raises(BlockingIOError):
            flood.recv(10)


def test_a_datagram_over_the_rate_starts_no_wait_program() -> None:
    port = net.free_port()
    text = program(
        "answer", port, "@DIR@/answer", user=USER, socket_type="dgram", wait="yes", rate="1/h burst 1"
    )
    with running(text, files={"answer": DGRAM_ANSWER}) as daemon:
        assert net.udp(port, b"x").endswith(b" x")
        net.wait_until(lambda: "connection.end" in daemon.log(), "the program has ended")
        with net.udp_socket("127.0.0.1") as client:
            client.sendto(b"y", ("127.0.0.1", port))
            daemon.wait_for_log("rate = 1/h burst 1")
        assert net.udp(port, b"z", source=SCANNER).endswith(b" z")


def test_per_source_bounds_a_network_together() -> None:
    port = net.free_port()
    with running(internal("echo", port, per_source="1/24")), net.connect(port) as first:
        first.sendall(b"1")
        assert first.recv(1) == b"1"
        assert not served(port, "127.0.0.9")
        assert served(port, "127.0.1.9")


def test_times_run_past_midnight_and_hold_on_their_days() -> None:
    first, second, third = net.free_port(), net.free_port(), net.free_port()
    soon = time.localtime(time.time() + 7200)  # two hours hence, so that no step of the clock matters
    hence = f"{soon.tm_hour}:{soon.tm_min:02}"
    later = f"{(soon.tm_hour + 20) % 24}:{soon.tm_min:02}"
    text = internal("echo", first, access_times=f"{later}-{hence}")  # 22 hours ago .. in two hours
    text += internal("echo", second, access_times=f"{hence}-{later}").replace("echo-", "closed-")
    near = {time.localtime().tm_wday, soon.tm_wday}
    others = ",".join(day for number, day in enumerate(DAYS) if number not in near)
    text += internal("echo", third, access_times=f"{others}@0:00-23:59").replace("echo-", "days-")
    with running(text) as daemon:
        assert served(first)
        assert not served(second)
        assert not served(third)
        assert f"access_times {hence}-{later}" in daemon.log()


def test_the_most_specific_entry_wins_where_it_is_asked_for() -> None:
    first, second = net.free_port(), net.free_port()
    lists = ("no_access = 127.0.0.0/8", f"only_from = {SCANNER}")
    text = internal("echo", first, *lists)
    text += internal("echo", second, *lists, address_rule="most-specific").replace("echo-", "specific-")
    with running(text):
        assert [served(port, SCANNER) for port in (first, second)] == [False, True]
        assert not served(second)


STEPS = [
    ("instances = 0",),
    ("per_source = 0",),
    ("max_load = -1",),
    ("no_access = 127.0.0.1",),
    ("only_from = 192.0.2.1",),
    ("access_times = {closed}",),
]


@pytest.mark.parametrize("rules", STEPS)
def test_every_refusal_has_its_banner_and_starts_no_program(rules: tuple[str, ...]) -> None:
    port = net.free_port()
    hour = (time.localtime().tm_hour + 2) % 23
    lines = [rule.format(closed=f"{hour}:00-{hour}:59") for rule in rules]
    text = program("never", port, "@DIR@/never", *lines, user=USER, banner_fail="@DIR@/no")
    with running(text, files={"never": "#!/bin/sh\necho started\n", "no": "no\n"}) as daemon:
        assert net.tcp(port) == b"no\n"
        assert "connection.start" not in daemon.log()
