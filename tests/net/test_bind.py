"""``bind``: what the socket is like, and what is said when there is none."""

import errno
import fcntl
import os
import select
import socket
import struct
from contextlib import ExitStack
from pathlib import Path

import pytest

from helpers.endpoints import inet
from superd.config.model import Endpoint, Family, SocketType
from superd.errors import BindError
from superd.net.bind import BACKLOG, FamilyMissing, bind, overlap

STREAM, DGRAM, RAW = SocketType.STREAM, SocketType.DGRAM, SocketType.RAW

IP_PKTINFO = 8


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def option(sock: socket.socket, level: int, name: int) -> int:
    return sock.getsockopt(level, name)


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
@pytest.mark.parametrize("kind", [STREAM, DGRAM])
@pytest.mark.parametrize("wait", [True, False])
def test_a_socket_is_close_on_exec_and_blocks_only_for_wait_programs(
    address: str, kind: SocketType, wait: bool
) -> None:
    with bind(inet(0, address, kind), wait) as sock:
        assert sock.getblocking() is wait
        assert fcntl.fcntl(sock, fcntl.F_GETFD) & fcntl.FD_CLOEXEC


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_stream_socket_takes_connections(address: str) -> None:
    with (
        bind(inet(0, address), wait=True) as sock,
        socket.create_connection(sock.getsockname()[:2]) as client,
    ):
        connection, _ = sock.accept()
        with connection:
            client.sendall(b"hello")
            assert connection.recv(10) == b"hello"


def test_more_connections_wait_than_any_inetd_lets() -> None:
    """xinetd's queue is 64; the kernel answers a longer one with silence."""
    with bind(inet(0), wait=False) as sock, ExitStack() as clients:
        for _ in range(300):
            clients.enter_context(socket.create_connection(sock.getsockname(), timeout=0.9))
    assert BACKLOG >= 1024


