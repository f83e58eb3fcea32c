"""Packets for clients without an address, and the socket that sends them."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.cable import cable
from helpers.namespace import namespace
from superd.net.link_packet import checksum, open_packet_socket, udp_packet

SOURCE, DESTINATION = "192.0.2.1", "192.0.2.50"
PORTS = (67, 68)


def folded(data: bytes) -> int:
    """The ones' complement sum, added up word by word as RFC 1071 section 1 has it."""
    total = 0
    for at in range(0, len(data), 2):
        total += int.from_bytes(data[at : at + 2].ljust(2, b"\0"))
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_the_checksum_of_the_rfc_example() -> None:
    """RFC 1071 section 3."""
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2 ^ 0xFFFF


@given(st.binary(max_size=2000))
def test_data_and_its_checksum_add_up_to_all_ones(data: bytes) -> None:
    padded = data + b"\0" * (len(data) % 2)
    assert folded(padded + checksum(data).to_bytes(2)) == 0xFFFF


@given(st.binary(max_size=1500))
def test_both_checksums_of_a_packet_are_right(data: bytes) -> None:
    packet = udp_packet(SOURCE, DESTINATION, PORTS, data)
    header, datagram = packet[:20], packet[20:]
    pseudo = header[12:20] + struct.pack("!HH", socket.IPPROTO_UDP, len(datagram))
    assert (folded(header), folded(pseudo + datagram)) == (0xFFFF, 0xFFFF)
    assert datagram[8:] == data


def test_the_fields_of_a_packet() -> None:
    packet = udp_packet(SOURCE, DESTINATION, PORTS, b"abc")
    version, length, flags, ttl, protocol = struct.unpack_from("!BxH2xHBB", packet)
    assert (version, length, flags, ttl, protocol) == (0x45, 31, 0x4000, 64, socket.IPPROTO_UDP)
    assert packet[12:20] == socket.inet_aton(SOURCE) + socket.inet_aton(DESTINATION)
    assert struct.unpack_from("!HHH", packet, 20) == (67, 68, 11)


def test_a_checksum_of_zero_is_written_as_all_ones() -> None:
    """RFC 768: all zeros mean that there is none."""
    zero = next(data for number in range(0x10000) if _unsummed(data := number.to_bytes(2)) == 0xFFFF)
    assert udp_packet(SOURCE, DESTINATION, PORTS, zero)[26:28] == b"\xff\xff"


def _unsummed(data: bytes) -> int:
    addresses = socket.inet_aton(SOURCE) + socket.inet_aton(DESTINATION)
    pseudo = addresses + struct.pack("!HH", socket.IPPROTO_UDP, 8 + len(data))
    return folded(pseudo + struct.pack("!HHHH", *PORTS, 8 + len(data), 0) + data)


@pytest.mark.parametrize(
    ("source", "data", "text"),
    [
        ("2001:db8::1", b"", "4 octets"),
        ("", b"", "empty"),
        (SOURCE, bytes(65508), "65508 bytes are more than a datagram can carry"),
    ],
    ids=["IPv6", "none", "too long"],
)
def test_what_fits_in_no_packet_is_an_error(source: str, data: bytes, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        udp_packet(source, DESTINATION, PORTS, data)


RECEIVES = """
import socket
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.settimeout(20)
receiver.bind(("0.0.0.0", 68))
print("ready", flush=True)
print(*receiver.recvfrom(100))
"""

SENDS = """
from superd.net.link_packet import open_packet_socket, send_frame, udp_packet
packets = open_packet_socket()
packet = udp_packet("192.0.2.1", "192.0.2.50", (67, 68), b"hello")
send_frame(packets, "wire", bytes.fromhex("525400123456"), packet)
"""


@pytest.mark.root
def test_a_packet_arrives_at_a_hardware_address_as_an_ordinary_datagram() -> None:
    """The receiving kernel checks both checksums; the address is asked for nowhere (ARP)."""
    with cable() as made:
        made.client.ip("address", "add", "192.0.2.50/24", "dev", "wire")
        made.client.ip("link", "set", "wire", "arp", "off")
        receiver = made.listening(RECEIVES)
        assert receiver.stdout is not None
        with receiver.stdout as lines, receiver:
            assert lines.readline() == "ready\n"
            made.at_server(SENDS)
            assert lines.readline() == "b'hello' ('192.0.2.1', 67)\n"


@pytest.mark.root
def test_the_socket_stays_deaf_whatever_its_holder_does() -> None:
    """What reaches an ear that is bound to every protocol must not reach ours, bound likewise."""
    with open_packet_socket() as ours, socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as ear:
        ours.setblocking(False)
        ear.settimeout(10)
        for sock in (ours, ear):
            sock.bind(("lo", 0x0003))  # ETH_P_ALL
        with pytest.raises(PermissionError):
            ours.setsockopt(socket.SOL_SOCKET, 27, 0)  # SO_DETACH_FILTER
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"secret", ("127.0.0.1", 9))
        assert ear.recv(100)
        with pytest.raises(BlockingIOError):
            ours.recv(100)


SENDS_WITHOUT_CAPABILITIES = """
import os
from superd.net.link_packet import open_packet_socket, send_frame, udp_packet
from superd.privsep.drop import drop
packets = open_packet_socket()
drop(65534, 65534, (), confine=True)
send_frame(packets, "lo", bytes(6), udp_packet("127.0.0.1", "127.0.0.1", (67, 68), b"x"))
print("sent")
"""


@pytest.mark.root
def test_sending_needs_no_capability_any_more() -> None:
    with namespace() as made:
        assert made.python(SENDS_WITHOUT_CAPABILITIES) == ["sent"]
