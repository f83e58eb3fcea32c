"""Log files are opened by the supervisor, limited in size, and opened anew in place."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from helpers import logged
from superd.config.model import Config, FileTarget, Service, ServiceLog
from superd.log import events
from superd.log.files import SIZE_CHECK_LINES, LogFile, LogFiles

LINE = b"0123456789abcde\n"


def service(key: str, path: Path | str) -> Service:
    return logged.service(ServiceLog(target=FileTarget(path=str(path))), key)


def config(*paths: Path | str) -> Config:
    return Config(services=tuple(service(f"s{number}", path) for number, path in enumerate(paths)))


@pytest.fixture
def file(tmp_path: Path) -> Iterator[LogFile]:
    file = LogFile(str(tmp_path / "log"))
    yield file
    file.close()


def test_a_new_file_has_xinetds_mode_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    old_umask = os.umask(0o022)
    old = tmp_path / "old"
    old.touch(mode=0o600)
    logs, problems = LogFiles.open(config(tmp_path / "new", old))
    os.umask(old_umask)
    assert not problems
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o644
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    logs.close()


def test_services_that_share_a_path_share_a_descriptor(tmp_path: Path) -> None:
    logs, _ = LogFiles.open(config(tmp_path / "log", tmp_path / "log"))
    descriptors, _ = logs.reopen()
    assert list(descriptors) == [str(tmp_path / "log")]
    logs.close()


def test_programs_do_not_inherit_log_files(file: LogFile) -> None:
    assert not os.get_inheritable(file.fd)


def test_what_cannot_be_opened_is_a_problem_of_each_service_that_names_it(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "log"
    logs, problems = LogFiles.open(config(missing, tmp_path / "fine", missing, tmp_path))
    assert [problem.service for problem in problems] == ["s0", "s2", "s3"]
    assert str(problems[0]) == f"s0: log file {missing}: No such file or directory"
    assert str(problems[2]) == f"s3: log file {tmp_path}: Is a directory"
    assert logs.get(str(missing)) is None
    assert logs.get(str(tmp_path / "fine")) is not None
    logs.close()


@pytest.mark.timeout(10)
def test_a_fifo_that_nobody_reads_is_a_problem_and_not_a_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    logs, problems = LogFiles.open(config(tmp_path / "fifo"))
    assert len(problems) == 1
    logs.close()


def test_the_administrators_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    logs, problems = LogFiles.open(config(tmp_path / "link"))
    assert not problems
    assert (tmp_path / "real").exists()
    logs.close()


@pytest.mark.root
def test_another_users_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    os.lchown(tmp_path / "link", 65534, 65534)
    logs, problems = LogFiles.open(config(tmp_path / "link"))
    assert len(problems) == 1
    assert not (tmp_path / "victim").exists()
    logs.close()


def test_standard_output_is_a_log_file_too(capfd: pytest.CaptureFixture[str]) -> None:
    logs, problems = LogFiles.open(config("/dev/stdout"))
    assert not problems
    opened = logs.get("/dev/stdout")
    assert opened is not None
    opened.write(LINE)
    assert capfd.readouterr().out == LINE.decode()
    logs.close()


def test_a_relative_path_stays_where_it_was_after_chdir(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = LogFile("./log")
    monkeypatch.chdir("/")
    (tmp_path / "log").rename(tmp_path / "log.1")
    file.reopen()
    assert (tmp_path / "log").exists()
    file.close()


def test_reopening_writes_to_the_new_file_through_the_same_number(tmp_path: Path, file: LogFile) -> None:
    number = file.fd
    file.write(b"old\n")
    (tmp_path / "log").rename(tmp_path / "log.1")
    file.reopen()
    file.write(b"new\n")
    assert file.fd == number
    assert (tmp_path / "log.1").read_bytes() == b"old\n"
    assert (tmp_path / "log").read_bytes() == b"new\n"


def test_a_worker_writes_to_the_descriptor_it_is_sent(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    supervisor, _ = LogFiles.open(config(path))
    worker, _ = LogFiles.open(config(path))
    (tmp_path / "log").rename(tmp_path / "log.1")
    descriptors, problems = supervisor.reopen()
    assert not problems
    assert worker.replace(path, os.dup(descriptors[path]))
    opened = worker.get(path)
    assert opened is not None
    opened.write(LINE)
    assert (tmp_path / "log").read_bytes() == LINE
    supervisor.close()
    worker.close()


def test_a_descriptor_for_an_unknown_path_is_closed(tmp_path: Path) -> None:
    sent = os.open(tmp_path / "other", os.O_CREAT | os.O_WRONLY)
    assert not LogFiles().replace("other", sent)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(sent)


def test_when_reopening_fails_the_old_file_is_still_written(tmp_path: Path) -> None:
    directory = tmp_path / "logs"
    directory.mkdir()
    logs, _ = LogFiles.open(config(directory / "log"))
    directory.rename(tmp_path / "moved")
    _, problems = logs.reopen()
    assert [problem.path for problem in problems] == [str(directory / "log")]
    opened = logs.get(str(directory / "log"))
    assert opened is not None
    opened.write(LINE)
    assert (tmp_path / "moved" / "log").read_bytes() == LINE
    logs.close()


def test_a_worker_keeps_only_what_its_services_write(tmp_path: Path) -> None:
    logs, _ = LogFiles.open(config(tmp_path / "a", tmp_path / "b"))
    main = LogFile(str(tmp_path / "main"))
    logs.add(main)
    other = logs.get(str(tmp_path / "b"))
    assert other is not None
    logs.keep_only([service("s0", tmp_path / "a")])
    assert set(logs.reopen()[0]) == {str(tmp_path / "a"), str(tmp_path / "main")}
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(other.fd)
    logs.close()
    main.close()


def test_a_service_may_share_superds_own_log(tmp_path: Path) -> None:
    logs, _ = LogFiles.open(config(tmp_path / "log"))
    main = LogFile(str(tmp_path / "log"))
    logs.add(main)
    assert logs.get(str(tmp_path / "log")) is main
    logs.close()
    main.write(LINE)
    assert (tmp_path / "log").read_bytes() == LINE
    main.close()


def test_the_hard_limit_is_kept_and_reported_once(tmp_path: Path, file: LogFile) -> None:
    target = FileTarget(path=file.path, soft=64, hard=100)
    with capture_logs() as seen:
        for _ in range(3 * SIZE_CHECK_LINES):
            file.write(LINE, target)
    assert (tmp_path / "log").stat().st_size == 96
    assert [(entry["event"], entry["log_level"], entry["limit"]) for entry in seen] == [
        (events.LOG_LIMIT, "warning", 64),
        (events.LOG_LIMIT, "error", 100),
    ]


def test_what_the_file_held_before_counts_towards_the_limit(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(LINE * 6)
    file = LogFile(str(tmp_path / "log"))
    file.write(LINE, FileTarget(path=file.path, hard=100))
    assert (tmp_path / "log").stat().st_size == 96
    file.close()


def test_a_file_over_its_limit_is_written_again_after_reopening(tmp_path: Path, file: LogFile) -> None:
    target = FileTarget(path=file.path, hard=20)
    with capture_logs():
        file.write(LINE, target)
        file.write(LINE, target)
    (tmp_path / "log").rename(tmp_path / "log.1")
    file.reopen()
    file.write(LINE, target)
    assert (tmp_path / "log.1").read_bytes() == LINE
    assert (tmp_path / "log").read_bytes() == LINE


def test_a_file_over_its_limit_is_written_again_after_truncation(tmp_path: Path, file: LogFile) -> None:
    target = FileTarget(path=file.path, hard=20)
    with capture_logs() as seen:
        for _ in range(4):
            file.write(LINE, target)
        os.truncate(tmp_path / "log", 0)
        for _ in range(SIZE_CHECK_LINES):
            file.write(LINE, target)
    assert (tmp_path / "log").read_bytes() == LINE
    assert len(seen) == 2


def test_lines_of_other_processes_count_towards_the_limit(tmp_path: Path, file: LogFile) -> None:
    target = FileTarget(path=file.path, hard=100_000)
    with (tmp_path / "log").open("ab") as other:
        other.write(b"x" * 100_000)
    with capture_logs() as seen:
        for _ in range(SIZE_CHECK_LINES):
            file.write(LINE, target)
    assert [entry["event"] for entry in seen] == [events.LOG_LIMIT]


def test_lost_lines_are_reported_by_flush(tmp_path: Path) -> None:
    logs, _ = LogFiles.open(config("/dev/full"))
    opened = logs.get("/dev/full")
    assert opened is not None
    opened.write(LINE)
    with capture_logs() as seen:
        logs.flush()
        logs.flush()
    assert seen == [{"event": events.LOG_DROPPED, "log_level": "warning", "path": "/dev/full", "count": 1}]
    logs.close()
