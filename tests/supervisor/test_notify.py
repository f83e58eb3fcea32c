"""Messages to the service manager."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from superd.supervisor import notify


@pytest.fixture(params=["path", "abstract"])
def manager(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@superd-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(name.replace("@", "\0"))
        sock.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield sock


def said(manager: socket.socket) -> list[str]:
    return manager.recv(4096).decode().split("\n")


def test_each_message_is_one_datagram_of_assignments(manager: socket.socket) -> None:
    notify.ready("serving 3 ports")
    assert said(manager) == ["READY=1", "STATUS=serving 3 ports"]
    notify.ready()
    assert said(manager) == ["READY=1"]
    notify.stopping("draining")
    assert said(manager) == ["STOPPING=1", "STATUS=draining"]


def test_a_reload_carries_its_time(manager: socket.socket) -> None:
    before = time.monotonic_ns() // 1000
    notify.reloading()
    state, stamp = said(manager)
    assert state == "RELOADING=1"
    name, _, value = stamp.partition("=")
    assert name == "MONOTONIC_USEC"
    assert before <= int(value) <= time.monotonic_ns() // 1000


def test_a_status_is_one_line_and_bounded(manager: socket.socket) -> None:
    notify.ready("all\nis\r\nwell\nREADY=0")
    assert said(manager) == ["READY=1", "STATUS=all is well READY=0"]
    notify.ready("x" * 100_000)
    assert said(manager) == ["READY=1", "STATUS=" + "x" * notify.STATUS_LIMIT]


@pytest.mark.parametrize("value", [None, "", "/nowhere/at/all", "relative", "vsock:2:1", "@"])
def test_nothing_happens_without_a_listener(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if value is None:
        monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    else:
        monkeypatch.setenv("NOTIFY_SOCKET", value)
    notify.ready("nobody hears this")


def test_a_manager_that_does_not_read_blocks_nothing(manager: socket.socket) -> None:
    for _ in range(10_000):
        notify.stopping()
    assert said(manager) == ["STOPPING=1"]
