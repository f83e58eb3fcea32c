"""Which files are sent to whom."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.tftp_files import CLIENT, asked, client, get, refusal, store
from superd_services.tftp.files import Refused
from superd_services.tftp.options import Symlinks

SAFE = [each for each in Symlinks if each is not Symlinks.ANYWHERE]
NOT_FOUND = (1, "File not found")
VIOLATION = (2, "Access violation")
NOT_REGULAR = (2, "Not a regular file")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return planted(tmp_path)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with links that lead out of it."""
    root = planted(tmp_path_factory.mktemp("tree"))
    (root / "out").symlink_to("../tftp-private/key")
    (root / "up").symlink_to("..")
    return root


def planted(tmp_path: Path) -> Path:
    root = tmp_path / "tftp"
    (root / "pxelinux.cfg").mkdir(parents=True)
    (root / "pxelinux.0").write_bytes(b"loader")
    (root / "pxelinux.cfg/default").write_bytes(b"menu")
    (tmp_path / "tftp-private").mkdir()
    (tmp_path / "tftp-private/key").write_bytes(b"secret")
    return root


@pytest.mark.parametrize(
    "name",
    [
        "pxelinux.cfg/default",
        "/pxelinux.cfg/default",
        "//pxelinux.cfg///default",
        "./pxelinux.cfg/./default",
        r"pxelinux.cfg\default",
        r"\pxelinux.cfg\default",
    ],
)
def test_a_name_is_relative_to_the_root_however_it_is_written(root: Path, name: str) -> None:
    assert get(store(root), name) == b"menu"


def test_a_name_may_begin_with_the_path_of_the_root(root: Path) -> None:
    assert get(store(root), f"{root}/pxelinux.0") == b"loader"
    assert refusal(store(root), f"{root}-private/key") == NOT_FOUND
    assert refusal(store(root), f"{root}"[1:] + "/pxelinux.0") == NOT_FOUND


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("", NOT_FOUND),
        ("/", NOT_FOUND),
        (".", NOT_FOUND),
        ("missing", NOT_FOUND),
        ("pxelinux.0/", NOT_FOUND),
        ("pxelinux.0/more", NOT_FOUND),
        ("x" * 300, NOT_FOUND),
        ("PXELINUX.0", NOT_FOUND),
        ("pxelinux.cfg", NOT_REGULAR),
        ("pxelinux.cfg/../pxelinux.0", VIOLATION),
        ("../tftp-private/key", VIOLATION),
        (r"..\tftp-private\key", VIOLATION),
        ("..", VIOLATION),
        ("pxelinux.0\n", VIOLATION),
        ("\x1b[2J", VIOLATION),
        (b"pxelinux.0\x7f", VIOLATION),
        (b"\xff\xfe", NOT_FOUND),
        ("/etc/passwd", NOT_FOUND),
    ],
)
def test_what_is_refused(root: Path, name: str | bytes, answer: tuple[int, str]) -> None:
    assert refusal(store(root), name) == answer


def test_backslashes_are_letters_where_that_is_configured(root: Path) -> None:
    (root / r"a\b").write_bytes(b"odd")
    assert get(store(root, backslashes="no"), r"a\b") == b"odd"


def test_names_are_made_lower_case_where_that_is_configured(root: Path) -> None:
    assert get(store(root, lowercase="yes"), r"\PXELinux.CFG\Default") == b"menu"


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))


def linked_fifo(path: Path) -> None:
    os.mkfifo(path.with_name("fifo"))
    path.symlink_to("fifo")


SPECIAL: dict[str, Callable[[Path], object]] = {
    "a FIFO": os.mkfifo,
    "a socket": unix_socket,
    "a directory": lambda path: path.mkdir(),
    "a link to a FIFO": linked_fifo,
}


@pytest.mark.parametrize("kind", SPECIAL)
def test_only_regular_files_are_sent_and_nothing_stalls(root: Path, kind: str) -> None:
    SPECIAL[kind](root / "odd")
    assert refusal(store(root, permissive="yes"), "odd") == NOT_REGULAR


@pytest.mark.root
def test_a_device_is_not_opened(root: Path) -> None:
    facts = Path("/dev/zero").stat()
    try:
        os.mknod(root / "zero", facts.st_mode, facts.st_rdev)
    except PermissionError:
        pytest.skip("no devices can be made here")
    assert refusal(store(root), "zero") == NOT_REGULAR


@pytest.mark.parametrize("target", ["../tftp-private/key", "/etc/passwd"])
def test_a_link_out_of_the_root_is_an_access_violation(root: Path, target: str) -> None:
    (root / "link").symlink_to(target)
    assert refusal(store(root), "link") == VIOLATION
    assert get(store(root, symlinks="anywhere"), "link") == (root / target).read_bytes()