def test_both_families_can_have_the_same_port() -> None:
    with bind(inet(0, "::"), wait=False) as six:
        port = six.getsockname()[1]
        assert option(six, socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
        with bind(inet(port, "0.0.0.0"), wait=False) as four:
            assert four.getsockname() == ("0.0.0.0", port)


@pytest.mark.parametrize(("wait", "asked"), [(False, 1), (True, 0)])
def test_datagrams_tell_the_address_they_came_to_unless_a_program_reads_them(wait: bool, asked: int) -> None:
    with bind(inet(0, "0.0.0.0", DGRAM), wait) as four, bind(inet(0, "::", DGRAM), wait) as six:
        assert option(four, socket.IPPROTO_IP, IP_PKTINFO) == asked
        assert option(six, socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO) == asked


def test_the_address_a_datagram_came_to_is_received() -> None:
    with (
        bind(inet(0, "0.0.0.0", DGRAM), wait=False) as sock,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        client.sendto(b"x", ("127.0.0.7", sock.getsockname()[1]))
        assert select.select([sock], [], [], 5)[0]
        _, ancillary, _, _ = sock.recvmsg(10, 100)
        [(level, kind, data)] = ancillary
        assert (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO)
        assert socket.inet_ntoa(struct.unpack("=I4s4s", data)[2]) == "127.0.0.7"


@pytest.mark.parametrize("on", [True, False])
def test_nodelay_and_keepalive_reach_accepted_connections(on: bool) -> None:
    endpoint = inet(0, nodelay=on, keepalive=on)
    with bind(endpoint, wait=True) as sock, socket.create_connection(sock.getsockname()):
        connection, _ = sock.accept()
        with connection:
            assert bool(option(connection, socket.IPPROTO_TCP, socket.TCP_NODELAY)) is on
            assert bool(option(connection, socket.SOL_SOCKET, socket.SO_KEEPALIVE)) is on


def test_buffer_sizes_are_set() -> None:
    with bind(inet(0, kind=DGRAM, sndbuf=30000, rcvbuf=40000), wait=False) as sock:
        assert option(sock, socket.SOL_SOCKET, socket.SO_SNDBUF) == 60000
        assert option(sock, socket.SOL_SOCKET, socket.SO_RCVBUF) == 80000


def test_a_tcp_port_can_be_bound_again_while_old_connections_linger() -> None:
    with bind(inet(0), wait=True) as sock:
        address = sock.getsockname()
        with socket.create_connection(address):
            connection, _ = sock.accept()
            connection.close()  # our side closes first, so our side keeps the address in TIME_WAIT
    bind(inet(address[1]), wait=False).close()


def test_nobody_can_take_over_a_datagram_port_by_asking_for_reuse() -> None:
    with (
        bind(inet(0, kind=DGRAM), wait=False) as sock,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief,
    ):
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with pytest.raises(OSError, match="in use") as caught:
            thief.bind(sock.getsockname())
        assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize("kind", [STREAM, DGRAM])
@pytest.mark.parametrize(("first", "second"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0")])
def test_overlapping_addresses_of_ours_are_bound_beside_each_other_and_closed_to_others(
    kind: SocketType, first: str, second: str
) -> None:
    with bind(inet(0, first, kind), wait=False) as one:
        port = one.getsockname()[1]
        with pytest.raises(BindError, match="already in use by pid"):
            bind(inet(port, second, kind), wait=False)
        with bind(inet(port, second, kind), wait=False, beside=[one]) as two:
            assert two.getsockname()[1] == port
            assert not option(one, socket.SOL_SOCKET, socket.SO_REUSEPORT)
            with pytest.raises(BindError, match="already in use"):
                bind(inet(port, second, kind), wait=False)


@pytest.mark.parametrize("kind", [STREAM, DGRAM])
def test_traffic_goes_to_the_more_specific_of_two_overlapping_addresses(kind: SocketType) -> None:
    with bind(inet(0, "0.0.0.0", kind), wait=False) as wide:
        port = wide.getsockname()[1]
        with (
            bind(inet(port, "127.0.0.1", kind), wait=False, beside=[wide]) as narrow,
            socket.socket(
                socket.AF_INET, socket.SOCK_STREAM if kind is STREAM else socket.SOCK_DGRAM
            ) as client,
        ):
            client.connect(("127.0.0.1", port))
            client.send(b"x")
            assert select.select([wide, narrow], [], [], 5)[0] == [narrow]


A = inet(5000, "192.0.2.1")


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (inet(5000, "0.0.0.0"), True),
        (inet(5000, "192.0.2.1"), True),
        (inet(5000, "192.0.2.2"), False),
        (inet(5001, "0.0.0.0"), False),
        (inet(5000, "0.0.0.0", DGRAM), False),
        (inet(5000, "::"), False),
        (inet(5000, "0.0.0.0", device="eth0"), True),
    ],
    ids=str,
)
def test_which_addresses_overlap(other: Endpoint, expected: bool) -> None:
    assert overlap(A, other) is expected
    assert overlap(other, A) is expected


def test_two_interfaces_do_not_overlap() -> None:
    assert not overlap(inet(69, "0.0.0.0", device="eth0"), inet(69, "0.0.0.0", device="eth1"))


def test_the_error_names_address_port_and_service() -> None:
    with pytest.raises(BindError) as caught:
        bind(inet(69, "192.0.2.1", DGRAM), wait=False)
    assert str(caught.value) == "192.0.2.1:69/udp (tftp): no network interface has the address 192.0.2.1"


def test_the_error_names_an_interface_that_does_not_exist() -> None:
    with pytest.raises(BindError, match=r"0\.0\.0\.0%nowhere0:0/tcp: there is no network interface nowhere0"):
        bind(inet(0, "0.0.0.0", device="nowhere0"), wait=False)
    with pytest.raises(BindError, match="there is no network interface nowhere0"):
        bind(inet(0, "fe80::1%nowhere0"), wait=False)


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [
        (inet(7, "localhost"), "not a numeric address"),
        (inet(7, "127.1"), "not a numeric address"),
        (inet(7, "224.0.0.1"), "a multicast group has datagrams only"),
        (inet(7).model_copy(update={"family": Family.INET6}), "not of family inet6"),
        (inet(7).model_copy(update={"protocol": "nosuch"}), "no protocol nosuch in /etc/protocols"),
        (inet(7).model_copy(update={"protocol": "udp"}), "no stream sockets of protocol udp"),
    ],
)
def test_an_endpoint_that_makes_no_sense_is_an_error_with_a_reason(endpoint: Endpoint, text: str) -> None:
    with pytest.raises(BindError, match=text):
        bind(endpoint, wait=False)


def test_an_optional_address_of_a_family_the_machine_lacks_is_not_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_ipv6(*_: object) -> socket.socket:
        raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))

    monkeypatch.setattr("superd.net.bind.socket.socket", no_ipv6)
    with pytest.raises(FamilyMissing, match="this machine has no IPv6"):
        bind(inet(13, "::", optional=True), wait=False)
    with pytest.raises(BindError, match="this machine has no IPv6") as caught:
        bind(inet(13, "::"), wait=False)
    assert not isinstance(caught.value, FamilyMissing)


@pytest.mark.root
def test_without_root_a_low_port_is_refused_with_the_reason() -> None:
    os.seteuid(65534)
    try:
        with pytest.raises(BindError) as caught:
            bind(inet(13), wait=False)
    finally:
        os.seteuid(0)
    expected = "permission denied: ports below 1024 need root (net.ipv4.ip_unprivileged_port_start)"
    assert str(caught.value) == f"127.0.0.1:13/tcp (daytime): {expected}"


@pytest.mark.root
def test_a_raw_socket_has_its_protocol() -> None:
    endpoint = Endpoint(family=Family.INET, socket_type=RAW, protocol="icmp", address="127.0.0.1")
    with bind(endpoint, wait=True) as sock:
        assert (sock.type, sock.proto) == (socket.SOCK_RAW, socket.IPPROTO_ICMP)


def test_no_descriptor_is_left_after_an_error() -> None:
    with bind(inet(0), wait=False) as sock:
        before = open_descriptors()
        with pytest.raises(BindError):
            bind(inet(sock.getsockname()[1]), wait=False)
        assert open_descriptors() == before
