"""No name leads out of a directory, with the kernel's help or without."""

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superd_services.tftp.options import Symlinks
from superd_services.tftp.system import jail

SECRET = b"secret"
NEVER, INSIDE, ROOTED, ANYWHERE = Symlinks


LINKS = {
    "plain": "file",
    "down": "sub/file",
    "folder": "sub",
    "sub/up": "../file",
    "sub/deep/round": "../../folder/deep/file",
    "chain": "plain",
    "rooted": "/sub/file",
    "sub/over": "../../file",
    "out": "../secret",
    "outside": "..",
    "loop": "loop",
    "ping": "pong",
    "pong": "ping",
    "dangling": "nothing",
    "back": "../root/file",
    "around": "file/../file",
    "slash": "sub/",
    "through": "file/",
    "sub/here": ".",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return planted(tmp_path)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, for tests that don't change it."""
    return planted(tmp_path_factory.mktemp("tree"))


def planted(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_bytes(SECRET)
    root = tmp_path / "root"
    (root / "sub/deep").mkdir(parents=True)
    (root / "file").write_bytes(b"top")
    (root / "sub/file").write_bytes(b"below")
    (root / "sub/deep/file").write_bytes(b"deep")
    links = {
        **LINKS,
        "absolute": str(tmp_path / "secret"),
        "magic": f"/proc/{os.getpid()}/cwd",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    return root


def kernel(root: int, name: bytes, symlinks: Symlinks) -> int:
    return jail.find(root, name, symlinks)


WAYS = pytest.mark.parametrize("way", [kernel, jail.walk], ids=["openat2", "walk"])
Way = Callable[[int, bytes, Symlinks], int]


def seen(way: Way, root: Path, name: str, symlinks: Symlinks) -> bytes | str:
    """What a file says, or the name of the error."""
    directory = jail.open_root(str(root))
    try:
        found = way(directory, name.encode(), symlinks)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    finally:
        os.close(directory)
    try:
        return Path(f"/proc/self/fd/{found}").read_bytes()
    except IsADirectoryError:
        return "directory"
    finally:
        os.close(found)


FOUND = [
    ("file", b"top", b"top", b"top"),
    ("sub/deep/file", b"deep", b"deep", b"deep"),
    ("./sub//file", b"below", b"below", b"below"),
    ("sub/../file", b"top", b"top", b"top"),
    ("missing", "ENOENT", "ENOENT", "ENOENT"),
    ("file/file", "ENOTDIR", "ENOTDIR", "ENOTDIR"),
    ("n" * 256, "ENAMETOOLONG", "ENAMETOOLONG", "ENAMETOOLONG"),
    ("plain", "ELOOP", b"top", b"top"),
    ("down", "ELOOP", b"below", b"below"),
    ("folder/file", "ELOOP", b"below", b"below"),
    ("sub/up", "ELOOP", b"top", b"top"),
    ("sub/deep/round", "ELOOP", b"deep", b"deep"),
    ("chain", "ELOOP", b"top", b"top"),
    ("dangling", "ELOOP", "ENOENT", "ENOENT"),
    ("loop", "ELOOP", "ELOOP", "ELOOP"),
    ("ping", "ELOOP", "ELOOP", "ELOOP"),
    ("rooted", "ELOOP", "EXDEV", b"below"),
    ("sub/over", "ELOOP", "EXDEV", b"top"),
    ("out", "ELOOP", "EXDEV", "ENOENT"),
    ("back", "ELOOP", "EXDEV", "ENOENT"),
    ("around", "ELOOP", "ENOTDIR", "ENOTDIR"),
    ("through", "ELOOP", "ENOTDIR", "ENOTDIR"),
    ("file/", "ENOTDIR", "ENOTDIR", "ENOTDIR"),
    ("absolute", "ELOOP", "EXDEV", "ENOENT"),
    ("outside/secret", "ELOOP", "EXDEV", "ENOENT"),
    ("../secret", "EXDEV", "EXDEV", "ENOENT"),
    ("sub/../../secret", "EXDEV", "EXDEV", "ENOENT"),
    ("/secret", "EXDEV", "EXDEV", "ENOENT"),
]


@WAYS
@pytest.mark.parametrize("case", FOUND, ids=lambda case: case[0][:20])
def test_a_name_is_looked_up_below_the_root_alone(
    root: Path, way: Way, case: tuple[str, bytes | str, bytes | str, bytes | str]
) -> None:
    name, *expected = case
    assert [seen(way, root, name, each) for each in (NEVER, INSIDE, ROOTED)] == expected


@given(
    st.lists(
        st.sampled_from([*LINKS, "..", ".", "", "sub", "deep", "file", "missing"]), min_size=1, max_size=8
    ),
    st.sampled_from([NEVER, INSIDE, ROOTED]),
)
def test_the_walk_finds_what_the_kernel_finds(tree: Path, parts: list[str], symlinks: Symlinks) -> None:
    name = "/".join(parts) or "."
    assert seen(jail.walk, tree, name, symlinks) == seen(kernel, tree, name, symlinks)


@WAYS
def test_a_link_of_proc_is_no_way_out(root: Path, way: Way) -> None:
    assert {seen(way, root, "magic/file", each) for each in (NEVER, INSIDE, ROOTED)} <= {
        "ELOOP",
        "EXDEV",
        "ENOENT",
    }


@pytest.mark.parametrize("name", ["absolute", "out", "outside/secret"])
def test_anywhere_means_anywhere(root: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(kernel, root, name, ANYWHERE) == SECRET
    monkeypatch.setattr(jail, "has_openat2", lambda: False)
    assert seen(kernel, root, name, ANYWHERE) == SECRET


@pytest.mark.parametrize("openat2", [True, False])
def test_a_directory_is_told_from_a_file(root: Path, openat2: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jail, "has_openat2", lambda: openat2)
    directory = jail.open_root(str(root))
    try:
        os.close(jail.find(directory, b"sub", INSIDE, directory=True))
        with pytest.raises(NotADirectoryError):
            jail.find(directory, b"file", INSIDE, directory=True)
    finally:
        os.close(directory)


def test_this_kernel_has_openat2() -> None:
    """Otherwise half of the tests above would prove nothing."""
    assert jail.has_openat2()


def test_the_walk_has_a_bound(tmp_path: Path) -> None:
    deep = "/".join("d" * jail.DEPTH_LIMIT)
    (tmp_path / deep).mkdir(parents=True)
    (tmp_path / deep / "file").write_bytes(b"")
    assert seen(jail.walk, tmp_path, f"{deep}/file", INSIDE) == "ENAMETOOLONG"


@WAYS
def test_no_descriptor_is_left_open(root: Path, way: Way) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    for name, *_ in FOUND:
        for each in (NEVER, INSIDE, ROOTED):
            seen(way, root, name, each)
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_nothing_is_opened_in_earnest(tmp_path: Path) -> None:
    """A FIFO would wait for a writer, and a socket can't be opened."""
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "socket"))
    directory = jail.open_root(str(tmp_path))
    try:
        for name in (b"fifo", b"socket"):
            os.close(jail.find(directory, name, INSIDE))
            os.close(jail.walk(directory, name, INSIDE))
    finally:
        os.close(directory)