def test_what_not_everybody_may_read_is_sent_only_if_that_is_configured(root: Path) -> None:
    (root / "pxelinux.0").chmod(0o640)
    assert refusal(store(root), "pxelinux.0") == VIOLATION
    assert get(store(root, permissive="yes"), "pxelinux.0") == b"loader"


def test_no_answer_names_anything_of_the_server(root: Path, tmp_path: Path) -> None:
    for name in ("missing", "pxelinux.cfg", "../x", "/etc/passwd"):
        assert str(tmp_path) not in refusal(store(root), name)[1]


def test_a_root_that_is_missing_is_told_to_the_log(tmp_path: Path) -> None:
    files = store(tmp_path / "nowhere")
    with pytest.raises(Refused) as caught:
        get(files, "file")
    assert (caught.value.text, caught.value.reason) == (
        "File not found",
        f"there is no directory {tmp_path}/nowhere",
    )


def test_roots_are_searched_one_after_the_other(root: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    (second / "pxelinux.0").write_bytes(b"hidden")
    (second / "memtest").write_bytes(b"second")
    files = store(tmp_path / "nowhere", root, second)
    assert (get(files, "pxelinux.0"), get(files, "memtest")) == (b"loader", b"second")


def test_a_refusal_of_the_first_root_is_final(root: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    (second / "pxelinux.0").write_bytes(b"open")
    (root / "pxelinux.0").chmod(0o600)
    assert refusal(store(root, second), "pxelinux.0") == VIOLATION


CLIENT_ROOTS = [
    ("192.0.2.10", b"lab"),
    ("192.0.2.200", b"bench"),
    ("198.51.100.1", b"loader"),
    ("2001:db8::9", b"six"),
    ("2001:db9::9", b"loader"),
    ("fe80::1%eth0", b"local"),
]


@pytest.mark.parametrize(("host", "content"), CLIENT_ROOTS)
def test_a_client_has_the_root_of_the_longest_network_it_is_in(
    root: Path, tmp_path: Path, host: str, content: bytes
) -> None:
    networks = {
        "lab": "192.0.2.0/24",
        "bench": "192.0.2.128/25",
        "six": "2001:db8::/32",
        "local": "fe80::/10",
    }
    for name in networks:
        (tmp_path / name).mkdir()
        (tmp_path / name / "pxelinux.0").write_bytes(name.encode())
    words = [f"{network}={tmp_path}/{name}" for name, network in networks.items()]
    assert get(store(root, client_root=words), "pxelinux.0", client(host)) == content


@pytest.mark.parametrize("host", ["192.0.2.77", "2001:db8::77"])
def test_a_unique_root_is_the_clients_alone_where_it_exists(root: Path, host: str) -> None:
    (root / host).mkdir()
    (root / host / "own").write_bytes(b"own")
    files = store(root, unique_root="ip")
    assert get(files, "own", client(host)) == b"own"
    assert refusal(files, "pxelinux.0", client(host)) == NOT_FOUND
    assert get(files, "pxelinux.0", CLIENT) == b"loader"


PIECES = [
    "..",
    ".",
    "/",
    "\\",
    "",
    "pxelinux.0",
    "pxelinux.cfg",
    "default",
    "out",
    "up",
    "tftp-private",
    "key",
    "\0",
    "\x1f",
    "\udcff",
]


@given(
    st.lists(st.sampled_from(PIECES), max_size=12), st.sampled_from(["/", "\\", ""]), st.sampled_from(SAFE)
)
def test_no_name_whatever_leads_out(
    tree: Path, pieces: list[str], separator: str, symlinks: Symlinks
) -> None:
    name = separator.join(pieces).encode("utf-8", "surrogateescape")
    for words in ({}, {"unique_root": "ip", "lowercase": "yes"}):
        with suppress(Refused):
            assert get(store(tree, symlinks=symlinks, **words), name) in {b"loader", b"menu"}


def test_reading_gives_what_was_there_when_the_file_was_opened(root: Path) -> None:
    path = root / "pxelinux.0"
    source = store(root).read(asked("pxelinux.0"))
    with path.open("ab") as file:
        file.write(b" and more")
    assert (source.size, source.read(0, 100), source.read(4, 100), source.read(6, 1)) == (
        6,
        b"loader",
        b"er",
        b"",
    )
    os.truncate(path, 3)
    assert source.read(0, 3) == b"loa"
    with pytest.raises(OSError, match="shorter"):
        source.read(0, 6)
    source.close()
    source.close()


def test_a_file_beyond_4_gib_has_its_size(root: Path) -> None:
    size = 5 << 30
    os.truncate(root / "pxelinux.0", size)
    source = store(root).read(asked("pxelinux.0"))
    assert (source.size, source.read(size - 3, 10)) == (size, b"\0\0\0")
    source.close()
