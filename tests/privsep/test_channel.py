"""Channels: what goes in comes out, nothing blocks, and a malicious sender gains nothing, not even a descriptor."""

import array
import contextlib
import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest

from superd.errors import ProtocolViolation
from superd.privsep import messages
from superd.privsep.channel import Channel
from superd.privsep.codec import decode, encode
from superd.privsep.messages import DESCRIPTORS, MESSAGE_LIMIT, Message, Ready, StateLine

NULL = Path("/dev/null")

ALL = frozenset(get_args(Message))

SAMPLES: list[Message] = [
    messages.Ready(),
    messages.Drain(),
    messages.Drained(),
    messages.Stop(),
    messages.Dump(),
    messages.StateLine("", "a\u00e9\U0001f600\udcff", 'quoted "\\\n'),
    messages.StateEnd(),
    messages.LogFile("/var/log/x"),
    messages.Attach(2**62),
    messages.Channel("nobody:65534"),
    messages.Violation(-1, "why"),
    messages.Launch("ftp", 1, "2001:db8::1", 65535, "::", 0),
    messages.RuledLaunch(
        "ftp", 1, "192.0.2.1", 3, "192.0.2.9", 21, "gw.example", "bob", "", 7, "ftp: ALL: nice", 1, 0, "", 0
    ),
    messages.Command(
        5,
        "ftp",
        1,
        "192.0.2.1",
        3,
        "192.0.2.9",
        21,
        "gw.example",
        "",
        "",
        "deny",
        7,
        "ftp: ALL: spawn x",
        0,
        0,
    ),
    messages.CommandEnded(5, -1),
    messages.Ban("trap", "192.0.2.1"),
    messages.Banned("192.0.2.1", -1.0, "trap", "/etc/superd/trap", 3),
    messages.Started(1, 2),
    messages.Failed(1, 13),
    messages.Exited(1, 2, 256, 0.25, 1e-9, 2**40),
    messages.Running("ftp", 1, 2, "192.0.2.1", 3, "192.0.2.9", 21, 12345.678),
    messages.Introduced(),
]


@pytest.fixture
def raw() -> Iterator[tuple[socket.socket, Channel]]:
    """A sender without manners, and a worker's channel to a launcher at its other end."""
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    channel = Channel(receiver, messages.WORKER_TO_LAUNCHER)
    with sender, contextlib.closing(channel):
        yield sender, channel


@pytest.fixture
def pair() -> Iterator[tuple[Channel, Channel]]:
    left, right = Channel.pair(ALL, ALL)
    with contextlib.closing(left), contextlib.closing(right):
        yield left, right


def open_descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


