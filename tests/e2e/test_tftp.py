"""TFTP by a whole daemon: sizes and options, who is served, from where answers come, and what is written down."""

import json
import random
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from helpers import tftp
from helpers.daemon import NOBODY, Daemon
from helpers.net import free_port, wait_until
from helpers.tftp_servers import Served, stanza, superd

CONTENT = random.Random(7440).randbytes(200_000)
HOSTS = ("127.0.0.1", "::1")
JSON_LOG = ("--log", "json")


def events(daemon: Daemon, name: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in daemon.log().splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("event") == name]


def wait_for_event(daemon: Daemon, name: str) -> dict[str, Any]:
    return wait_until(lambda: events(daemon, name), f"{name} in\n{daemon.log()}")[0]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with superd("create = yes", "overwrite = yes", "permissive = yes", retransmit=0.2) as made:
        made.root.chmod(0o777)
        (made.root / "file").write_bytes(CONTENT)
        yield made


OPTIONS: tuple[dict[str, int], ...] = (
    {},
    {"blksize": 8},
    {"blksize": 1428, "tsize": 0},
    {"blksize": 65464},
    {"windowsize": 1},
    {"windowsize": 3},
    {"blksize": 1000, "windowsize": 64},
    {"blksize": 1468, "windowsize": 4, "timeout": 1, "tsize": 0},
)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
class TestContent:
    def test_is_read_as_it_is(self, served: Served, options: dict[str, int], host: str) -> None:
        size = 20_000 if options.get("blksize") == 8 else len(CONTENT)
        (served.root / "part").write_bytes(CONTENT[:size])
        done = tftp.get((host, served.port), "part", options)
        assert done.data == CONTENT[:size]
        assert set(done.options) == set(options)

    def test_is_written_as_it_is(self, served: Served, options: dict[str, int], host: str) -> None:
        content = CONTENT[: 20_000 if options.get("blksize") == 8 else len(CONTENT)]
        name = f"written-{hash((host, *options.items())):x}"
        done = tftp.put((host, served.port), name, content, {**options, **_announced(options, content)})
        assert (served.root / name).read_bytes() == content
        assert set(done.options) == set(options)


def _announced(options: dict[str, int], content: bytes) -> dict[str, int]:
    return {"tsize": len(content)} if "tsize" in options else {}


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 512 * 8, 512 * 8 + 1, 512 * 16])
@pytest.mark.parametrize("window", [1, 8])
def test_every_length_around_blocks_and_windows_is_whole(served: Served, size: int, window: int) -> None:
    (served.root / "sized").write_bytes(CONTENT[:size])
    options = {"windowsize": window}
    assert tftp.get(served.address, "sized", options).data == CONTENT[:size]
    tftp.put(served.address, "sized-back", CONTENT[:size], options)
    assert (served.root / "sized-back").read_bytes() == CONTENT[:size]


@pytest.mark.parametrize("window", [1, 64])
def test_block_numbers_go_round(served: Served, window: int) -> None:
    content = CONTENT[:8] * 70_000
    (served.root / "long").write_bytes(content)
    done = tftp.get(served.address, "long", {"blksize": 8, "windowsize": window})
    assert done.data == content
    assert done.blocks[65534:65537] == [65535, 0, 1]
    tftp.put(served.address, "long-back", content, {"blksize": 8, "windowsize": window})
    assert (served.root / "long-back").read_bytes() == content


def test_text_goes_over_the_wire_with_carriage_returns(served: Served) -> None:
    text = b"".join(b"x" * n + b"\n\r" for n in range(200))
    (served.root / "text").write_bytes(text)
    done = tftp.get(served.address, "text", mode="netascii")
    assert done.data == text.replace(b"\r", b"\r\0").replace(b"\n", b"\r\n")
    tftp.put(served.address, "text-back", done.data, mode="netascii")
    assert (served.root / "text-back").read_bytes() == text


def test_sixty_four_clients_are_served_side_by_side(served: Served) -> None:
    wrong: list[object] = []

    def client(number: int) -> None:
        options = {"blksize": 512 + number, "windowsize": 1 + number % 8}
        if tftp.get(served.address, "file", options).data != CONTENT:
            wrong.append(options)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_nothing_half_written_is_seen(served: Served) -> None:
    with tftp.udp("127.0.0.1") as client:
        client.settimeout(10)
        client.sendto(tftp.request(tftp.WRQ, "half"), served.address)
        packet, peer = client.recvfrom(tftp.LARGEST)
        assert packet == tftp.ack(0)
        client.sendto(tftp.data(1, bytes(512)), peer)
        assert client.recv(tftp.LARGEST) == tftp.ack(1)
        assert not (served.root / "half").exists()
        client.sendto(tftp.data(2, b"end"), peer)
        assert client.recv(tftp.LARGEST) == tftp.ack(2)
        assert (served.root / "half").read_bytes() == bytes(512) + b"end"
        client.sendto(tftp.data(2, b"end"), peer)
        assert client.recv(tftp.LARGEST) == tftp.ack(2)  # the last ACK was lost; it is told again


