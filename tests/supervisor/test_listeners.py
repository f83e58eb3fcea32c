"""``Listeners``: which sockets stay, which are made, which are closed, and what happens to clients meanwhile."""

import os
import resource
import socket
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.endpoints import inet, service, unix
from helpers.net import free_port
from superd.config.model import Service, SocketType
from superd.supervisor.listeners import Acquired, Listeners

DGRAM = SocketType.DGRAM


@pytest.fixture
def listeners() -> Iterator[Listeners]:
    made = Listeners()
    yield made
    made.close()


def take(listeners: Listeners, *services: Service) -> Acquired:
    """Acquire and commit; nothing may fail."""
    acquired = listeners.acquire(services)
    assert acquired.failures == []
    assert listeners.commit(acquired) == []
    return acquired


def the_socket(acquired: Acquired) -> socket.socket:
    [sock] = acquired.sockets.values()
    return sock


def connects(port: int, host: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_each_endpoint_gets_a_socket_by_service_and_endpoint(listeners: Listeners) -> None:
    ports = free_port(), free_port()
    echo = service("echo", inet(ports[0]), inet(ports[0], "::1"))
    time_ = service("time", inet(ports[1], kind=DGRAM))
    acquired = take(listeners, echo, time_)
    assert [key for key, _ in acquired.sockets] == ["echo", "echo", "time"]
    assert [listener.socket.getsockname()[1] for listener in acquired.listeners()] == [ports[0], *ports]
    assert len(listeners) == 3


def test_a_socket_whose_address_stays_is_the_same_one(listeners: Listeners) -> None:
    port = free_port()
    before = take(listeners, service("echo", inet(port)))
    after = take(listeners, service("renamed", inet(port, nodelay=True), line=7))
    assert the_socket(after) is the_socket(before)


def test_new_options_are_applied_to_a_kept_socket_when_the_reload_is_certain(listeners: Listeners) -> None:
    port = free_port()
    sock = the_socket(take(listeners, service("echo", inet(port))))
    default = sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    changed = service("echo", inet(port, nodelay=True, keepalive=True, sndbuf=50000), wait=True)
    acquired = listeners.acquire([changed])
    assert not sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert not sock.getblocking()
    assert listeners.commit(acquired) == []
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 100000
    assert sock.getblocking()
    take(listeners, service("echo", inet(port)))
    assert not sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == default
    assert not sock.getblocking()


def test_packet_information_follows_wait(listeners: Listeners) -> None:
    port = free_port()
    sock = the_socket(take(listeners, service("time", inet(port, "::1", DGRAM))))
    take(listeners, service("time", inet(port, "::1", DGRAM), wait=True))
    assert not sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO)


def test_what_is_gone_is_closed_only_at_the_commit(listeners: Listeners) -> None:
    old, new = free_port(), free_port()
    take(listeners, service("echo", inet(old)))
    acquired = listeners.acquire([service("echo", inet(new))])
    assert connects(old)
    assert connects(new)
    listeners.commit(acquired)
    assert not connects(old)
    assert connects(new)


def test_an_abandoned_reload_leaves_everything_as_it_was(listeners: Listeners, tmp_path: Path) -> None:
    old, new, path = free_port(), free_port(), tmp_path / "socket"
    sock = the_socket(take(listeners, service("echo", inet(old))))
    acquired = listeners.acquire(
        [service("echo", inet(old, nodelay=True)), service("time", inet(new), unix(path))]
    )
    assert path.is_socket()
    listeners.abandon(acquired)
    assert connects(old)
    assert not connects(new)
    assert not path.exists()
    assert not sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert len(listeners) == 1