def test_there_is_a_sample_of_every_kind() -> None:
    assert {type(sample) for sample in SAMPLES} == ALL


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: type(message).__name__)
def test_every_kind_arrives_as_it_was_sent(pair: tuple[Channel, Channel], message: Message) -> None:
    with NULL.open("rb") as file:
        fd = file.fileno() if type(message) in DESCRIPTORS else None
        pair[0].send(message, fd)
        received, got = pair[1].receive()
    assert received == message
    assert (got is None) is (fd is None)
    if got is not None:
        assert os.fstat(got).st_rdev == NULL.stat().st_rdev
        assert fcntl.fcntl(got, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
        os.close(got)


def test_messages_keep_their_order_and_boundaries(pair: tuple[Channel, Channel]) -> None:
    for number in range(50):
        pair[0].send(messages.Started(number, number))
    assert [pair[1].receive()[0] for _ in range(50)] == [messages.Started(n, n) for n in range(50)]


@dataclass
class Attack:
    """What a hostile sender puts on the socket."""

    data: bytes
    descriptors: int = 0


LAUNCH = ["Launch", "ftp", 1, "192.0.2.1", 2, "192.0.2.2", 21]


def launch(**changes: object) -> bytes:
    names = ("kind", "service", "conn", "peer_host", "peer_port", "local_host", "local_port")
    return json.dumps([changes.get(name, value) for name, value in zip(names, LAUNCH, strict=True)]).encode()


ATTACKS = {
    "unknown kind": Attack(b'["Exec","/bin/sh"]'),
    "unknown kind with descriptor": Attack(b'["Exec","/bin/sh"]', 1),
    "kind of the other direction": Attack(encode(messages.Started(1, 2))),
    "kind for another process": Attack(encode(messages.Drain())),
    "kind is a number": Attack(b"[1]"),
    "kind is a list": Attack(b"[[]]"),
    "kind is an object": Attack(b"[{}]", 1),
    "kind is null": Attack(b"[null]"),
    "name of a class that is no message": Attack(b'["Message"]'),
    "dunder as kind": Attack(b'["__class__"]'),
    "too few fields": Attack(json.dumps(LAUNCH[:-1]).encode(), 1),
    "too many fields": Attack(json.dumps([*LAUNCH, 1]).encode(), 1),
    "no fields": Attack(b'["Launch"]', 1),
    "service is a number": Attack(launch(service=7), 1),
    "service is null": Attack(launch(service=None), 1),
    "service is a list": Attack(launch(service=["ftp"]), 1),
    "service with NUL": Attack(launch(service="ftp\0x"), 1),
    "service too long": Attack(launch(service="x" * 9000), 1),
    "conn is text": Attack(launch(conn="1"), 1),
    "conn is true": Attack(launch(conn=True), 1),
    "conn is a float": Attack(launch(conn=1.0), 1),
    "conn is huge": Attack(launch(conn=2**63), 1),
    "conn is hugely negative": Attack(launch(conn=-(2**63)), 1),
    "conn has 5000 digits": Attack(b'["Launch","ftp",' + b"9" * 5000 + b',"",1,"",1]', 1),
    "NaN": Attack(b'["Launch","ftp",NaN,"",1,"",1]', 1),
    "without its descriptor": Attack(launch()),
    "two descriptors": Attack(launch(), 2),
    "as many descriptors as fit": Attack(launch(), 8),
    "more descriptors than fit": Attack(launch(), 100),
    "empty": Attack(b""),
    "empty with descriptor": Attack(b"", 1),
    "too long": Attack(b'["Launch","' + b"x" * MESSAGE_LIMIT + b'"]'),
    "too long with descriptor": Attack(b'["Launch","' + b"x" * MESSAGE_LIMIT + b'"]', 1),
    "exactly one byte too long": Attack(launch().ljust(MESSAGE_LIMIT + 1), 1),
    "not JSON": Attack(b"GET / HTTP/1.0", 1),
    "not UTF-8": Attack(b'["Launch","\xff"]', 1),
    "UTF-16": Attack(json.dumps(LAUNCH).encode("utf-16"), 1),
    "NUL bytes": Attack(b"\0" * 40, 1),
    "deep": Attack(b"[" * MESSAGE_LIMIT, 1),
    "deep and closed": Attack(b"[" * 8000 + b"]" * 8000, 1),
    "an object": Attack(b'{"kind":"Launch"}', 1),
    "a text": Attack(b'"Launch"', 1),
    "an empty array": Attack(b"[]", 1),
    "two arrays": Attack(launch() + launch(), 1),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_malicious_message_is_a_violation_and_leaks_no_descriptor(
    raw: tuple[socket.socket, Channel], attack: Attack
) -> None:
    sender, channel = raw
    with NULL.open("rb") as file:
        rights = array.array("i", [file.fileno()] * attack.descriptors)
        sender.sendmsg([attack.data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)] if rights else [])
    before = open_descriptors()
    with pytest.raises(ProtocolViolation) as caught:
        channel.receive()
    assert len(str(caught.value)) < 200
    assert open_descriptors() == before


def test_the_attacks_fail_for_their_own_reason(raw: tuple[socket.socket, Channel]) -> None:
    """The message they are made from is good."""
    sender, channel = raw
    socket.send_fds(sender, [launch()], [sender.fileno()])
    message, fd = channel.receive()
    assert message == messages.Launch("ftp", 1, "192.0.2.1", 2, "192.0.2.2", 21)
    assert fd is not None
    os.close(fd)


def test_a_message_of_the_greatest_length_is_received(raw: tuple[socket.socket, Channel]) -> None:
    sender, channel = raw
    socket.send_fds(sender, [launch().ljust(MESSAGE_LIMIT)], [sender.fileno()])
    _, fd = channel.receive()
    assert fd is not None
    os.close(fd)


def test_whole_numbers_are_floats_where_floats_belong() -> None:
    assert decode(b'["Exited",1,2,0,1,0,3]', ALL) == messages.Exited(1, 2, 0, 1, 0, 3)
    for value in (b"true", b'"1"', b"null", b"1e999", b"-1e999", b"1" + b"0" * 400):
        with pytest.raises(ProtocolViolation):
            decode(b'["Exited",1,2,0,%s,0,3]' % value, ALL)


def test_nothing_there_does_not_block(pair: tuple[Channel, Channel]) -> None:
    with pytest.raises(BlockingIOError):
        pair[0].receive()


def test_the_end_comes_after_what_was_sent_before_it(pair: tuple[Channel, Channel]) -> None:
    pair[0].send(Ready())
    pair[0].close()
    assert pair[1].receive() == (Ready(), None)
    for _ in range(2):
        with pytest.raises(EOFError):
            pair[1].receive()


def test_what_was_sent_by_an_end_that_did_not_read_is_not_lost(pair: tuple[Channel, Channel]) -> None:
    """The kernel reports a reset before it delivers what is queued (unix(7) does not say so)."""
    pair[1].send(Ready())
    pair[0].send(messages.Started(1, 2))
    pair[0].close()
    assert pair[1].receive()[0] == messages.Started(1, 2)
    with pytest.raises(EOFError):
        pair[1].receive()


def test_sending_to_an_end_that_is_gone_raises_connection_error(pair: tuple[Channel, Channel]) -> None:
    pair[1].close()
    with pytest.raises(ConnectionError):
        pair[0].send(Ready())


def test_an_end_that_does_not_read_makes_send_raise_after_a_bounded_number(
    pair: tuple[Channel, Channel],
) -> None:
    sent = 0
    try:
        while sent < 10_000:
            pair[0].send(messages.Started(sent, 1))
            sent += 1
    except BlockingIOError:
        pass
    assert 100 < sent < 2000
    for number in range(sent):
        assert pair[1].receive()[0] == messages.Started(number, 1)
    pair[0].send(Ready())
    assert pair[1].receive()[0] == Ready()


def test_a_descriptor_the_kernel_will_not_carry_now_is_like_a_full_channel(
    pair: tuple[Channel, Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def sendmsg(self, *_arguments: object) -> int:
            raise OSError(errno.ETOOMANYREFS, "too many references")

    monkeypatch.setattr(Channel, "_socket", Full())
    with pytest.raises(BlockingIOError):
        pair[0].send(messages.Attach(1), 0)


@pytest.mark.parametrize(
    ("message", "fd"),
    [(Ready(), 0), (messages.Attach(1), None), (StateLine("", "", "x" * MESSAGE_LIMIT), None)],
    ids=["descriptor too many", "descriptor missing", "too long"],
)
def test_what_must_not_be_sent_is_not_sent(
    pair: tuple[Channel, Channel], message: Message, fd: int | None
) -> None:
    with pytest.raises(ValueError, match=type(message).__name__):
        pair[0].send(message, fd)
    with pytest.raises(BlockingIOError):
        pair[1].receive()


def test_every_direction_is_covered_once_and_only_by_messages() -> None:
    directions = [
        messages.SUPERVISOR_TO_WORKER,
        messages.WORKER_TO_SUPERVISOR,
        messages.SUPERVISOR_TO_LAUNCHER,
        messages.LAUNCHER_TO_SUPERVISOR,
        messages.WORKER_TO_LAUNCHER,
        messages.LAUNCHER_TO_WORKER,
    ]
    assert frozenset().union(*directions) == ALL


def test_only_channels_are_adopted() -> None:
    before = open_descriptors()
    reading, writing = os.pipe()
    os.close(writing)
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    right.close()
    for descriptor in (reading, left.detach(), socket.socket(socket.AF_INET).detach()):
        with pytest.raises(ProtocolViolation):
            Channel.adopt(descriptor, ALL)
    assert open_descriptors() == before


def test_an_adopted_channel_works(pair: tuple[Channel, Channel]) -> None:
    with contextlib.closing(Channel.adopt(os.dup(pair[1].fileno()), ALL)) as adopted:
        pair[0].send(Ready())
        assert adopted.receive() == (Ready(), None)