def test_data_is_not_sent_again_for_an_ack_that_comes_again(served: Served) -> None:
    with tftp.udp("127.0.0.1") as client:
        client.settimeout(10)
        client.sendto(tftp.request(tftp.RRQ, "file", options={"timeout": 200}), served.address)
        _, peer = client.recvfrom(tftp.LARGEST)
        for packet in (tftp.ack(0), tftp.ack(1), tftp.ack(1), tftp.ack(0), tftp.ack(1), tftp.ack(2)):
            client.sendto(packet, peer)
        numbers = [tftp.number_of(client.recv(tftp.LARGEST)) for _ in range(3)]
        client.sendto(tftp.error(0, "enough"), peer)
        assert numbers == [1, 2, 3]


def test_a_stranger_neither_disturbs_a_transfer_nor_hears_of_it(served: Served) -> None:
    with tftp.udp("127.0.0.1") as client, tftp.udp("127.0.0.1") as stranger:
        client.settimeout(10)
        client.sendto(tftp.request(tftp.RRQ, "file", options={"timeout": 200}), served.address)
        _, peer = client.recvfrom(tftp.LARGEST)
        for packet in (tftp.ack(0), tftp.error(0, "stop"), tftp.data(1, b"x")):
            stranger.sendto(packet, peer)
        client.sendto(tftp.ack(0), peer)
        assert client.recv(tftp.LARGEST) == tftp.data(1, CONTENT[:512])
        client.sendto(tftp.error(0, "enough"), peer)
        stranger.setblocking(False)
        with pytest.raises((BlockingIOError, ConnectionRefusedError)):
            stranger.recv(tftp.LARGEST)


def test_a_request_that_is_repeated_starts_one_transfer(served: Served) -> None:
    with tftp.udp("127.0.0.1") as client:
        client.settimeout(10)
        for _ in range(3):
            client.sendto(tftp.request(tftp.RRQ, "file", options={"blksize": 1024}), served.address)
        _, peer = client.recvfrom(tftp.LARGEST)
        client.sendto(tftp.ack(0), peer)
        answers = [client.recvfrom(tftp.LARGEST) for _ in range(1)]
        while tftp.opcode_of(answers[-1][0]) != tftp.DATA:
            answers.append(client.recvfrom(tftp.LARGEST))
        client.sendto(tftp.error(0, "enough"), peer)
        assert {sender[1] for _, sender in answers} == {peer[1]}


def test_who_is_not_allowed_hears_nothing_and_the_rule_is_logged() -> None:
    with superd(options=JSON_LOG, only_from="127.0.0.0/30") as served:
        (served.root / "file").write_bytes(CONTENT)
        asked = tftp.request(tftp.RRQ, "file")
        with tftp.udp("127.0.0.1", "127.0.0.9") as outsider:
            outsider.sendto(asked, served.address)
            refusal = wait_for_event(served.daemon, "datagram.refused")
            assert tftp.get(served.address, "file").data == CONTENT
            outsider.setblocking(False)
            with pytest.raises(BlockingIOError):
                outsider.recv(tftp.LARGEST)
        assert refusal["peer"] == "127.0.0.9"
        assert re.search(r"superd\.conf:\d+", refusal["rule"])


def test_per_source_counts_transfers_that_go_on() -> None:
    with superd(options=JSON_LOG, per_source=1) as served:
        (served.root / "file").write_bytes(CONTENT)
        with tftp.udp("127.0.0.1") as first:
            first.settimeout(10)
            first.sendto(tftp.request(tftp.RRQ, "file", options={"timeout": 200}), served.address)
            _, peer = first.recvfrom(tftp.LARGEST)
            with tftp.udp("127.0.0.1") as second:
                second.sendto(tftp.request(tftp.RRQ, "file"), served.address)
                wait_for_event(served.daemon, "datagram.refused")
            assert tftp.get(served.address, "file", source="127.0.0.2").data == CONTENT
            first.sendto(tftp.error(0, "enough"), peer)
            wait_until(lambda: len(events(served.daemon, "connection.end")) == 2, "both transfers ended")
        assert tftp.get(served.address, "file").data == CONTENT


