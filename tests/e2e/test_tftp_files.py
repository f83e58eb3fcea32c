"""The files of TFTP in a whole daemon: its user's rights, what map files and templates say now, a disk that is full."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers import tftp
from helpers.daemon import directory
from helpers.tftp_servers import Served, superd

NOT_FOUND, VIOLATION, DISK_FULL = 1, 2, 3


def refusal(served: Served, name: str) -> int:
    with pytest.raises(tftp.TransferError) as caught:
        tftp.get(served.address, name)
    return caught.value.code


def written(served: Served, name: str, content: bytes) -> int | None:
    """The code of the error that answers a write, or ``None``."""
    try:
        tftp.put(served.address, name, content)
    except tftp.TransferError as error:
        return error.code
    return None


def test_nothing_that_is_no_file_holds_anybody_up() -> None:
    with superd("permissive = yes") as served:
        os.mkfifo(served.root / "fifo")
        (served.root / "folder").mkdir()
        (served.root / "out").symlink_to("/etc/passwd")
        (served.root / "file").write_bytes(b"file")
        for _ in range(20):
            for name in ("fifo", "folder", "out", "../etc/passwd"):
                assert refusal(served, name) == VIOLATION
        assert tftp.get(served.address, "file").data == b"file"


def test_a_reload_reads_map_files_and_templates_again() -> None:
    with directory() as home:
        (home / "map").write_text("r ^old new\n")
        (home / "menu").write_text("one @address@")
        with superd(map_file=home / "map", virtual=f"menu={home}/menu") as served:
            (served.root / "new").write_bytes(b"new")
            (served.root / "newer").write_bytes(b"newer")
            assert tftp.get(served.address, "old").data == b"new"
            assert tftp.get(served.address, "menu").data == b"one 127.0.0.1"
            (home / "map").write_text("r ^old newer\n")
            (home / "menu").write_text("two @hex@")
            served.daemon.reload()
            assert tftp.get(served.address, "old").data == b"newer"
            assert tftp.get(served.address, "menu").data == b"two 7F000001"
            (home / "map").write_text("no such rule\n")
            served.daemon.reload()
            served.daemon.wait_for_log(f"{home}/map:1: n is no operation")
            assert tftp.get(served.address, "old").data == b"newer"


@pytest.mark.root
def test_files_are_seen_with_the_rights_of_the_services_user() -> None:
    with superd("create = yes", "overwrite = yes", "permissive = yes") as served:
        (served.root / "secret").write_bytes(b"secret")
        (served.root / "secret").chmod(0o600)
        assert refusal(served, "secret") == VIOLATION
        assert written(served, "secret", b"public") == VIOLATION
        served.root.chmod(0o755)
        assert written(served, "new", b"new") == VIOLATION
        (served.root / "config").write_bytes(b"an older configuration")
        (served.root / "config").chmod(0o666)
        assert written(served, "config", b"newer") is None
        assert (served.root / "config").read_bytes() == b"newer"


@contextmanager
def small_disk() -> Iterator[Path]:
    """A file system with room for 128 KiB."""
    with directory() as home:
        place = home / "small"
        place.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", "size=128k,mode=0777", "none", str(place)]
        mounted = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
        if mounted.returncode:
            pytest.skip(f"nothing can be mounted here: {mounted.stderr.strip()}")
        try:
            yield place
        finally:
            subprocess.run(["umount", "--lazy", str(place)], check=True, timeout=30)


@pytest.mark.root
def test_a_full_disk_is_told_and_leaves_what_was_there() -> None:
    with small_disk() as root, superd("create = yes", "overwrite = yes", root=root) as served:
        (root / "file").write_bytes(b"before")
        (root / "file").chmod(0o666)
        for name in ("file", "new"):
            assert written(served, name, bytes(400_000)) == DISK_FULL
        assert {path.name: path.read_bytes() for path in root.iterdir()} == {"file": b"before"}
        assert written(served, "file", b"after") is None
        assert (root / "file").read_bytes() == b"after"
