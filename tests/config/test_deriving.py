"""From a stanza to the service as used: addresses, ports, programs, users, access, limits, log."""

import os
from pathlib import Path

import pytest

from helpers.configured import codes, defaults, loaded, one, services, stanza
from superd.config.model import (
    Builtin,
    Credentials,
    Program,
    ResourceLimit,
    Service,
    SocketType,
)
from superd.config.origin import Report


def places(service: Service) -> list[str]:
    return [str(endpoint) for endpoint in service.endpoints]


def program(service: Service) -> Program:
    assert isinstance(service.action, Program)
    return service.action


ADDRESSES = [
    ([], ["0.0.0.0:4700", "[::]:4700"]),
    (["flags = IPv4"], ["0.0.0.0:4700"]),
    (["flags = IPv4 IPv6"], ["0.0.0.0:4700", "[::]:4700"]),
    (["v6only = yes"], ["[::]:4700"]),
    (["flags = IPv6", "v6only = yes"], ["[::]:4700"]),
    (["flags = IPv6"], ["0.0.0.0:4700", "[::]:4700"]),
    (["v6only = no"], ["0.0.0.0:4700", "[::]:4700"]),
    (["bind = 127.0.0.1"], ["127.0.0.1:4700"]),
    (["interface = 127.0.0.1"], ["127.0.0.1:4700"]),
    (["bind = ::1"], ["[::1]:4700"]),
    (["bind = 0.0.0.0"], ["0.0.0.0:4700"]),
    (["bind = ::"], ["0.0.0.0:4700", "[::]:4700"]),
    (["bind = ::", "v6only = yes"], ["[::]:4700"]),
    (["bind = ::ffff:127.0.0.1"], ["127.0.0.1:4700"]),
    (["bind = fe80::1%2"], ["[fe80::1%2]:4700"]),
    (["bind = 127.0.0.1,::1,127.0.0.1"], ["127.0.0.1:4700", "[::1]:4700"]),
    (["bind = eth0"], ["0.0.0.0%eth0:4700", "[::]%eth0:4700"]),
    (["bind = eth0", "flags = IPv4"], ["0.0.0.0%eth0:4700"]),
    (["bind = both.test"], ["192.0.2.1:4700", "[2001:db8::1]:4700"]),
    (["bind = both.test", "flags = IPv6"], ["[2001:db8::1]:4700"]),
    (["bind = four.test"], ["192.0.2.4:4700"]),
]


@pytest.mark.parametrize(("lines", "expected"), ADDRESSES)
def test_where_a_service_listens(lines: list[str], expected: list[str]) -> None:
    assert places(one(*lines)) == expected


def test_only_the_ipv6_half_of_a_wildcard_may_be_missing() -> None:
    assert [endpoint.optional for endpoint in one().endpoints] == [False, True]
    assert [endpoint.optional for endpoint in one("bind = ::1").endpoints] == [False]


@pytest.mark.parametrize("value", ["nosuch.test", "/run/x", "1.2.3.4.5", "::g", "a b", "127.0.0.1,", "-x"])
def test_a_bad_address_keeps_the_service_from_starting(value: str) -> None:
    assert services(stanza(f"bind = {value}")) == {}


PORTS = [
    ("4700", [4700]),
    ("+4700", [4700]),
    ("telnet", [23]),
    ("5000-5002", [5000, 5001, 5002]),
    ("0", [0]),
]


@pytest.mark.parametrize(("text", "expected"), PORTS)
def test_a_port_is_a_number_a_name_or_a_range(text: str, expected: list[int]) -> None:
    service = one("flags = IPv4", port=text)
    assert [endpoint.port for endpoint in service.endpoints] == expected


@pytest.mark.parametrize("text", ["65536", "-1", "0x50", "nosuch", "5-2", "1-1025", "0-3", "5-", "1-70000"])
def test_a_bad_port_keeps_the_service_from_starting(text: str) -> None:
    assert codes(stanza(port=text)) == ["bad-value"]


def test_a_listed_service_takes_its_port_from_services() -> None:
    found = services(stanza(name="telnet", without="type port"))["telnet"]
    assert {endpoint.port for endpoint in found.endpoints} == {23}


@pytest.mark.parametrize(
    ("without", "expected"),
    [("socket_type", SocketType.STREAM), ("protocol", SocketType.STREAM), ("", SocketType.STREAM)],
)
def test_socket_type_and_protocol_follow_from_each_other(without: str, expected: SocketType) -> None:
    service = services(stanza(without=without))["s"]
    assert service.socket_type is expected
    assert {endpoint.protocol for endpoint in service.endpoints} == {"tcp"}


@pytest.mark.parametrize("protocol", ["udp", "tcp6", "foo"])
def test_a_protocol_that_does_not_fit_keeps_the_service_from_starting(protocol: str) -> None:
    assert services(stanza(protocol=protocol)) == {}


