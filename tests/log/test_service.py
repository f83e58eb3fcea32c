"""A service's log goes where its ``log_type`` says, in xinetd's words."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.logged import service
from superd.config.model import Config, FileTarget, ServiceLog, SyslogTarget
from superd.log.files import LogFiles
from superd.log.service import ServiceLogWriter
from superd.log.syslog import MESSAGE_LIMIT, Syslog, priority

NOW = time.mktime((2026, 11, 21, 19, 59, 26, 0, 0, -1)) + 0.75
ALL = frozenset({"PID", "HOST", "EXIT", "DURATION", "TRAFFIC"})


def log_to(target: FileTarget | SyslogTarget) -> ServiceLog:
    return ServiceLog(target=target, on_success=ALL, on_failure=frozenset({"HOST"}))


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as daemon:
        daemon.bind(str(tmp_path / "syslog"))
        yield daemon


def test_a_file_gets_each_entry_with_its_stamp(tmp_path: Path) -> None:
    written = service(log_to(FileTarget(path=str(tmp_path / "log"))))
    files, _ = LogFiles.open(Config(services=(written,)))
    writer = ServiceLogWriter(written, files, lambda: NOW)
    writer.start(54, "127.0.0.1")
    writer.fail("address", "127.0.0.5")
    writer.user("UNIX : alice")
    writer.no_user("127.0.0.5", "no server")
    writer.traffic(5000, 0)
    writer.exit(54, 9, 2.5)
    files.close()
    assert (tmp_path / "log").read_text() == (
        "26/11/21@19:59:26: START: echo-stream pid=54 from=127.0.0.1\n"
        "26/11/21@19:59:26: FAIL: echo-stream address from=127.0.0.5\n"
        "26/11/21@19:59:26: USERID: echo-stream UNIX : alice\n"
        "26/11/21@19:59:26: NOID: echo-stream 127.0.0.5 no server\n"
        "26/11/21@19:59:26: TRAFFIC: echo-stream in=5000(bytes) out=0(bytes)\n"
        "26/11/21@19:59:26: EXIT: echo-stream signal=9 pid=54 duration=2(sec)\n"
    )


def test_syslog_gets_what_xinetd_would_send(tmp_path: Path, daemon: socket.socket) -> None:
    syslog = Syslog(str(tmp_path / "syslog"))
    written = service(log_to(SyslogTarget(facility="local3", level="notice")), "sysl")
    writer = ServiceLogWriter(written, LogFiles(), lambda: NOW, syslog)
    writer.start(67, "127.0.0.5")
    assert daemon.recv(4096) == (
        f"<157>Nov 21 19:59:26 xinetd[{os.getpid()}]: START: sysl pid=67 from=127.0.0.5".encode()
    )
    syslog.close()


def test_a_message_to_syslog_is_bounded(tmp_path: Path, daemon: socket.socket) -> None:
    syslog = Syslog(str(tmp_path / "syslog"))
    written = service(log_to(SyslogTarget(facility="daemon")), "i" * 5000)
    ServiceLogWriter(written, LogFiles(), lambda: NOW, syslog).start(1, "127.0.0.1")
    assert len(daemon.recv(65536)) == MESSAGE_LIMIT
    syslog.close()


@pytest.mark.parametrize(
    "log",
    [
        ServiceLog(on_success=ALL, on_failure=frozenset({"HOST"})),
        log_to(FileTarget(path="/nonexistent/log")),
    ],
    ids=["no log_type", "file that was not opened"],
)
def test_without_a_target_nothing_happens(log: ServiceLog) -> None:
    writer = ServiceLogWriter(service(log), LogFiles())
    writer.start(1, "127.0.0.1")
    writer.exit(1, 0, 1.0)
    writer.fail("address", "127.0.0.1")
    writer.user("UNIX : alice")
    writer.traffic(1, 1)


def test_without_flags_nothing_is_written(tmp_path: Path) -> None:
    written = service(ServiceLog(target=FileTarget(path=str(tmp_path / "log"))))
    files, _ = LogFiles.open(Config(services=(written,)))
    writer = ServiceLogWriter(written, files)
    writer.start(1, "127.0.0.1")
    writer.exit(1, 0, 1.0)
    writer.fail("address", "127.0.0.1")
    writer.traffic(1, 1)
    files.close()
    assert (tmp_path / "log").read_bytes() == b""


@pytest.mark.parametrize("admitted", [True, False])
def test_a_user_is_wanted_where_a_flag_says_so_and_there_is_a_log(tmp_path: Path, admitted: bool) -> None:
    userid, target = frozenset({"USERID"}), FileTarget(path=str(tmp_path / "log"))
    asking = ServiceLog(
        target=target,
        on_success=userid if admitted else frozenset(),
        on_failure=frozenset() if admitted else userid,
    )
    files, _ = LogFiles.open(Config(services=(service(asking),)))
    writer = ServiceLogWriter(service(asking), files)
    assert writer.wants_user(admitted=admitted)
    assert not writer.wants_user(admitted=not admitted)
    files.close()
    nowhere = ServiceLog(on_success=userid, on_failure=userid)
    assert not ServiceLogWriter(service(nowhere), LogFiles()).wants_user(admitted=admitted)


def test_the_stamp_follows_the_clock(tmp_path: Path) -> None:
    written = service(log_to(FileTarget(path=str(tmp_path / "log"))))
    files, _ = LogFiles.open(Config(services=(written,)))
    times = iter([NOW, NOW + 1, NOW + 86400])
    writer = ServiceLogWriter(written, files, lambda: next(times))
    for pid in range(3):
        writer.start(pid, "::1")
    files.close()
    stamps = [line.split(" ")[0] for line in (tmp_path / "log").read_text().splitlines()]
    assert stamps == ["26/11/21@19:59:26:", "26/11/21@19:59:27:", "26/11/22@19:59:26:"]


@pytest.mark.parametrize(
    ("facility", "level", "number"),
    [
        ("local3", "notice", 157),
        ("daemon", "warning", 28),
        ("daemon", "info", 30),
        ("AUTHPRIV", "Info", 86),
        ("local7", "debug", 191),
        ("auth", "emerg", 32),
    ],
)
def test_facility_and_level_make_the_priority(facility: str, level: str, number: int) -> None:
    assert priority(facility, level) == number
