"""Which variables a program gets, by kind of service and by what is known of its client."""

import pytest

from helpers.launching import program, service
from superd.config.model import Family, SocketType
from superd.errors import ProtocolViolation
from superd.launcher.environment import NAMES, Environment
from superd.privsep.messages import Launch

IPV4 = Launch("s", 1, "192.0.2.7", 40000, "198.51.100.1", 21)
IPV6 = Launch("s", 1, "2001:db8::7", 40000, "fe80::1%eth0", 21)
UNKNOWN = Launch("s", 1, "", 0, "", 0)
LOCAL_ONLY = Launch("s", 1, "", 0, "198.51.100.1", 21)

TCP_FACTS = {
    "REMOTE_HOST": "192.0.2.7",
    "REMOTE_ADDR": "192.0.2.7",
    "REMOTE_PORT": "40000",
    "LOCAL_ADDR": "198.51.100.1",
    "LOCAL_PORT": "21",
    "SERVICE": "s",
    "PROTO": "TCP",
    "TCPREMOTEIP": "192.0.2.7",
    "TCPREMOTEPORT": "40000",
    "TCPLOCALIP": "198.51.100.1",
    "TCPLOCALPORT": "21",
}


def variables(
    request: Launch, env: dict[str, str] | None = None, kind: SocketType = SocketType.STREAM
) -> dict[str, str]:
    action = program("x", env=tuple((env or {}).items()))
    return Environment(service("s", action, socket_type=kind), action.env).of(request)


def unix(request: Launch) -> dict[str, str]:
    action = program("x", env=())
    return Environment(service("s", action, family=Family.UNIX, address="/run/s.sock"), action.env).of(
        request
    )


def test_stream_programs_know_both_ends() -> None:
    assert variables(IPV4) == TCP_FACTS


def test_datagram_programs_have_the_same_under_udp_names() -> None:
    expected = {name.replace("TCP", "UDP"): value.replace("TCP", "UDP") for name, value in TCP_FACTS.items()}
    assert variables(IPV4, kind=SocketType.DGRAM) == expected


def test_ipv6_is_tcp_with_ipv6_addresses() -> None:
    got = variables(IPV6)
    assert got["PROTO"] == "TCP"
    assert got["REMOTE_HOST"] == got["TCPREMOTEIP"] == "2001:db8::7"
    assert got["LOCAL_ADDR"] == "fe80::1%eth0"


def test_without_a_client_remote_host_is_what_xinetd_says_and_the_rest_is_unset() -> None:
    assert variables(UNKNOWN) == {"REMOTE_HOST": "<no address>", "SERVICE": "s", "PROTO": "TCP"}


def test_where_it_listens_is_known_without_a_client_too() -> None:
    assert variables(LOCAL_ONLY)["TCPLOCALPORT"] == "21"


def test_unix_sockets_have_a_path_and_no_host() -> None:
    assert unix(Launch("s", 1, "", 0, "/run/s.sock", 0)) == {
        "SERVICE": "s",
        "PROTO": "UNIX",
        "LOCAL_ADDR": "/run/s.sock",
        "UNIXLOCALPATH": "/run/s.sock",
    }
    assert unix(UNKNOWN) == {"SERVICE": "s", "PROTO": "UNIX"}


def test_another_path_than_the_configured_one_is_a_violation() -> None:
    with pytest.raises(ProtocolViolation):
        unix(Launch("s", 1, "", 0, "/run/other.sock", 0))


def test_configured_variables_come_along() -> None:
    got = variables(IPV4, {"PATH": "/bin", "EMPTY": "", "TCPREMOTEHOST": "configured"})
    assert got == TCP_FACTS | {"PATH": "/bin", "EMPTY": "", "TCPREMOTEHOST": "configured"}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_fact_wins_over_a_configured_or_inherited_variable(name: str) -> None:
    assert variables(IPV4, {name: "stale"}) == TCP_FACTS
    assert "stale" not in variables(UNKNOWN, {name: "stale"}).values()


def test_one_connection_leaves_nothing_for_the_next() -> None:
    action = program("x", env=())
    environment = Environment(service("s", action), action.env)
    environment.of(IPV4)
    assert environment.of(UNKNOWN) == {"REMOTE_HOST": "<no address>", "SERVICE": "s", "PROTO": "TCP"}


@pytest.mark.parametrize(
    "host",
    [
        "host.example",
        "192.0.2.1 ",
        "192.0.2.1\n",
        "() { :;}",
        "$(id)",
        "::1%e;x",
        "::1%" + "x" * 16,
        "1" * 46,
        "1.2",
        "abc",
        "::::",
        "1::2::3",
        "\uff11::",
    ],
)
def test_only_numeric_addresses_are_believed(host: str) -> None:
    for request in (Launch("s", 1, host, 1, "", 0), Launch("s", 1, "", 0, host, 1)):
        with pytest.raises(ProtocolViolation):
            variables(request)


@pytest.mark.parametrize("host", ["fe80::1%br+lan", "fe80::1%lan~1"])
def test_scopes_are_names_of_interfaces_however_unusual(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.if_nametoindex", lambda name: {"br+lan": 3, "lan~1": 4}[name])
    assert variables(Launch("s", 1, host, 40000, "fe80::2%eth0", 21))["REMOTE_HOST"] == host


@pytest.mark.parametrize(
    "host", ["fe80::1%$(reboot)", "fe80::1%no such", "fe80::1%\ud800", "fe80::1%", "x%lo"]
)
def test_scopes_that_no_interface_has_are_not_believed(host: str) -> None:
    with pytest.raises(ProtocolViolation):
        variables(Launch("s", 1, host, 40000, "", 0))


@pytest.mark.parametrize("host", ["192.0.2.7", "\u0100" * 4000, "a\nb"])
def test_a_client_of_a_unix_socket_has_no_address(host: str) -> None:
    """It would be repeated to other workers, in a message that may be too long to be sent."""
    with pytest.raises(ProtocolViolation):
        unix(Launch("s", 1, host, 0, "", 0))