def test_every_missing_attribute_is_named() -> None:
    report = Report()
    assert services("service s\n{\n\ttype = UNLISTED\n}\n", report) == {}
    missing = [each.text.rsplit(" ", 1)[1] for each in report.diagnostics if each.code == "missing-attribute"]
    assert missing == ["wait", "socket_type", "protocol", "user", "server"]


def test_a_unix_socket_has_a_path_an_owner_and_a_mode() -> None:
    service = one("bind = /run/s", "socket_owner = games:mail", "socket_mode = 660", protocol="unix")
    endpoint = service.endpoints[0]
    assert (str(endpoint), endpoint.owner, endpoint.mode, endpoint.protocol) == ("/run/s", (5, 8), 0o660, "")


@pytest.mark.parametrize("bind", ["run/s", "/" + "x" * 107])
def test_a_unix_socket_needs_an_absolute_path_that_fits(bind: str) -> None:
    assert services(stanza(f"bind = {bind}", protocol="unix")) == {}


def test_tcp_options_come_from_flags_and_sizes() -> None:
    endpoint = one("flags = NODELAY KEEPALIVE", "sndbuf = 64k").endpoints[0]
    assert (endpoint.nodelay, endpoint.keepalive, endpoint.sndbuf, endpoint.rcvbuf) == (
        True,
        True,
        65536,
        None,
    )


def test_argv_starts_with_the_basename_of_the_server() -> None:
    assert program(one("server_args = -u x")).argv == ("cat", "-u", "x")


@pytest.mark.parametrize(
    "lines",
    [["flags = NAMEINARGS", "server_args = kitty -u"], ["server_args = kitty -u", "flags = NAMEINARGS"]],
)
def test_nameinargs_gives_argv_as_written_in_any_order(lines: list[str]) -> None:
    assert program(one(*lines)).argv == ("kitty", "-u")


def test_the_server_behind_tcpd_is_started_directly() -> None:
    service = one("flags = NAMEINARGS", "server_args = in.telnetd -h", server="/usr/sbin/tcpd")
    assert (program(service).path, program(service).argv) == ("/usr/sbin/in.telnetd", ("in.telnetd", "-h"))
    assert service.access.daemon == "in.telnetd"


DAEMONS: list[tuple[list[str], dict[str, str], str]] = [
    ([], {}, "cat"),
    (["libwrap = other"], {}, "other"),
    (["flags = NOLIBWRAP"], {}, ""),
    (["flags = NAMEINARGS", "server_args = /x/kitty"], {}, "kitty"),
    (["redirect = 192.0.2.1 80"], {}, "s"),
]


@pytest.mark.parametrize(("lines", "attributes", "expected"), DAEMONS)
def test_the_name_in_hosts_allow(lines: list[str], attributes: dict[str, str], expected: str) -> None:
    assert services(stanza(*lines, **attributes))["s"].access.daemon == expected


def test_a_builtin_is_known_to_hosts_allow_by_its_name_not_its_id() -> None:
    found = services(stanza("id = mine", name="time", type="INTERNAL UNLISTED"))["mine"]
    assert found.access.daemon == "time"


USERS = [
    ({}, [], Credentials(user="nobody", uid=65534, gid=65534)),
    ({"user": "games"}, [], Credentials(user="games", uid=5, gid=60)),
    ({"user": "games"}, ["group = mail"], Credentials(user="games", uid=5, gid=8)),
    ({"user": "games"}, ["group = 77"], Credentials(user="games", uid=5, gid=77)),
    ({"user": "games"}, ["groups = yes"], Credentials(user="games", uid=5, gid=60, groups=(4, 60))),
    ({"user": "games"}, ["group = mail", "groups = yes"],
     Credentials(user="games", uid=5, gid=8, groups=(4, 60))),
    ({"user": "5"}, [], Credentials(user="5", uid=5, gid=5)),
    ({"user": "54321"}, ["nice = 100"], Credentials(user="54321", uid=54321, gid=54321, nice=19)),
    ({}, ["nice = -5"], Credentials(user="nobody", uid=65534, gid=65534, nice=-5)),
]  # fmt: skip


@pytest.mark.parametrize(("attributes", "lines", "expected"), USERS)
def test_who_a_program_runs_as(attributes: dict[str, str], lines: list[str], expected: Credentials) -> None:
    assert program(one(*lines, **attributes)).credentials == expected


@pytest.mark.parametrize(
    ("lines", "user"),
    [
        ([], "nosuch"),
        ([], "nobody:nogroup"),
        (["group = nosuch"], "nobody"),
        (["groups = true"], "nobody"),
    ],
)
def test_a_user_that_does_not_exist_keeps_the_service_from_starting(lines: list[str], user: str) -> None:
    assert codes(stanza(*lines, user=user)) == ["bad-value"]


def test_groups_of_an_entry_of_inetd_conf_start_from_its_own_group(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, "4700 stream tcp nowait games.mail /bin/cat cat\n", "inetd.conf"
    ).config.services[0]
    assert isinstance(found.action, Program)
    assert found.action.credentials.groups == (4, 8)


