"""Every built-in answers over streams and datagrams, IPv4 and IPv6, to sockets and to real clients."""

import itertools
import re
import struct
import time
from collections.abc import Iterator

import pytest

from helpers import net, peers
from helpers.daemon import running
from helpers.stanza import internal

HOSTS = ("127.0.0.1", "::1")
DAYTIME = re.compile(rb"\d\d? [A-Z]{3} \d{4} \d\d:\d\d:\d\d \S+\r\n")
SINCE_1900 = 2208988800
"""Seconds between 1900 and 1970 (RFC 868)."""


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    numbers = {name: net.free_port() for name in ("echo", "discard", "chargen", "daytime", "time")}
    text = "".join(
        internal(name, port, kind=kind) for name, port in numbers.items() for kind in ("stream", "dgram")
    )
    with running(text):
        yield numbers


@pytest.mark.parametrize("host", HOSTS)
class TestStreams:
    def test_echo_returns_what_it_was_sent(self, ports: dict[str, int], host: str) -> None:
        data = bytes(range(256)) * 4096
        assert net.tcp(ports["echo"], b"hello\r\n", host) == b"hello\r\n"
        with net.connect(ports["echo"], host) as client:
            for start in range(0, len(data), 65536):
                piece = data[start : start + 65536]
                client.sendall(piece)
                assert net.receive_exactly(client, len(piece)) == piece

    def test_discard_answers_nothing_and_closes_after_the_client(
        self, ports: dict[str, int], host: str
    ) -> None:
        assert net.tcp(ports["discard"], b"into the void" * 1000, host) == b""

    def test_chargen_rotates_its_72_columns(self, ports: dict[str, int], host: str) -> None:
        with net.connect(ports["chargen"], host) as client:
            lines = net.receive_exactly(client, 74 * 100).split(b"\r\n")[:-1]
        assert {len(line) for line in lines} == {72}
        assert all(second[:-1] == first[1:] for first, second in itertools.pairwise(lines))

    def test_daytime_is_a_readable_time(self, ports: dict[str, int], host: str) -> None:
        assert DAYTIME.fullmatch(net.tcp(ports["daytime"], host=host))

    def test_time_is_seconds_since_1900(self, ports: dict[str, int], host: str) -> None:
        (answer,) = struct.unpack(">I", net.tcp(ports["time"], host=host))
        assert abs(answer - SINCE_1900 - time.time()) < 5


@pytest.mark.parametrize("host", HOSTS)
class TestDatagrams:
    def test_echo_returns_the_datagram(self, ports: dict[str, int], host: str) -> None:
        assert net.udp(ports["echo"], b"hello", host) == b"hello"

    def test_a_burst_is_answered_whole(self, ports: dict[str, int], host: str) -> None:
        sent = {b"number %d" % number for number in range(20)}
        with net.udp_socket(host) as client:
            for data in sent:
                client.sendto(data, (host, ports["echo"]))
            assert {client.recv(100) for _ in sent} == sent

    def test_daytime_is_a_readable_time(self, ports: dict[str, int], host: str) -> None:
        assert DAYTIME.fullmatch(net.udp(ports["daytime"], b" " * 40, host))

    def test_time_is_seconds_since_1900(self, ports: dict[str, int], host: str) -> None:
        (answer,) = struct.unpack(">I", net.udp(ports["time"], b"    ", host))
        assert abs(answer - SINCE_1900 - time.time()) < 5

    def test_chargen_answers(self, ports: dict[str, int], host: str) -> None:
        assert net.udp(ports["chargen"], b"x" * 600, host).startswith(b"!")

    def test_discard_is_silent_while_echo_answers(self, ports: dict[str, int], host: str) -> None:
        with net.udp_socket(host) as client:
            client.sendto(b"to discard", (host, ports["discard"]))
            client.sendto(b"to echo", (host, ports["echo"]))
            assert client.recv(100) == b"to echo"


@pytest.mark.peer
@pytest.mark.parametrize(
    ("command", "sends", "answer"),
    [
        (["nc", "-N", "127.0.0.1", "{daytime}"], b"", DAYTIME.pattern),
        (["nc", "-N", "::1", "{echo}"], b"from nc\n", rb"from nc\n"),
        (["nc", "-u", "-w1", "::1", "{echo}"], b"datagram from nc\n", rb"datagram from nc\n"),
        (["ncat", "--no-shutdown", "-i", "1", "127.0.0.1", "{daytime}"], b"", DAYTIME.pattern),
        (["socat", "-t5", "-", "TCP6:[::1]:{echo}"], b"from socat\n", rb"from socat\n"),
        (["socat", "-t1", "-", "UDP4:127.0.0.1:{echo}"], b"udp from socat", rb"udp from socat"),
        (["curl", "-sS", "telnet://127.0.0.1:{daytime}"], b"", DAYTIME.pattern),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_real_clients_are_answered(
    ports: dict[str, int], command: list[str], sends: bytes, answer: bytes
) -> None:
    assert re.fullmatch(answer, peers.ask(*(word.format(**ports) for word in command), send=sends))
