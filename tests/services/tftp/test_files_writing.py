"""What clients may write, and that nobody ever sees half of it."""

import errno
import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from helpers.tftp_files import asked, client, fill, get, put, store
from superd_services.tftp.files import Refused, Sink
from superd_services.tftp.system import publish, writing
from superd_services.tftp.system.store import Store

NEW = {"create": "yes"}
ANY = {"create": "yes", "overwrite": "yes"}
FULL = (3, "Disk full or allocation exceeded")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "tftp"
    (root / "configs").mkdir(parents=True)
    (root / "old").write_bytes(b"old content")
    (root / "old").chmod(0o666)
    (root / "closed").write_bytes(b"closed")
    (root / "closed").chmod(0o644)
    return root


def no_unnamed(path: str | bytes, flags: int, *args: int, **keywords: int) -> int:
    if flags & os.O_TMPFILE == os.O_TMPFILE:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
    return real_open(path, flags, *args, **keywords)


real_open = os.open


@pytest.fixture(params=["unnamed", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With files that have no name, and where the file system has none."""
    if request.param == "named":
        monkeypatch.setattr(os, "open", no_unnamed)


def refused(work: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        work()
    return int(caught.value.code), caught.value.text


def names(root: Path) -> set[str]:
    return {path.name for path in root.iterdir()}


BEGUN: list[tuple[dict[str, str], str, tuple[int, str] | None]] = [
    ({}, "new", (2, "Access violation")),
    ({}, "old", (2, "Access violation")),
    (NEW, "new", None),
    (NEW, "configs/new", None),
    (NEW, "old", (6, "File already exists")),
    (NEW, "missing/new", (1, "File not found")),
    (NEW, "old/new", (1, "File not found")),
    (NEW, "../new", (2, "Access violation")),
    (NEW, "n" * 256, (1, "File not found")),
    ({"overwrite": "yes"}, "new", (1, "File not found")),
    ({"overwrite": "yes"}, "old", None),
    ({"overwrite": "yes"}, "closed", (2, "Access violation")),
    ({"overwrite": "yes", "permissive": "yes"}, "closed", None),
    (ANY, "configs", (2, "Not a regular file")),
    (ANY, "link", (2, "Not a regular file")),
    (ANY, "fifo", (2, "Not a regular file")),
    (ANY, "out/new", (2, "Access violation")),
]


@pytest.mark.parametrize(("words", "name", "answer"), BEGUN)
def test_what_may_be_written(
    root: Path, words: dict[str, str], name: str, answer: tuple[int, str] | None
) -> None:
    (root / "link").symlink_to("old")
    (root / "out").symlink_to("..")
    os.mkfifo(root / "fifo")
    files = store(root, **words)
    if answer is None:
        put(files, name, b"content")
        assert (root / name).read_bytes() == b"content"
    else:
        assert refused(lambda: files.write(asked(name))) == answer


def test_a_virtual_file_is_not_written(root: Path, tmp_path: Path) -> None:
    (tmp_path / "menu").write_text("menu")
    files = store(root, virtual=[f"menu={tmp_path}/menu"], **ANY)
    assert refused(lambda: files.write(asked("menu"))) == (2, "Access violation")


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", ["new", "old"])
def test_nothing_is_seen_before_all_of_it_is_there(root: Path, name: str) -> None:
    files = store(root, **ANY)
    before = names(root)
    sink = files.write(asked(name))
    sink.write(b"first ")
    assert not (root / "new").exists()
    assert (root / "old").read_bytes() == b"old content"
    hidden = names(root) - before
    assert all(stat.S_IMODE((root / each).stat().st_mode) == 0o600 for each in hidden)
    sink.write(b"second")
    sink.commit()
    assert (root / name).read_bytes() == b"first second"
    assert names(root) == before | {name}


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", ["new", "old"])
def test_what_is_broken_off_leaves_nothing(root: Path, name: str) -> None:
    before = names(root)
    sink = store(root, **ANY).write(asked(name))
    sink.write(b"half")
    sink.abort()
    sink.abort()
    assert names(root) == before
    assert (root / "old").read_bytes() == b"old content"


@pytest.mark.usefixtures("way")
def test_a_reader_goes_on_with_the_file_that_was_replaced(root: Path) -> None:
    files = store(root, **ANY)
    source = files.read(asked("old"))
    put(files, "old", b"new")
    assert (source.read(0, 100), get(files, "old")) == (b"old content", b"new")
    source.close()


@pytest.mark.usefixtures("way")
def test_a_file_that_was_made_meanwhile_is_not_replaced(root: Path) -> None:
    sink = store(root, **NEW).write(asked("new"))
    (root / "new").write_bytes(b"somebody else's")
    assert refused(sink.commit) == (6, "File already exists")
    assert (root / "new").read_bytes() == b"somebody else's"
    assert names(root) == {"configs", "old", "closed", "new"}


@pytest.mark.usefixtures("way")
def test_a_file_has_one_writer_at_a_time(root: Path) -> None:
    files = store(root, **ANY)
    first = files.write(asked("old"))
    assert refused(lambda: files.write(asked("//old", client("192.0.2.11")))) == (
        2,
        "File is being written",
    )
    files.write(asked("configs/old")).abort()
    first.commit()
    files.write(asked("old")).abort()
    files.write(asked("old")).abort()


@pytest.mark.parametrize(
    ("words", "name", "mode"), [({}, "new", 0o644), ({"file_mode": "0660"}, "new", 0o660), ({}, "old", 0o666)]
)
@pytest.mark.usefixtures("way")
def test_permissions_are_those_configured_or_those_of_the_file_before(
    root: Path, words: dict[str, str], name: str, mode: int
) -> None:
    before = os.umask(0o077)
    try:
        put(store(root, **ANY, **words), name, b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((root / name).stat().st_mode) == mode


def test_a_file_is_no_longer_than_allowed(root: Path) -> None:
    files = store(root, write_limit="10", **ANY)
    put(files, "new", b"0123456789")
    assert refused(lambda: put(files, "old", b"0123456789a")) == FULL
    assert refused(lambda: files.write(asked("old", size=11))) == FULL
    assert (root / "old").read_bytes() == b"old content"
    files.write(asked("old", size=10)).abort()


def test_more_than_the_disk_has_room_for_is_refused_at_once(root: Path) -> None:
    files = store(root, write_limit=str(1 << 62), **ANY)
    assert refused(lambda: files.write(asked("old", size=1 << 60))) == FULL


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.usefixtures("way")
def test_a_full_disk_is_error_3(root: Path, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    def full(*_: object) -> int:
        raise OSError(error, os.strerror(error))

    files = store(root, **ANY)
    sink = files.write(asked("old"))
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        assert refused(lambda: fill(sink, b"data")) == FULL
    sink = files.write(asked("old"))
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert refused(sink.commit) == FULL
    assert (root / "old").read_bytes() == b"old content"
    assert names(root) == {"configs", "old", "closed"}


@pytest.mark.usefixtures("way")
def test_what_is_dropped_while_it_is_written_is_closed_when_that_is_done(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = store(root, **ANY)
    sink = files.write(asked("old"))
    real_write = os.write

    def drop_and_write(fd: int, data: bytes) -> int:
        sink.abort()
        assert refused(lambda: files.write(asked("old"))) == (2, "File is being written")
        return real_write(fd, data)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", drop_and_write)
        sink.write(b"late")
    files.write(asked("old")).abort()
    for late in (partial(sink.write, b"later"), sink.commit):
        with pytest.raises(OSError, match="over"):
            late()
    assert (root / "old").read_bytes() == b"old content"


def test_a_long_file_goes_to_the_disk_bit_by_bit(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "SYNC_SIZE", 10)
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda fd: synced.append(os.fstat(fd).st_size))
    sink = store(root, **ANY).write(asked("old"))
    for _ in range(6):
        sink.write(b"1234")
    sink.commit()
    assert synced == [12, 24]


@pytest.mark.usefixtures("way")
def test_every_descriptor_is_closed(root: Path) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    files = store(root, **ANY)
    put(files, "new", b"1")
    put(files, "old", b"2")
    sink: Sink = files.write(asked("old"))
    refused(lambda: files.write(asked("old")))
    sink.abort()
    for name in ("configs", "missing/x", "closed"):
        refused(partial(files.write, asked(name)))
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_a_file_is_written_where_it_exists(root: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    (second / "there").write_bytes(b"")
    (second / "there").chmod(0o666)
    files = store(root, second, **ANY)
    put(files, "there", b"replaced")
    put(files, "new", b"created")
    assert (second / "there").read_bytes() == b"replaced"
    assert (root / "new").read_bytes() == b"created"


@pytest.fixture
def nobody() -> "Callable[[Callable[[], None]], int]":
    """Runs something as a user who owns nothing here; returns the status."""

    def run(work: Callable[[], None]) -> int:
        child = os.fork()
        if not child:
            status = 1
            try:
                os.setgroups([])
                os.setresgid(65534, 65534, 65534)
                os.setresuid(65534, 65534, 65534)
                work()
                status = 0
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    return run


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of root's, with a file that everybody may write, as tftpd-hpa needs it."""
    directory = tmp_path_factory.mktemp("shared")
    for each in (directory, *directory.parents[:3]):
        if each != Path("/tmp"):
            each.chmod(0o755)
    (directory / "switch.cfg").write_bytes(b"a longer configuration than the next one")
    (directory / "switch.cfg").chmod(0o666)
    return directory


Nobody = Callable[[Callable[[], None]], int]


@pytest.mark.root
def test_a_file_is_replaced_in_a_directory_that_is_not_the_services(shared: Path, nobody: Nobody) -> None:
    def work() -> None:
        files = store(shared, **ANY)
        sink = files.write(asked("switch.cfg"))
        sink.write(b"new")
        assert (shared / "switch.cfg").read_bytes().startswith(b"a longer")
        sink.commit()
        assert refused(lambda: files.write(asked("new"))) == (2, "Access violation")

    before = (shared / "switch.cfg").stat().st_ino
    assert nobody(work) == 0
    assert (shared / "switch.cfg").read_bytes() == b"new"
    assert (shared / "switch.cfg").stat().st_ino == before
    assert names(shared) == {"switch.cfg"}


@pytest.mark.root
def test_a_file_is_replaced_at_once_in_a_directory_of_the_services_own(shared: Path, nobody: Nobody) -> None:
    shared.chmod(0o777)
    before = (shared / "switch.cfg").stat().st_ino
    assert nobody(lambda: put(store(shared, **ANY), "switch.cfg", b"new")) == 0
    after = (shared / "switch.cfg").stat()
    assert (shared / "switch.cfg").read_bytes() == b"new"
    assert after.st_ino != before
    assert stat.S_IMODE(after.st_mode) == 0o666


@pytest.mark.root
def test_permissive_does_not_give_rights_to_files_of_others(shared: Path, nobody: Nobody) -> None:
    shared.chmod(0o777)
    (shared / "switch.cfg").chmod(0o644)

    def work() -> None:
        files: Store = store(shared, permissive="yes", **ANY)
        assert refused(lambda: files.write(asked("switch.cfg"))) == (2, "Access violation")

    assert nobody(work) == 0


def test_there_is_no_copy_where_there_is_no_room(root: Path) -> None:
    directory = os.open(root, os.O_PATH)
    fd = os.open(root / "received", os.O_RDWR | os.O_CREAT)
    try:
        os.truncate(fd, 1 << 40)
        target = publish.Target(directory, b"old", 0o666, replaces=True)
        if os.statvfs(root).f_bavail * os.statvfs(root).f_frsize > 1 << 40:
            pytest.skip("this disk has room for everything")
        with pytest.raises(OSError, match="No space"):
            publish.copy(target, fd)
    finally:
        os.close(fd)
        os.close(directory)
    assert (root / "old").read_bytes() == b"old content"
