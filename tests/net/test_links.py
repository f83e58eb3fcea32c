"""By which interface a datagram came in, and from which of our addresses it is answered."""

import socket

import pytest

from superd.net import links
from superd.net.interfaces import InterfaceAddress
from superd.net.links import REFRESH, RETRY, Facts, Links
from superd.service import Link

LAN, DMZ, EMPTY = 2, 3, 4
MAC = bytes.fromhex("525400123456")

FACTS: Facts = {
    LAN: [
        InterfaceAddress("lan", LAN, "192.0.2.1", 24, "192.0.2.255"),
        InterfaceAddress("lan", LAN, "198.51.100.1", 25, "198.51.100.127"),
    ],
    DMZ: [InterfaceAddress("dmz", DMZ, "203.0.113.1", 24, "203.0.113.255")],
}


def known(facts: Facts = FACTS) -> Links:
    return Links(ask=lambda: facts, hardware=lambda name: MAC if name == "lan" else b"", clock=lambda: 0.0)


@pytest.mark.parametrize(
    ("index", "destination", "ours", "address", "prefix"),
    [
        (LAN, "255.255.255.255", "192.0.2.1", "192.0.2.1", 24),
        (LAN, "198.51.100.127", "198.51.100.1", "198.51.100.1", 25),
        (LAN, "255.255.255.255", "203.0.113.1", "192.0.2.1", 24),
        (LAN, "203.0.113.1", "203.0.113.1", "203.0.113.1", 24),
        (EMPTY, "255.255.255.255", "192.0.2.1", "", 0),
    ],
    ids=["broadcast", "broadcast of one network", "never another link's", "asked at another's", "no address"],
)
def test_the_address_that_answers(index: int, destination: str, ours: str, address: str, prefix: int) -> None:
    link = known().find(index, destination, ours)
    assert (link.index, link.address, link.prefix) == (index, address, prefix)


def test_a_link_has_a_name_and_a_hardware_address() -> None:
    link = known().find(LAN, "255.255.255.255", "192.0.2.1")
    assert link == Link(LAN, "lan", MAC, "192.0.2.1", 24)


def test_the_loopback_interface_is_found_in_the_kernel() -> None:
    index = socket.if_nametoindex("lo")
    assert Links().find(index, "127.0.0.1", "127.0.0.1") == Link(index, "lo", b"", "127.0.0.1", 8)


def test_an_interface_that_is_gone_has_a_number_for_a_name() -> None:
    assert Links().find(2**30, "255.255.255.255", "") == Link(2**30, str(2**30), b"", "", 0)


def test_a_missing_interface_has_no_hardware_address() -> None:
    assert links.hardware_address("nowhere0") == b""


class TestAging:
    """``asked`` counts how often the kernel was asked."""

    def make(self, *answers: Facts) -> tuple[Links, list[float], list[float]]:
        now, asked, left = [100.0], [], list(answers)

        def ask() -> Facts:
            asked.append(now[0])
            if not left:
                raise OSError
            return left.pop(0)

        return Links(ask=ask, hardware=lambda _: b"", clock=lambda: now[0]), now, asked

    def test_the_kernel_is_asked_again_only_after_a_while(self) -> None:
        known, now, asked = self.make(FACTS, FACTS)
        for now[0] in (100.0, 101.0, 100.0 + REFRESH - 1, 100.0 + REFRESH):
            known.find(LAN, "255.255.255.255", "192.0.2.1")
        assert asked == [100.0, 100.0 + REFRESH]

    def test_an_address_that_is_needed_is_asked_for_sooner(self) -> None:
        known, now, asked = self.make({}, {}, FACTS)
        found = []
        for now[0] in (100.0, 100.5, 100.0 + RETRY, 100.0 + 2 * RETRY):
            found.append(known.find(LAN, "255.255.255.255", "").address)
        assert found == ["", "", "", "192.0.2.1"]
        assert asked == [100.0, 100.0 + RETRY, 100.0 + 2 * RETRY]

    def test_what_was_known_stays_when_the_kernel_does_not_answer(self) -> None:
        known, now, _ = self.make(FACTS)
        known.find(LAN, "255.255.255.255", "192.0.2.1")
        now[0] += REFRESH
        assert known.find(LAN, "255.255.255.255", "192.0.2.1").address == "192.0.2.1"
