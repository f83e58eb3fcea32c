"""Files in homes whose owners are not trusted, and directories of texts."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.daemon import directory
from superd_services.finger.people import Note, Text, Unknown
from superd_services.finger.system import files, homes, virtual

SECRET = "root:$6$secret:19000:0:99999:7:::\n"
ME = os.getuid()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "shadow").write_text(SECRET)
    home = tmp_path / "home"
    home.mkdir()
    return home


def plan(home: Path, uid: int = ME) -> Note | None:
    found = homes.notes(str(home), uid, ["plan"])
    assert found is not None
    return found["plan"]


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))


HOSTILE: dict[str, Callable[[Path], object]] = {
    "a symbolic link": lambda path: path.symlink_to("../shadow"),
    "an absolute link": lambda path: path.symlink_to("/etc/passwd"),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(".plan"),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a link to a descriptor": lambda path: path.symlink_to("/proc/self/fd/0"),
    "a FIFO": os.mkfifo,
    "a directory": lambda path: path.mkdir(),
    "a socket": unix_socket,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_file_is_no_plan(home: Path, kind: str) -> None:
    HOSTILE[kind](home / ".plan")
    assert plan(home) is None


@pytest.mark.root
@pytest.mark.parametrize("device", ["zero", "tty"])
def test_a_device_is_no_plan(home: Path, device: str) -> None:
    facts = Path("/dev", device).stat()
    try:
        os.mknod(home / ".plan", stat.S_IFCHR | 0o666, facts.st_rdev)
    except PermissionError:
        pytest.skip("no device files can be made here")
    assert plan(home) is None


@pytest.mark.root
def test_a_hard_link_to_somebody_elses_file_is_no_plan(home: Path) -> None:
    os.link(home.parent / "shadow", home / ".plan")
    assert plan(home, uid=65534) is None
    assert plan(home, uid=0) == Note(SECRET)


def test_nothing_that_is_no_regular_file_is_ever_opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(home / ".plan")
    opened: list[int] = []
    really = os.open

    def spy(path: str, flags: int, *rest: int, dir_fd: int | None = None) -> int:
        opened.append(flags)
        return really(path, flags, *rest, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", spy)
    assert plan(home) is None
    assert opened
    assert all(flags & os.O_PATH for flags in opened)


def test_a_huge_file_is_cut(home: Path) -> None:
    with (home / ".plan").open("wb") as file:
        file.write(b"x" * files.READ_LIMIT)
        file.truncate(1 << 40)
    assert plan(home) == Note("x" * files.READ_LIMIT, cut=True)


def test_a_file_of_exactly_the_limit_is_whole(home: Path) -> None:
    (home / ".plan").write_bytes(b"x" * files.READ_LIMIT)
    assert plan(home) == Note("x" * files.READ_LIMIT)


def test_any_bytes_are_a_text(home: Path) -> None:
    (home / ".plan").write_bytes(b"M\xc3\xbcller \xff\0")
    assert plan(home) == Note("M\xfcller \ufffd\0")


@pytest.mark.parametrize("name", ["", ".", "..", "../shadow", "a/b", "a\0b"])
def test_a_name_is_never_a_path(home: Path, name: str) -> None:
    directory = files.open_directory(str(home))
    try:
        assert files.read(directory, name) is None
    finally:
        os.close(directory)


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, lambda path: path.symlink_to("nothing")])
def test_nofinger_of_any_kind_hides(home: Path, make: Callable[[Path], object]) -> None:
    (home / ".plan").write_text("a plan")
    make(home / ".nofinger")
    assert homes.notes(str(home), ME, ["plan"]) is None


@pytest.mark.parametrize("path", ["/nonexistent", "", "relative", "/dev/null", "/a\0b"])
def test_who_has_no_home_has_no_files(path: str) -> None:
    assert homes.notes(path, ME, ["plan", "project"]) == {"plan": None, "project": None}


@pytest.mark.root
@pytest.mark.parametrize("closed", ["parent", "parent/home"])
def test_who_closes_a_home_or_what_it_is_in_is_hidden(closed: str) -> None:
    with directory() as place:
        home = place / "parent" / "home"
        home.mkdir(parents=True)
        (place / closed).chmod(0o700)
        os.seteuid(65534)
        try:
            assert homes.notes(str(home), 0, ["plan"]) is None
        finally:
            os.seteuid(0)


@pytest.mark.root
@pytest.mark.parametrize(("mode", "hidden"), [(0o700, True), (0o711, False), (0o744, True)])
def test_a_home_that_may_be_looked_into_but_not_listed_is_open(mode: int, hidden: bool) -> None:
    with directory() as parent:
        home = parent / "home"
        home.mkdir()
        (home / ".plan").write_text("a plan")
        home.chmod(mode)
        os.seteuid(65534)
        try:
            found = homes.notes(str(home), 0, ["plan"])
        finally:
            os.seteuid(0)
    assert found == (None if hidden else {"plan": Note("a plan")})


@pytest.mark.root
def test_a_file_that_can_not_be_read_is_not_there() -> None:
    with directory() as home:
        (home / ".plan").write_text("a plan")
        (home / ".plan").chmod(0o600)
        os.seteuid(65534)
        try:
            assert homes.notes(str(home), 0, ["plan"]) == {"plan": None}
        finally:
            os.seteuid(0)


def descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_no_descriptor_stays_open(home: Path) -> None:
    before = descriptors()
    for number, make in enumerate(HOSTILE.values()):
        place = home / str(number)
        place.mkdir()
        make(place / ".plan")
        assert plan(place) is None
    (home / ".plan").write_text("a plan")
    assert plan(home) == Note("a plan")
    assert descriptors() == before


# A directory of texts


@pytest.fixture
def texts(home: Path) -> Path:
    (home / "info").write_text("We are open.\n")
    (home / "Big").write_text("x" * (files.READ_LIMIT + 1))
    (home / ".hidden").write_text(SECRET)
    (home / "link").symlink_to("../shadow")
    (home / "folder").mkdir()
    (home / "not a name").write_text(SECRET)
    return home


@pytest.mark.parametrize("user", ["info", "INFO"])
def test_a_text_is_found_by_its_name(texts: Path, user: str) -> None:
    assert virtual.read(str(texts), user) == Text("We are open.\n")


def test_a_long_text_is_cut(texts: Path) -> None:
    assert virtual.read(str(texts), "Big") == Text("x" * files.READ_LIMIT, cut=True)


@pytest.mark.parametrize(
    "user",
    [".hidden", "hidden", "link", "folder", "not a name", "../shadow", "..", "nobody", "a\0", "x" * 99],
)
def test_nothing_else_is_found(texts: Path, user: str) -> None:
    assert virtual.read(str(texts), user) == Unknown()


def test_the_names_of_all_who_can_be_asked_about_are_listed(
    texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert virtual.read(str(texts), "") == Text("Big\ninfo\n")
    monkeypatch.setattr(virtual, "NAMES_LIMIT", 1)
    assert virtual.read(str(texts), "") == Text("Big\n", cut=True)


def test_a_directory_that_is_gone_can_not_be_answered_from(texts: Path) -> None:
    with pytest.raises(FileNotFoundError):
        virtual.read(str(texts / "gone"), "info")