@pytest.mark.parametrize("single_port", ["no", "yes"])
def test_answers_come_from_the_address_that_was_asked(single_port: str) -> None:
    with superd(single_port=single_port) as served:
        (served.root / "file").write_bytes(CONTENT)
        for host in ("127.0.0.1", "127.9.8.7", "127.255.1.2"):
            done = tftp.get((host, served.port), "file", {"blksize": 1428})
            assert done.data == CONTENT
            assert done.peer[0] == host
            assert (done.peer[1] == served.port) == (single_port == "yes")


def test_transfers_use_the_ports_they_may() -> None:
    first = free_port()
    with superd(port_range=f"{first}-{first + 3}") as served:
        (served.root / "file").write_bytes(CONTENT)
        ports = {tftp.get(served.address, "file").peer[1] for _ in range(6)}
        assert ports <= set(range(first, first + 4))


@pytest.mark.root
def test_a_worker_of_its_own_serves_it_without_privileges(served: Served) -> None:
    (worker,) = served.daemon.named("superd: worker tftp")
    assert 0 not in worker.uids
    assert (worker.cap_permitted, worker.cap_effective) == (0, 0)
    assert served.daemon.conf.read_text().count(f"user = {NOBODY}") == 1


def test_a_transfer_outlives_a_reload_that_changes_its_service() -> None:
    with superd() as served:
        (served.root / "file").write_bytes(CONTENT)
        with tftp.udp("127.0.0.1") as client:
            client.settimeout(10)
            client.sendto(
                tftp.request(tftp.RRQ, "file", options={"blksize": 65464, "timeout": 200}), served.address
            )
            _, peer = client.recvfrom(tftp.LARGEST)
            served.daemon.reload(stanza(served.root, served.port, max_blksize=1000))
            assert tftp.get(served.address, "file", {"blksize": 8192}).options == {"blksize": "1000"}
            pieces = []
            for block in range(4):
                client.sendto(tftp.ack(block), peer)
                pieces.append(client.recv(tftp.LARGEST)[4:])
            client.sendto(tftp.ack(4), peer)
            assert b"".join(pieces) == CONTENT


def test_the_end_of_a_transfer_names_the_file_and_what_was_agreed() -> None:
    with superd(options=JSON_LOG) as served:
        (served.root / "file").write_bytes(CONTENT)
        tftp.get(served.address, "file", {"blksize": 1428, "windowsize": 4})
        start, end = (wait_for_event(served.daemon, f"connection.{name}") for name in ("start", "end"))
        assert start["conn"] == end["conn"]
        assert (end["peer"], end["file"], end["size"]) == ("127.0.0.1", "file", len(CONTENT))
        assert end["outcome"] == "done"


def test_asking_for_the_size_alone_is_no_failure() -> None:
    with superd(options=[*JSON_LOG, "--log-level", "debug"]) as served, tftp.udp("127.0.0.1") as firmware:
        (served.root / "file").write_bytes(CONTENT)
        firmware.settimeout(10)
        firmware.sendto(tftp.request(tftp.RRQ, "file", options={"tsize": 0}), served.address)
        packet, peer = firmware.recvfrom(tftp.LARGEST)
        assert tftp.options_of(packet) == {"tsize": str(len(CONTENT))}
        firmware.sendto(tftp.error(8, "User aborted the transfer"), peer)
        end = wait_for_event(served.daemon, "connection.end")
        assert end["outcome"] == "probed"
        assert end["level"] == "debug"


def test_who_never_acknowledges_is_sent_little_and_is_given_up() -> None:
    with superd(options=JSON_LOG, retransmit=0.05, retries=3) as served, tftp.udp("127.0.0.1") as client:
        (served.root / "file").write_bytes(CONTENT)
        client.settimeout(10)
        client.sendto(tftp.request(tftp.RRQ, "file"), served.address)
        end = wait_for_event(served.daemon, "connection.end")
        client.setblocking(False)
        received: list[bytes] = []
        while len(received) < 10:
            try:
                received.append(client.recv(tftp.LARGEST))
            except BlockingIOError:
                break
        assert received[:4] == [tftp.data(1, CONTENT[:512])] * 4
        assert len(received) <= 5  # and perhaps an ERROR that says so
        assert end["outcome"] == "failed"


def test_random_datagrams_harm_nobody(served: Served) -> None:
    draw = random.Random(9)
    whole = tftp.request(tftp.RRQ, "file", options={"blksize": 1428, "windowsize": 4})
    with tftp.udp("127.0.0.1") as client:
        for _ in range(2000):
            packet = bytearray(whole[: draw.randrange(len(whole) + 1)])
            for _ in range(draw.randrange(3)):
                if packet:
                    packet[draw.randrange(len(packet))] = draw.randrange(256)
            client.sendto(bytes(packet), served.address)
    assert tftp.get(served.address, "file", {"blksize": 1428}).data == CONTENT
    assert "Traceback" not in served.daemon.log()
