"""Unix sockets: the file's permissions at every moment, stale files, and whose file is removed."""

import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from helpers.endpoints import unix
from superd.config.model import SocketType
from superd.errors import BindError
from superd.net import unixfile
from superd.net.bind import bind

STREAM, DGRAM, SEQPACKET = SocketType.STREAM, SocketType.DGRAM, SocketType.SEQPACKET
TYPES = {STREAM: socket.SOCK_STREAM, DGRAM: socket.SOCK_DGRAM, SEQPACKET: socket.SOCK_SEQPACKET}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "socket"


@pytest.mark.parametrize("kind", [STREAM, DGRAM, SEQPACKET])
def test_each_type_can_be_reached(path: Path, kind: SocketType) -> None:
    with bind(unix(path, kind), wait=False) as sock, socket.socket(socket.AF_UNIX, TYPES[kind]) as client:
        client.connect(str(path))
        client.send(b"x")
        assert (sock.type, sock.getblocking()) == (TYPES[kind], False)


@pytest.mark.parametrize("mode", [0o666, 0o660, 0o600, 0o777])
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_the_mode_is_the_configured_one_whatever_the_umask(path: Path, mode: int, mask: int) -> None:
    before = os.umask(mask)
    try:
        with bind(unix(path, mode=mode), wait=False):
            assert stat.S_IMODE(path.stat().st_mode) == mode
        assert os.umask(mask) == mask
    finally:
        os.umask(before)


@pytest.mark.root
def test_the_owner_is_set(path: Path) -> None:
    with bind(unix(path, owner=(65534, 65533), mode=0o640), wait=False):
        found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (65534, 65533, 0o640)


def test_nobody_else_can_connect_before_owner_and_mode_are_set(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    protect = unixfile.protect

    def look_first(*arguments: object) -> None:
        seen.append(stat.S_IMODE(path.stat().st_mode))
        protect(*arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(unixfile, "protect", look_first)
    before = os.umask(0)
    try:
        bind(unix(path, DGRAM, mode=0o777), wait=False).close()
    finally:
        os.umask(before)
    assert seen == [0o600]


def test_a_file_put_in_the_sockets_place_keeps_its_mode(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    precious = path.with_name("shadow")
    precious.write_text("secret")
    precious.chmod(0o600)
    protect = unixfile.protect

    def replace_first(*arguments: object) -> None:
        path.unlink()
        path.symlink_to(precious)
        protect(*arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(unixfile, "protect", replace_first)
    with pytest.raises(BindError, match=r"somebody replaced the file|too many levels"):
        bind(unix(path, mode=0o666), wait=False)
    assert stat.S_IMODE(precious.stat().st_mode) == 0o600


def test_a_racing_replacement_never_changes_another_files_mode(path: Path) -> None:
    """An attacker swaps the name for a link as fast as possible while sockets are made there."""
    precious = path.with_name("shadow")
    precious.write_text("secret")
    precious.chmod(0o600)
    link = path.with_name("link")
    stop = threading.Event()

    def attack() -> None:
        while not stop.is_set():
            link.unlink(missing_ok=True)
            link.symlink_to(precious)
            link.rename(path)

    attacker = threading.Thread(target=attack)
    attacker.start()
    try:
        for _ in range(300):
            try:
                bind(unix(path, mode=0o666), wait=False).close()
            except BindError:
                path.unlink(missing_ok=True)
    finally:
        stop.set()
        attacker.join()
    assert stat.S_IMODE(precious.stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", [STREAM, DGRAM, SEQPACKET])
def test_the_file_of_a_dead_socket_is_replaced(path: Path, kind: SocketType) -> None:
    bind(unix(path, kind), wait=False).close()
    assert path.is_socket()
    with bind(unix(path), wait=False), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


@pytest.mark.parametrize("kind", [STREAM, DGRAM, SEQPACKET])
def test_a_socket_that_is_served_is_not_replaced_and_its_holder_is_named(
    path: Path, kind: SocketType
) -> None:
    with bind(unix(path, kind), wait=False):
        with pytest.raises(BindError, match=f"{path}: already in use by pid {os.getpid()} "):
            bind(unix(path), wait=False)
        assert path.is_socket()


def test_a_served_socket_with_a_full_queue_is_not_replaced(path: Path) -> None:
    with (
        socket.socket(socket.AF_UNIX) as server,
        socket.socket(socket.AF_UNIX) as client,
        socket.socket(socket.AF_UNIX) as other,
    ):
        server.bind(str(path))
        server.listen(0)
        client.connect(str(path))
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.connect(str(path))
        with pytest.raises(BindError, match="already in use"):
            bind(unix(path), wait=False)


def test_anything_but_a_socket_is_not_replaced(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(BindError, match="the file exists and is not a socket"):
        bind(unix(path), wait=False)
    assert path.read_text() == "precious"


def test_a_path_that_is_too_long_or_has_no_directory_is_explained(tmp_path: Path) -> None:
    with pytest.raises(BindError, match="the path is longer than 107 bytes"):
        bind(unix("/tmp/" + "x" * 103), wait=False)
    with pytest.raises(BindError, match=f"there is no directory {tmp_path}/nowhere"):
        bind(unix(tmp_path / "nowhere" / "socket"), wait=False)


def test_a_path_of_exactly_the_limit_works(tmp_path: Path) -> None:
    path = tmp_path / ("x" * (unixfile.PATH_LIMIT - len(str(tmp_path)) - 1))
    bind(unix(path), wait=False).close()
    assert path.is_socket()


@pytest.mark.root
def test_giving_a_socket_away_without_root_is_explained_and_leaves_no_file(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    path = tmp_path / "socket"
    os.seteuid(65534)
    try:
        with pytest.raises(BindError, match="only root may give the socket to another owner"):
            bind(unix(path, owner=(0, 0)), wait=False)
    finally:
        os.seteuid(0)
    assert not path.exists()


class TestRemoval:
    def test_its_maker_removes_it(self, path: Path) -> None:
        with bind(unix(path), wait=False):
            unixfile.identify(str(path)).remove()
        assert not path.exists()

    def test_a_child_does_not(self, path: Path) -> None:
        with bind(unix(path), wait=False):
            file = unixfile.identify(str(path))
            pid = os.fork()
            if pid == 0:
                file.remove()
                os._exit(0)
            os.waitpid(pid, 0)
            assert path.is_socket()

    def test_a_successors_file_stays(self, path: Path) -> None:
        with bind(unix(path), wait=False):
            file = unixfile.identify(str(path))
            path.rename(path.with_name("old"))  # keeps the inode number from being used again
            with bind(unix(path), wait=False):
                file.remove()
                assert path.is_socket()

    def test_a_file_that_is_gone_is_no_error(self, path: Path) -> None:
        with bind(unix(path), wait=False):
            file = unixfile.identify(str(path))
        path.unlink()
        file.remove()