@pytest.mark.parametrize("kind", [SocketType.STREAM, DGRAM])
@pytest.mark.parametrize(("old", "new"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0"), ("::", "::1")])
def test_an_address_can_be_narrowed_and_widened_without_a_gap(
    listeners: Listeners, old: str, new: str, kind: SocketType
) -> None:
    port = free_port()
    take(listeners, service("echo", inet(port, old, kind)))
    acquired = listeners.acquire([service("echo", inet(port, new, kind))])
    assert acquired.failures == []
    if kind is SocketType.STREAM:
        assert connects(port, "::1" if ":" in old else "127.0.0.1")
    listeners.commit(acquired)
    assert the_socket(acquired).getsockname()[:2] == (new, port)
    if kind is SocketType.STREAM:
        assert connects(port, "::1" if ":" in old else "127.0.0.1")


def test_no_client_is_refused_during_reloads(listeners: Listeners) -> None:
    port = free_port()
    take(listeners, service("echo", inet(port, "0.0.0.0")))
    served: list[bool] = []
    turns = threading.Semaphore(0)

    def connect() -> None:
        for _ in range(60):
            turns.acquire()
            served.extend(connects(port) for _ in range(5))

    clients = threading.Thread(target=connect)
    clients.start()
    for number in range(60):
        turns.release()
        take(listeners, service(f"echo{number}", inet(port, "0.0.0.0", nodelay=bool(number % 2))))
    clients.join()
    assert served == [True] * 300


def test_two_services_at_one_address_are_an_error_of_the_later(listeners: Listeners) -> None:
    port = free_port()
    first, second = service("echo", inet(port), line=3), service("time", inet(port, nodelay=True), line=9)
    acquired = listeners.acquire([first, second])
    [failure] = acquired.failures
    listeners.commit(acquired)
    expected = f"127.0.0.1:{port}/tcp: already used by service echo (test.conf:3)"
    assert str(failure) == f"test.conf:9: service time: {expected}"
    assert (failure.service, failure.endpoint) == ("time", second.endpoints[0])
    assert [key for key, _ in acquired.sockets] == ["echo"]


def test_an_address_a_service_names_twice_is_one_socket(listeners: Listeners) -> None:
    endpoint = inet(free_port())
    acquired = take(listeners, service("echo", endpoint, endpoint))
    assert len(acquired.sockets) == len(listeners) == 1


def test_overlapping_addresses_of_two_services_are_both_served(listeners: Listeners) -> None:
    port = free_port()
    acquired = take(listeners, service("all", inet(port, "0.0.0.0")), service("own", inet(port)))
    assert len(acquired.sockets) == 2


def test_ports_that_the_kernel_picks_are_different_and_stay_with_their_service(listeners: Listeners) -> None:
    one, two = service("one", inet(0)), service("two", inet(0))
    before = take(listeners, one, two)
    after = take(listeners, two, one)
    names = {key: sock.getsockname() for (key, _), sock in before.sockets.items()}
    assert len(set(names.values())) == 2
    assert {key: sock.getsockname() for (key, _), sock in after.sockets.items()} == names


def test_a_port_that_is_taken_is_a_failure_and_the_others_are_bound(listeners: Listeners) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        acquired = listeners.acquire([service("echo", inet(taken)), service("time", inet(port))])
        listeners.commit(acquired)
        [failure] = acquired.failures
        assert f"127.0.0.1:{taken}/tcp" in failure.text
        assert f": already in use by pid {os.getpid()} (" in failure.text
        assert connects(port)
    take(listeners, service("echo", inet(taken)), service("time", inet(port)))
    assert connects(taken)


def test_a_failed_try_leaves_kept_sockets_alone(listeners: Listeners) -> None:
    port = free_port()
    echo = service("echo", inet(port))
    sock = the_socket(take(listeners, echo))
    acquired = listeners.acquire([echo, service("bad", inet(0, "192.0.2.1"))])
    assert len(acquired.failures) == 1
    assert acquired.sockets["echo", echo.endpoints[0]] is sock


class TestUnixSockets:
    def test_the_file_goes_when_the_service_goes(self, listeners: Listeners, tmp_path: Path) -> None:
        path = tmp_path / "socket"
        take(listeners, service("echo", unix(path)))
        assert path.is_socket()
        take(listeners)
        assert not path.exists()

    def test_a_new_mode_is_set_on_the_same_socket(self, listeners: Listeners, tmp_path: Path) -> None:
        path = tmp_path / "socket"
        before = take(listeners, service("echo", unix(path, mode=0o600)))
        after = take(listeners, service("echo", unix(path, mode=0o660)))
        assert the_socket(after) is the_socket(before)
        assert stat.S_IMODE(path.stat().st_mode) == 0o660

    @pytest.mark.root
    def test_a_new_owner_is_set_and_taken_back(self, listeners: Listeners, tmp_path: Path) -> None:
        path = tmp_path / "socket"
        take(listeners, service("echo", unix(path, owner=(65534, 65534))))
        take(listeners, service("echo", unix(path, owner=(1, 1))))
        assert (path.stat().st_uid, path.stat().st_gid) == (1, 1)

    def test_a_kept_socket_whose_file_is_gone_is_reported(self, listeners: Listeners, tmp_path: Path) -> None:
        path = tmp_path / "socket"
        take(listeners, service("echo", unix(path, mode=0o600)))
        path.unlink()
        [failure] = listeners.commit(listeners.acquire([service("echo", unix(path, mode=0o660))]))
        assert str(path) in failure.text


def test_close_frees_every_port_and_file(tmp_path: Path) -> None:
    port, path = free_port(), tmp_path / "socket"
    made = Listeners()
    take(made, service("echo", inet(port), unix(path)))
    made.close()
    assert not connects(port)
    assert not path.exists()


def many(count: int) -> list[Service]:
    """Services on as many addresses of the loopback network, all on one port."""
    port = free_port()
    addresses = (f"127.{1 + number // 250}.7.{1 + number % 250}" for number in range(count))
    return [service(f"s{number}", inet(port, address)) for number, address in enumerate(addresses)]


def test_a_thousand_ports_are_bound_and_kept_quickly(listeners: Listeners) -> None:
    services = many(1000)
    start = time.perf_counter()
    take(listeners, *services)
    bound = time.perf_counter() - start
    take(listeners, *services)
    kept = time.perf_counter() - start - bound
    assert (bound < 1, kept < 1) == (True, True), f"bound in {bound:.3f} s, kept in {kept:.3f} s"


def test_the_number_of_allowed_descriptors_costs_nothing(listeners: Listeners) -> None:
    """xinetd closes and polls every one that could be open, which takes minutes where a billion are allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        start = time.perf_counter()
        take(listeners, service("echo", inet(0)))
        spent = time.perf_counter() - start
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert spent < 1.0
