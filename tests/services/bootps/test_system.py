"""The file of the table: when it is read again, and what happens to a broken one."""

import os
from pathlib import Path

import pytest

from superd.service import BuiltinService, FileProblem
from superd_services.bootps import SERVICE, system
from superd_services.bootps.options import BootpsOptions
from superd_services.bootps.system import AGE, TABLE_LIMIT, TableFile, read, size

GOOD = "a:ha=020000000001:ip=192.0.2.5\n"
BROKEN = GOOD + "b:zz\n"


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Case:
    """A table in a directory, with files of names."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "bootptab"
        self.hosts = directory / "hosts"
        self.ethers = directory / "ethers"
        self.clock = Clock()

    def file(self) -> TableFile:
        return TableFile(str(self.path), self.clock, str(self.hosts), str(self.ethers))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def hosts(file: TableFile) -> list[str]:
    return [host.name for host in file.table().hosts]


def test_a_changed_file_is_read_again_after_a_second(case: Case) -> None:
    case.path.write_text(GOOD)
    file = case.file()
    assert hosts(file) == ["a"]
    case.path.write_text(GOOD + "b:ha=020000000002:ip=192.0.2.6\n")
    assert hosts(file) == ["a"]
    case.clock.now += AGE
    assert hosts(file) == ["a", "b"]
    assert file.news() == ()


def test_a_broken_file_does_not_replace_a_good_one(case: Case) -> None:
    case.path.write_text(GOOD)
    file = case.file()
    file.table()
    case.path.write_text("b:zz\nc:ha=020000000002:ip=192.0.2.6\n")
    case.clock.now += AGE
    assert hosts(file) == ["a"]
    assert file.news() == (f"{case.path}:1: zz: no such tag", f"{case.path}: the table read before stays")
    case.clock.now += AGE
    assert hosts(file) == ["a"]
    assert file.news() == ()
    case.path.write_text("c:ha=020000000002:ip=192.0.2.6\n")
    case.clock.now += AGE
    assert hosts(file) == ["c"]


def test_a_file_that_is_gone_leaves_its_table(case: Case) -> None:
    case.path.write_text(GOOD)
    file = case.file()
    file.table()
    case.path.unlink()
    case.clock.now += AGE
    assert hosts(file) == ["a"]
    assert file.news() == (f"{case.path}: No such file or directory; the table read before stays",)


def test_of_a_file_that_is_broken_from_the_beginning_the_good_entries_count(case: Case) -> None:
    case.path.write_text(BROKEN)
    file = case.file()
    assert hosts(file) == ["a"]
    assert file.news() == (f"{case.path}:2: zz: no such tag",)


def test_a_file_may_come_later(case: Case) -> None:
    file = case.file()
    assert hosts(file) == []
    assert file.news() == (f"{case.path}: No such file or directory; there is no table yet",)
    case.path.write_text(GOOD)
    case.clock.now += AGE
    assert hosts(file) == ["a"]


def test_names_come_from_hosts_and_ethers_and_are_read_again(case: Case) -> None:
    case.path.write_text("a:ha=mine\n")
    case.hosts.write_text("192.0.2.5 x A # c\n::1 a\nnonsense\n192.0.2.6 a\n")
    case.ethers.write_text("2:0:0:0:0:1 mine\nnonsense\n1:2\n")
    file = case.file()
    (host,) = file.table().hosts
    assert (str(host.address), host.hardware) == ("192.0.2.5", b"\2\0\0\0\0\1")
    case.hosts.write_text("192.0.2.7 a\n")
    case.clock.now += AGE
    assert str(file.table().hosts[0].address) == "192.0.2.7"


def test_many_mistakes_are_told_in_few_lines(case: Case) -> None:
    case.path.write_text("a:zz\n" * 100)
    file = case.file()
    file.table()
    news = file.news()
    assert len(news) == system.NEWS_LIMIT + 1
    assert news[-1] == f"{case.path}: 80 more mistakes"


@pytest.mark.parametrize("kind", ["fifo", "directory", "large"])
def test_what_is_no_table_is_not_read_and_not_waited_for(case: Case, kind: str) -> None:
    if kind == "fifo":
        os.mkfifo(case.path)
    elif kind == "directory":
        case.path.mkdir()
    else:
        case.path.write_bytes(b"")
        os.truncate(case.path, TABLE_LIMIT + 1)
    with pytest.raises(OSError, match=r"not a regular file|more than"):
        read(str(case.path))


def test_bytes_go_through_as_they_are(case: Case) -> None:
    case.path.write_bytes(b"a:ha=020000000001:ip=192.0.2.5:dn=\xe9\xff\n")
    assert case.file().table().hosts[0].text("dn").encode("latin-1") == b"\xe9\xff"


def test_the_size_of_a_file_is_told_and_of_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"123")
    assert size(str(tmp_path / "f")) == 3
    assert size(str(tmp_path)) is None
    assert size(str(tmp_path / "gone")) is None
    assert size("a\0b") is None


def test_the_check_of_a_configuration_names_mistakes_with_file_and_line(case: Case) -> None:
    case.path.write_text(BROKEN)
    service: BuiltinService = SERVICE
    assert service.problems is not None
    path = str(case.path)
    assert list(service.problems(BootpsOptions(bootptab=path))) == [
        FileProblem(path, 2, "zz: no such tag; the entry is left out")
    ]
    case.path.unlink()
    missing = FileProblem(path, 0, "No such file or directory")
    assert list(service.problems(BootpsOptions(bootptab=path))) == [missing]
    assert list(service.problems(BootpsOptions(bootptab=path, proxy=True))) == []


def test_a_table_that_need_not_be_there_is_not_missed(case: Case) -> None:
    file = TableFile(str(case.path), case.clock, str(case.hosts), str(case.ethers), optional=True)
    assert hosts(file) == []
    assert file.news() == ()