def test_without_root_the_user_must_be_ones_own() -> None:
    assert services(stanza(), uid=1000) == {}
    own = services(stanza(user="65534"), uid=65534)["s"]
    assert program(own).credentials.uid == 65534


def test_the_environment_is_all_or_what_passenv_names_with_env_on_top() -> None:
    assert dict(program(one()).env) == {"PATH": "/bin", "LANG": "C"}
    assert dict(program(one("passenv = PATH", "env = A=1 LANG=x")).env) == {
        "PATH": "/bin",
        "A": "1",
        "LANG": "x",
    }
    assert dict(program(one("passenv =")).env) == {}


def test_resource_limits_have_their_units() -> None:
    limits = program(
        one("rlimit_as = 10M", "rlimit_cpu = 5", "rlimit_files = 20", "rlimit_stack = UNLIMITED")
    ).limits
    assert [(limit.resource, limit.value) for limit in limits] == [
        ("AS", 10 << 20), ("CPU", 5), ("NOFILE", 20), ("STACK", None)
    ]  # fmt: skip
    assert isinstance(limits[0], ResourceLimit)


@pytest.mark.parametrize(
    "line", ["rlimit_cpu = 5k", "rlimit_as = 10G", "umask = 999", "env = FOO", "wait = true"]
)
def test_a_bad_value_keeps_the_service_from_starting(line: str) -> None:
    assert services(stanza(line, without="wait" if "wait" in line else "")) == {}


def test_umask_is_the_daemons_or_the_services() -> None:
    assert (program(one()).umask, program(one("umask = 077")).umask) == (0o022, 0o077)


def test_a_banner_is_read_and_cut(tmp_path: Path) -> None:
    banner = tmp_path / "banner"
    banner.write_bytes(b"x" * 20000)
    assert "banner-too-long" in codes(stanza(f"banner_fail = {banner}"))
    assert one(f"banner_fail = {banner}").banners.failure == b"x" * 16384


def test_a_fifo_as_banner_does_not_hold_anything_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert one(f"banner = {tmp_path / 'fifo'}").banners.always == b""


LATER = [
    ("redirect = 192.0.2.1 80", {}),
    ("flags = LABELED", {}),
    ("flags = INTERCEPT", {"wait": "yes"}),
    ("rpc_version = 1-2\n\trpc_number = 300001", {"type": "RPC UNLISTED"}),
    ("rpc_version = 1", {"type": "RPC", "name": "rstatd"}),
    ("", {"type": "TCPMUX UNLISTED"}),
    ("", {"type": "TCPMUXPLUS UNLISTED"}),
    ("", {"type": "INTERNAL UNLISTED", "name": "tcpmux"}),
]


@pytest.mark.parametrize(("line", "attributes"), LATER)
def test_what_comes_later_is_modelled_but_not_started(line: str, attributes: dict[str, str]) -> None:
    service = next(iter(services(stanza(line, **attributes)).values()))
    assert service.unsupported
    assert codes(stanza(line, **attributes)) == ["not-supported"]


@pytest.mark.parametrize(
    ("line", "attributes"),
    [
        ("redirect = 192.0.2.1 nosuch", {}),
        ("redirect = 192.0.2.1 0", {}),
        ("redirect = 192.0.2.1 80", {"wait": "yes"}),
        ("rpc_number = 300001", {"type": "RPC UNLISTED"}),
        ("rpc_version = 5-2\n\trpc_number = 1", {"type": "RPC UNLISTED"}),
        ("", {"type": "TCPMUX"}),
        ("", {"type": "INTERNAL UNLISTED", "name": "frob"}),
        ("flags = NAMEINARGS", {}),
        ("log_type = FILE /nonexistent/dir/log", {}),
        ("log_type = /var/log/x", {}),
        ("log_on_failure = PID", {}),
        ("deny_time = soon", {}),
    ],
)
def test_what_is_wrong_is_not_modelled(line: str, attributes: dict[str, str]) -> None:
    assert services(stanza(line, **attributes)) == {}


def test_a_builtin_carries_its_user_for_a_worker_of_its_own() -> None:
    action = services(stanza(name="echo", type="INTERNAL UNLISTED"))["echo"].action
    assert isinstance(action, Builtin)
    assert action.credentials == Credentials(user="nobody", uid=65534, gid=65534)


def test_a_builtin_needs_neither_user_nor_server() -> None:
    text = stanza(name="echo", type="INTERNAL", without="user server port")
    assert codes(text) == []
    assert [str(endpoint) for endpoint in services(text)["echo"].endpoints] == ["0.0.0.0:7", "[::]:7"]


def test_addresses_of_defaults_do_not_concern_unix_sockets() -> None:
    text = defaults("only_from = 10.0.0.1") + stanza("bind = /run/s", protocol="unix")
    assert services(text)["s"].access.only_from is None
    assert codes(text) == ["unix-with-defaults"]
