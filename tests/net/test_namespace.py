"""What needs interfaces of our own: binding to one, multicast groups, missing IPv6, broadcast addresses."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.namespace import Namespace, namespace

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not shutil.which("ip"), reason="needs ip(8)"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]

TESTS = Path(__file__).parents[1]

START = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
import select, socket, struct
from helpers.endpoints import inet, service
from superd.config.model import SocketType
from superd.errors import BindError
from superd.net import interfaces
from superd.net.bind import FamilyMissing, bind
DGRAM = SocketType.DGRAM
def arrives(sock):
    return bool(select.select([sock], [], [], 1)[0])
"""


ACCEPT_OURSELVES = """
from pathlib import Path
for name in ("all", "one0", "two0"):
    Path(f"/proc/sys/net/ipv4/conf/{name}/rp_filter").write_text("0")
    Path(f"/proc/sys/net/ipv4/conf/{name}/accept_local").write_text("1")
"""
"""Both ends of the wire are in one namespace: without this the kernel drops packets that come from itself."""


@pytest.fixture
def lan() -> Iterator[Namespace]:
    """Two linked interfaces, both in one namespace: one0 10.9.1.1/24 and two0 10.9.2.1/24."""
    with namespace() as made:
        made.ip("link", "add", "one0", "type", "veth", "peer", "name", "two0")
        for number, name in enumerate(("one0", "two0"), start=1):
            made.ip("addr", "add", f"10.9.{number}.1/24", "brd", "+", "dev", name)
            made.ip("link", "set", name, "up")
            made.ip("addr", "add", f"fd00:{number}::1/64", "dev", name, "nodad")
        made.python(ACCEPT_OURSELVES)
        yield made


def test_a_socket_bound_to_an_interface_hears_only_that_one(lan: Namespace) -> None:
    lines = lan.python(
        START
        + """
with bind(inet(0, "0.0.0.0", DGRAM, device="one0"), wait=False) as bound:
    port = bound.getsockname()[1]
    print(bound.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\\0").decode())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"by loopback", ("127.0.0.1", port))
        print(arrives(bound))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"two0\\0")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        client.sendto(b"by the wire", ("255.255.255.255", port))
        print(arrives(bound) and bound.recv(100).decode())
"""
    )
    assert lines == ["one0", "False", "by the wire"]


def test_two_services_can_have_one_port_on_two_interfaces(lan: Namespace) -> None:
    lines = lan.python(
        START
        + """
with (bind(inet(69, "0.0.0.0", DGRAM, device="one0"), wait=False),
      bind(inet(69, "0.0.0.0", DGRAM, device="two0"), wait=False)):
    print("both")
    try:
        bind(inet(69, "0.0.0.0", DGRAM), wait=False)
    except BindError as error:
        print(str(error).partition(" by pid")[0])
"""
    )
    assert lines == ["both", "0.0.0.0:69/udp (tftp): already in use"]


def test_the_interface_must_exist(lan: Namespace) -> None:
    lines = lan.python(
        START
        + """
try:
    bind(inet(69, "0.0.0.0", DGRAM, device="three0"), wait=False)
except BindError as error:
    print(error)
"""
    )
    assert lines == ["0.0.0.0%three0:69/udp (tftp): there is no network interface three0"]


@pytest.mark.parametrize(
    ("group", "device"), [("239.1.2.3", "one0"), ("ff15::123%one0", ""), ("ff15::123", "one0")]
)
def test_a_multicast_address_is_joined(lan: Namespace, group: str, device: str) -> None:
    lines = lan.python(
        START
        + f"""
with bind(inet(0, {group!r}, DGRAM, device={device!r}), wait=False) as receiver:
    family, port = receiver.family, receiver.getsockname()[1]
    group = {group.partition("%")[0]!r}
    number = socket.if_nametoindex("two0")
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        if family == socket.AF_INET:
            request = bytes(8) + struct.pack("=i", number)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, request)
        else:
            sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, number)
        sender.sendto(b"hello, group", (group, port))
        print(arrives(receiver) and receiver.recv(100).decode())
    with bind(inet(port, {group!r}, DGRAM, device={device!r}), wait=False):
        print("a group may have several receivers")
"""
    )
    assert lines == ["hello, group", "a group may have several receivers"]


def test_a_group_nobody_has_a_route_to_is_explained() -> None:
    with namespace() as empty:
        lines = empty.python(
            START
            + """
try:
    bind(inet(69, "239.1.2.3", DGRAM), wait=False)
except BindError as error:
    print(error)
"""
        )
    assert lines == ["239.1.2.3:69/udp (tftp): the group needs a network interface"]


def test_a_link_local_address_is_bound_with_its_scope(lan: Namespace) -> None:
    lines = lan.python(
        START
        + """
[address] = [entry.address for entry in interfaces.addresses()
             if entry.interface == "one0" and entry.address.startswith("fe80")]
try:
    sock = bind(inet(0, address + "%one0"), wait=False)
except BindError as error:  # still being checked for duplicates
    print(error.__cause__.errno == 99)
else:
    print(sock.getsockname()[3] == socket.if_nametoindex("one0"))
    sock.close()
"""
    )
    assert lines == ["True"]


def test_the_kernels_addresses_and_broadcasts_are_known(lan: Namespace) -> None:
    lines = lan.python(
        START
        + """
print(*sorted(entry.address for entry in interfaces.addresses() if entry.address.startswith(("10", "fd"))))
print(*sorted(interfaces.broadcast_addresses()))
known = interfaces.Broadcasts()
print("10.9.1.255" in known, "10.9.3.255" in known)
"""
    )
    assert lines == [
        "10.9.1.1 10.9.2.1 fd00:1::1 fd00:2::1",
        "10.9.1.255 10.9.2.255 255.255.255.255",
        "True False",
    ]


def test_where_ipv6_is_switched_off_the_optional_half_is_skipped() -> None:
    with namespace() as made:
        lines = made.python(
            START
            + """
from pathlib import Path
from superd.supervisor.listeners import Listeners
Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")
listeners = Listeners()
acquired = listeners.acquire([service("time", inet(37, "0.0.0.0"), inet(37, "::1", optional=True))])
listeners.commit(acquired)
print(len(acquired.sockets), *acquired.failures)
print(*acquired.skipped)
listeners.close()
"""
        )
    assert lines == [
        "1",
        "test.conf:1: service time: [::1]:37/tcp (time): not served, this machine has no IPv6",
    ]
