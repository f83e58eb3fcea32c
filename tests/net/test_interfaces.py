"""Interfaces and their addresses."""

import errno
import ipaddress
import socket

import pytest

from superd.net import interfaces


def test_the_loopback_interface_is_listed_with_its_addresses() -> None:
    [loopback] = [entry for entry in interfaces.addresses() if entry.address == "127.0.0.1"]
    assert (loopback.interface, loopback.prefix, loopback.index) == ("lo", 8, socket.if_nametoindex("lo"))


def test_every_address_is_numeric_and_of_a_known_interface() -> None:
    for entry in interfaces.addresses():
        assert ipaddress.ip_address(entry.address).max_prefixlen >= entry.prefix
        assert interfaces.index(entry.interface) == entry.index


def test_an_unknown_interface_is_an_error_that_names_it() -> None:
    with pytest.raises(OSError, match="nowhere0") as caught:
        interfaces.index("nowhere0")
    assert caught.value.errno == errno.ENODEV


class TestBroadcasts:
    def test_the_limited_broadcast_is_one_and_no_host_is(self) -> None:
        known = interfaces.Broadcasts()
        assert "255.255.255.255" in known
        assert "127.0.0.1" not in known
        assert "::1" not in known

    def test_the_kernel_is_asked_again_only_after_a_while(self) -> None:
        now = 1000.0
        answers = [frozenset({"10.0.0.255"}), frozenset({"10.1.0.255"})]
        known = interfaces.Broadcasts(ask=lambda: answers.pop(0), clock=lambda: now)
        assert "10.0.0.255" in known
        now += interfaces.REFRESH - 0.1
        assert "10.1.0.255" not in known
        now += 0.1
        assert "10.1.0.255" in known
        assert not answers

    def test_what_was_known_stays_when_the_kernel_does_not_answer(self) -> None:
        now = 0.0
        answers: list[frozenset[str] | OSError] = [frozenset({"10.0.0.255"}), OSError()]

        def ask() -> frozenset[str]:
            answer = answers.pop(0)
            if isinstance(answer, OSError):
                raise answer
            return answer

        known = interfaces.Broadcasts(ask=ask, clock=lambda: now)
        assert "10.0.0.255" in known
        now += interfaces.REFRESH
        assert "10.0.0.255" in known
        assert not answers
