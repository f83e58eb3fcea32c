"""Admission as a client meets it: addresses, limits, times and banners."""

import time

import pytest

from helpers import net
from helpers.daemon import running
from helpers.stanza import defaults, internal


@pytest.mark.parametrize(
    ("rules", "source", "served"),
    [
        (("only_from = 127.0.1.0",), "127.0.1.9", True),
        (("only_from = 127.0.1.0",), "127.0.2.9", False),
        (("only_from = 127.0.1.{3,4}",), "127.0.1.4", True),
        (("only_from = 127.0.1.{3,4}",), "127.0.1.5", False),
        (("only_from = 127.0.0.0/8", "no_access = 127.0.1.0/24"), "127.0.1.9", False),
        (("only_from = 127.0.0.0/8", "no_access = 127.0.1.0/24"), "127.0.2.9", True),
        (("only_from =",), "127.0.0.1", False),
        (("no_access = ::1/128",), "::1", False),
        (("no_access = ::1/128",), "127.0.0.1", True),
        (("only_from = ::1",), "::1", True),
        (("only_from = 0.0.0.0/0",), "::1", False),
    ],
)
def test_addresses_decide_who_is_served(rules: tuple[str, ...], source: str, served: bool) -> None:
    port = net.free_port()
    host = "::1" if ":" in source else "127.0.0.1"
    with running(internal("echo", port, *rules)):
        assert net.tcp(port, b"hello", host, source) == (b"hello" if served else b"")


def test_a_refused_datagram_gets_no_answer_and_the_service_goes_on() -> None:
    port = net.free_port()
    with (
        running(internal("echo", port, "only_from = 127.0.0.1", kind="dgram")),
        net.udp_socket("127.0.0.1", "127.0.0.2") as stranger,
        net.udp_socket("127.0.0.1") as friend,
    ):
        stranger.sendto(b"refused", ("127.0.0.1", port))
        friend.sendto(b"served", ("127.0.0.1", port))
        assert friend.recv(100) == b"served"
        stranger.settimeout(0.2)
        with pytest.raises(TimeoutError):
            stranger.recv(100)


def test_outside_its_times_a_service_refuses_and_says_so_with_its_banner() -> None:
    port = net.free_port()
    now = time.localtime()
    hour = (now.tm_hour + 2) % 23
    attributes = {"access_times": f"{hour}:00-{hour}:59", "banner_fail": "@DIR@/closed"}
    text = internal("echo", port, **attributes)
    with running(text, files={"closed": "closed for now\n"}), net.connect(port) as client:
        assert net.receive_all(client) == b"closed for now\n"


def test_banners_come_before_the_service() -> None:
    port = net.free_port()
    files = {"always": "first\n", "good": "second\n"}
    with running(internal("echo", port, banner="@DIR@/always", banner_success="@DIR@/good"), files=files):
        assert net.tcp(port, b"third\n") == b"first\nsecond\nthird\n"


def test_per_source_bounds_one_address_and_not_another() -> None:
    port = net.free_port()
    with running(internal("echo", port, per_source=1)), net.connect(port) as first:
        first.sendall(b"1")
        assert first.recv(1) == b"1"
        assert net.tcp(port, b"2") == b""
        assert net.tcp(port, b"3", source="127.0.0.2") == b"3"


def test_cps_pauses_the_service_and_lets_it_come_back() -> None:
    port = net.free_port()
    with running(internal("echo", port, cps="3 1")) as daemon:
        answers = []
        for _ in range(5):
            try:
                answers.append(net.tcp(port, b"x"))
            except ConnectionRefusedError:
                answers.append(b"")
        assert answers[:3] == [b"x"] * 3
        assert answers[3:] == [b""] * 2
        net.wait_until(lambda: answers_again(port), "served again after the pause")
        assert "cps" in daemon.log()


def answers_again(port: int) -> bool:
    """Tell whether an echo comes back."""
    try:
        return net.tcp(port, b"again") == b"again"
    except ConnectionRefusedError:
        return False


def test_defaults_apply_to_every_service_below_them() -> None:
    first, second = net.free_port(), net.free_port()
    text = defaults("only_from = 127.0.0.1") + internal("echo", first) + internal("daytime", second)
    with running(text):
        assert net.tcp(first, b"x", source="127.0.0.2") == b""
        assert net.tcp(second, source="127.0.0.2") == b""
        assert net.tcp(first, b"x") == b"x"


def test_hosts_deny_closes_a_built_in_by_its_service_name() -> None:
    port = net.free_port()
    options = ["--hosts-allow", "@DIR@/allow", "--hosts-deny", "@DIR@/deny"]
    files = {"allow": "", "deny": "echo : 127.0.0.2\n"}
    with running(internal("echo", port), options, files=files) as daemon:
        assert net.tcp(port, b"x") == b"x"
        assert net.tcp(port, b"x", source="127.0.0.2") == b""
        daemon.path("deny").write_text("echo : ALL\n")
        net.wait_until(lambda: net.tcp(port, b"x") == b"", "the changed file is used without a reload")
