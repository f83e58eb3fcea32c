"""Sockets for frames: for which services root opens them, and what happens where it can't."""

import errno
import os
import socket

import pytest

from helpers.endpoints import inet, service
from superd import builtins
from superd.config.model import Builtin, Service
from superd.service import BuiltinService, Options
from superd.supervisor import packets
from superd.supervisor.packets import packet_sockets


class Frames(Options):
    wanted: bool = True


@pytest.fixture(autouse=True)
def _sender(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two built-ins more: one that may send frames, one that never does."""
    sender = BuiltinService(
        name="sender",
        summary="",
        options=Frames,
        frames=lambda options: isinstance(options, Frames) and options.wanted,
    )
    known = {"sender": sender, "other": BuiltinService(name="other", summary="")}
    monkeypatch.setattr(builtins, "find", lambda name, _extensions: known[name])


def builtin(name: str, options: Options | None = None) -> Service:
    action = Builtin(name=name, options=options or Options())
    return service(name, inet(7000)).model_copy(update={"action": action})


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[socket.socket]:
    """Every socket that is opened; an ordinary one, so that no root is needed."""
    made: list[socket.socket] = []

    def make() -> socket.socket:
        made.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        return made[-1]

    monkeypatch.setattr(packets, "open_packet_socket", make)
    return made


def test_only_a_service_that_sends_frames_gets_a_socket(opened: list[socket.socket]) -> None:
    services = [builtin("other"), builtin("sender", Frames())]
    with packet_sockets(services) as sockets:
        assert sockets == {"sender": opened[0]}


def test_options_that_want_no_frames_get_no_socket(opened: list[socket.socket]) -> None:
    with packet_sockets([builtin("sender", Frames(wanted=False))]) as sockets:
        assert (sockets, opened) == ({}, [])


def test_the_supervisor_keeps_none_open(opened: list[socket.socket]) -> None:
    with packet_sockets([builtin("sender", Frames())]):
        assert opened[0].fileno() >= 0
    assert opened[0].fileno() == -1


@pytest.mark.parametrize("number", [errno.EPERM, errno.EACCES, errno.EAFNOSUPPORT])
def test_where_it_is_not_allowed_there_is_none(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse() -> socket.socket:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(packets, "open_packet_socket", refuse)
    with packet_sockets([builtin("sender", Frames())]) as sockets:
        assert sockets == {}


def test_want_of_descriptors_is_reported_so_that_it_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, opened: list[socket.socket]
) -> None:
    def refuse_the_second() -> socket.socket:
        if opened:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        opened.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        return opened[0]

    monkeypatch.setattr(packets, "open_packet_socket", refuse_the_second)
    services = [builtin("sender", Frames()), builtin("sender", Frames()).model_copy(update={"key": "more"})]
    with pytest.raises(OSError, match="Too many"), packet_sockets(services):
        raise AssertionError("not reached")
    assert [sock.fileno() for sock in opened] == [-1]
