"""Whoever reads the log can not hold up whoever writes it."""

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from superd.log.batch import batch
from superd.log.outlet import LINE_LIMIT, WAITING_LIMIT, DatagramOutlet, DescriptorOutlet, own_description

LINE = b"x" * 99 + b"\n"
TOO_MANY = 2 * WAITING_LIMIT // len(LINE)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for fd in ends:
        os.close(fd)


def _read_all(fd: int) -> bytes:
    os.set_blocking(fd, False)
    pieces = []
    try:
        while piece := os.read(fd, 1 << 20):
            pieces.append(piece)
    except BlockingIOError:
        pass
    return b"".join(pieces)


def _drain(outlet: DescriptorOutlet, fd: int) -> bytes:
    got = b""
    while not outlet.flush():
        got += _read_all(fd)
    return got + _read_all(fd)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("reopened", [True, False], ids=["own description", "plain duplicate"])
def test_a_stalled_reader_costs_lines_but_never_time(pipe: tuple[int, int], *, reopened: bool) -> None:
    reader, writer = pipe
    outlet = DescriptorOutlet(own_description(writer) if reopened else os.dup(writer))
    for _ in range(TOO_MANY):
        outlet.send(LINE)
    assert outlet.dropped > 0
    got = _drain(outlet, reader)
    assert got == LINE * (TOO_MANY - outlet.dropped)
    outlet.close()


@pytest.mark.timeout(20)
def test_a_stalled_reader_of_a_socket_costs_lines_but_never_time() -> None:
    left, right = socket.socketpair()
    with left, right:
        outlet = DescriptorOutlet(os.dup(left.fileno()))
        for _ in range(4 * TOO_MANY):
            outlet.send(LINE)
        assert outlet.dropped > 0
        got = _drain(outlet, right.fileno())
        assert got == LINE * (4 * TOO_MANY - outlet.dropped)
        outlet.close()


def test_the_description_others_hold_stays_blocking(pipe: tuple[int, int]) -> None:
    outlet = DescriptorOutlet(own_description(pipe[1]))
    assert os.get_blocking(pipe[1])
    assert not os.get_blocking(outlet.fd)
    outlet.close()


def test_a_reader_that_is_gone_raises_nothing_and_is_counted() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    outlet = DescriptorOutlet(writer)
    outlet.send(LINE)
    assert outlet.take_dropped() == 1
    assert outlet.dropped == 0
    outlet.close()


def test_a_full_disk_raises_nothing_and_is_counted() -> None:
    outlet = DescriptorOutlet(os.open("/dev/full", os.O_WRONLY))
    outlet.send(LINE)
    assert outlet.take_dropped() == 1
    outlet.close()


def test_lines_that_are_lost_together_are_counted_one_by_one() -> None:
    outlet = DescriptorOutlet(os.open("/dev/full", os.O_WRONLY))
    with batch:
        for _ in range(5):
            outlet.send(LINE)
    assert outlet.take_dropped() == 5
    outlet.close()


def test_a_child_does_not_write_what_its_parent_still_has_to(pipe: tuple[int, int]) -> None:
    outlet = DescriptorOutlet(own_description(pipe[1]))
    for _ in range(TOO_MANY):
        outlet.send(LINE)
    outlet.forget()
    assert outlet.flush()
    assert outlet.dropped == 0
    outlet.close()


def test_a_line_fits_what_a_pipe_takes_at_once(pipe: tuple[int, int]) -> None:
    assert os.fpathconf(pipe[1], "PC_PIPE_BUF") >= LINE_LIMIT


class Daemon:
    """A socket that listens like a syslog daemon's."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind(str(path))

    def received(self) -> list[bytes]:
        got = []
        try:
            while True:
                got.append(self.socket.recv(65536))
        except BlockingIOError:
            return got


def test_messages_wait_for_a_daemon_that_is_not_there_yet(tmp_path: Path) -> None:
    outlet = DatagramOutlet(str(tmp_path / "log"))
    outlet.send(b"one")
    assert not outlet.flush()
    daemon = Daemon(tmp_path / "log")
    with daemon.socket:
        outlet.send(b"two")
        assert daemon.received() == [b"one", b"two"]
        outlet.close()


def test_a_restarted_daemon_gets_the_very_next_message(tmp_path: Path) -> None:
    outlet = DatagramOutlet(str(tmp_path / "log"))
    with Daemon(tmp_path / "log").socket:
        outlet.send(b"one")
    second = Daemon(tmp_path / "log")
    with second.socket:
        outlet.send(b"two")
        assert second.received() == [b"two"]
    outlet.send(b"three")
    third = Daemon(tmp_path / "log")
    with third.socket:
        assert outlet.flush()
        assert third.received() == [b"three"]
        outlet.close()


@pytest.mark.timeout(20)
def test_a_daemon_that_reads_nothing_costs_messages_but_never_time(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "log")
    with daemon.socket:
        outlet = DatagramOutlet(str(tmp_path / "log"))
        for _ in range(2 * TOO_MANY):
            outlet.send(LINE)
        assert outlet.dropped > 0
        got = daemon.received()
        while not outlet.flush():
            got += daemon.received()
        got += daemon.received()
        assert len(got) == 2 * TOO_MANY - outlet.dropped
        outlet.close()


def test_a_message_for_which_no_descriptor_is_free_waits_like_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> socket.socket:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    outlet = DatagramOutlet(str(tmp_path / "log"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        with monkeypatch.context() as patch:
            patch.setattr("superd.log.outlet.socket.socket", full)
            outlet.send(b"one")
        outlet.send(b"two")
        assert [daemon.recv(100), daemon.recv(100)] == [b"one", b"two"]
    outlet.close()
