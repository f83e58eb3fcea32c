"""superd's own log goes where it was told to, from every process, without reading a file later."""

import importlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from superd import log
from superd.errors import ConfigError
from superd.log import events, syslog
from superd.log.batch import batch
from superd.log.files import LogFiles
from superd.log.outlet import WAITING_LIMIT, DescriptorOutlet, Outlet

configuring = importlib.import_module("superd.log.configure")
"""The module; the package's attribute of this name is the function."""


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leaves structlog and the emitter as they were found."""
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    yield
    configuring._emitter.outlet.close()
    configuring._emitter.outlet = Outlet()
    structlog.reset_defaults()


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """What listens at the syslog path."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as daemon:
        daemon.bind(str(tmp_path / "datagrams"))
        connection = syslog.Syslog(str(tmp_path / "datagrams"))
        monkeypatch.setattr(configuring, "system_syslog", lambda: connection)
        yield daemon
        connection.close()


def logger() -> Any:
    return structlog.get_logger()


def test_a_file_gets_lines_of_the_level_and_above(tmp_path: Path) -> None:
    log.configure("json", f"file:{tmp_path / 'log'}", "warning", "common", cache=False)
    logger().info(events.DAEMON_STARTED)
    logger().warning(events.WORKER_RESTARTING, name="common", delay=1.0)
    (line,) = (tmp_path / "log").read_text().splitlines()
    shown = json.loads(line)
    assert shown["event"] == "worker.restarting"
    assert (shown["level"], shown["process"], shown["process_id"]) == ("warning", "common", os.getpid())


def test_loggers_made_and_used_before_follow_a_second_call(tmp_path: Path) -> None:
    early = structlog.get_logger()
    log.configure("logfmt", f"file:{tmp_path / 'first'}")
    early.info("first.event")
    log.configure("json", f"file:{tmp_path / 'second'}", cache=False)
    early.info("second.event")
    assert "event=first.event" in (tmp_path / "first").read_text()
    assert json.loads((tmp_path / "second").read_text())["event"] == "second.event"


def test_the_log_file_is_opened_anew_with_the_others(tmp_path: Path) -> None:
    file = log.configure("logfmt", f"file:{tmp_path / 'log'}", cache=False)
    assert file is not None
    logs = LogFiles()
    logs.add(file)
    (tmp_path / "log").rename(tmp_path / "log.1")
    logs.reopen()
    logger().info(events.RELOAD_DONE, new=1)
    assert (tmp_path / "log.1").read_text() == ""
    assert "event=reload.done" in (tmp_path / "log").read_text()


def test_standard_error_that_is_no_terminal_gets_logfmt(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure(cache=False)
    logger().info(events.DAEMON_STARTED, count=3)
    assert "level=info event=daemon.started process=supervisor" in capfd.readouterr().err


def test_a_closed_standard_error_is_no_error() -> None:
    program = "from superd import log; import structlog; log.configure(); structlog.get_logger().info('x.y')"
    closed = ["/bin/sh", "-c", 'exec "$0" "$@" 2>&-', sys.executable, "-Ic", program]
    assert subprocess.run(closed, check=False, timeout=30).returncode == 0


def test_a_terminal_gets_readable_lines() -> None:
    parent, child = os.openpty()
    environment = {**os.environ, "NO_COLOR": "1"}
    program = (
        "from superd import log; import structlog; log.configure(); structlog.get_logger().info('x.y', a=1)"
    )
    subprocess.run([sys.executable, "-Ic", program], stderr=child, check=True, env=environment, timeout=30)
    os.close(child)
    line = os.read(parent, 4096).decode()
    os.close(parent)
    assert line.endswith("info    x.y                  a=1 (supervisor)\r\n")


def test_syslog_gets_datagrams_of_the_facility(daemon: socket.socket) -> None:
    log.configure("auto", "syslog:local1", cache=False)
    logger().warning(events.CONNECTION_REFUSED, peer="192.0.2.7")
    message = daemon.recv(4096).decode()
    assert message.startswith("<140>")
    assert message.endswith(f" superd[{os.getpid()}]: connection.refused peer=192.0.2.7")


def test_the_journal_gets_fields_when_it_reads_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, daemon: socket.socket
) -> None:
    status = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    monkeypatch.setattr(configuring, "JOURNAL_PATH", str(tmp_path / "datagrams"))
    log.configure(cache=False)
    logger().error(events.SERVICE_FAILED, service="ftp")
    assert b"\nPRIORITY=3\nSYSLOG_IDENTIFIER=superd\n" in (message := daemon.recv(4096))
    assert b"\nSUPERD_SERVICE=ftp\n" in message


def test_a_journal_that_cannot_be_reached_gets_the_level_in_front_of_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    status = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    monkeypatch.setattr(configuring, "JOURNAL_PATH", str(tmp_path / "nobody"))
    log.configure(cache=False)
    logger().error(events.SERVICE_FAILED, service="ftp")
    assert capfd.readouterr().err == "<3>service.failed service=ftp\n"


def test_lost_events_are_counted_in_the_log_itself() -> None:
    reader, writer = os.pipe()
    log.configure("logfmt", f"file:/proc/self/fd/{writer}", cache=False)
    os.close(writer)
    line = 0
    while not configuring._emitter.outlet.dropped:
        logger().info("filler", number=line, text="x" * 1000)
        line += 1
    got = b""
    while not configuring._emitter.outlet.flush():
        got += os.read(reader, WAITING_LIMIT)
    got += os.read(reader, WAITING_LIMIT)
    logger().info("after")
    got += os.read(reader, WAITING_LIMIT)
    os.close(reader)
    *_, last_filler, note, after = got.decode().splitlines()
    assert f"number={line - 2} " in last_filler
    assert "level=warning event=log.dropped" in note
    assert note.endswith(" count=1")
    assert "event=after" in after


def test_what_a_full_disk_loses_stays_counted_until_it_can_be_said() -> None:
    log.configure("logfmt", cache=False)
    configuring._emitter.outlet.close()
    outlet = configuring._emitter.outlet = DescriptorOutlet(os.open("/dev/full", os.O_WRONLY))
    for _ in range(3):
        with batch:
            for _ in range(10):
                logger().info("filler")
    assert outlet.dropped == 30


def test_flush_reports_what_was_lost_without_a_further_event(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure(cache=False)
    configuring._emitter.outlet.dropped = 3
    log.flush()
    log.flush()
    (line,) = capfd.readouterr().err.splitlines()
    assert line.endswith("count=3")


def test_a_child_writes_its_own_process_id_and_not_its_parents_lines(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    log.configure("json", f"file:/proc/self/fd/{writer}", cache=False)
    os.close(writer)
    emitter = configuring._emitter
    number = 0
    while emitter.outlet.flush():
        logger().info("parent", number=number, text="x" * 1000)
        number += 1
    child = os.fork()
    if child == 0:
        try:
            os.read(reader, 1 << 20)
            log.identify("common")
            logger().info("child")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    shown = json.loads(os.read(reader, 1 << 20))
    os.close(reader)
    assert (shown["event"], shown["process"], shown["process_id"]) == ("child", "common", child)


@pytest.mark.parametrize("destination", ["stderr", "syslog"])
def test_a_process_that_keeps_the_logs_descriptors_can_log(destination: str, daemon: socket.socket) -> None:
    log.configure("json", destination, cache=False)
    logger().info("first")
    for number in log.descriptors():
        os.fstat(number)
    assert len(log.descriptors()) == 1


def test_an_exception_shows_no_traceback_at_normal_level(capfd: pytest.CaptureFixture[str]) -> None:
    odd = ValueError("odd")
    log.configure("console", cache=False)
    logger().error(events.MACHINE_FAILED, exc_info=odd)
    assert capfd.readouterr().err.endswith('error="ValueError: odd" (supervisor)\n')
    log.configure("console", level="debug", cache=False)
    logger().error(events.MACHINE_FAILED, exc_info=odd)
    assert "\n    ValueError: odd\n" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"format": "xml"}, "log format 'xml' is not one of auto, console, json, logfmt"),
        ({"level": "loud"}, "log level 'loud' is not one of debug, info, warning, error"),
        ({"destination": "moon"}, "log destination 'moon' is not stderr, syslog:FACILITY or file:PATH"),
        ({"destination": "file:"}, "log destination 'file:' is not stderr, syslog:FACILITY or file:PATH"),
        ({"destination": "syslog:cow"}, "syslog facility 'cow' is not known"),
        ({"destination": "file:/nonexistent/log"}, "log file /nonexistent/log: No such file or directory"),
    ],
)
def test_an_unknown_word_is_a_plain_sentence(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        log.configure(**arguments)
    assert str(raised.value) == words


AFTER_THE_DROP = r"""
import os, sys, time
import structlog
from superd import log
from superd.config.model import Config, FileTarget, Service, ServiceLog
from superd.log import events
from superd.log.files import LogFiles
from superd.log.service import ServiceLogWriter
from helpers.logged import service
form, main, path = sys.argv[1:]
written = service(ServiceLog(target=FileTarget(path=path, hard=10_000), on_success=frozenset({"PID", "EXIT"}),
                  on_failure=frozenset({"HOST"})))
file = log.configure(form, main, "debug", "supervisor")
logs, problems = LogFiles.open(Config(services=(written,)))
assert not problems
pid = os.fork()
if pid:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
log.identify("worker common")
if os.geteuid() == 0:
    os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
sys.meta_path.clear(); sys.path.clear(); sys.path_hooks.clear(); sys.path_importer_cache.clear()
writer = ServiceLogWriter(written, logs)
writer.start(7, "192.0.2.7"); writer.exit(7, 256, 1.5); writer.fail("address", "")
logger = structlog.get_logger()
logger.debug(events.CONNECTION_START, conn="1", peer="\n\u00e9\udc80")
try:
    {}["missing"]
except KeyError:
    logger.exception(events.MACHINE_FAILED)
log.flush(); logs.flush()
"""


@pytest.mark.parametrize("form", ["console", "json", "logfmt"])
def test_nothing_is_imported_or_opened_after_the_drop(tmp_path: Path, form: str) -> None:
    main, path = tmp_path / "main", tmp_path / "service"
    tests = Path(__file__).parents[1]
    program = f"import sys; sys.path.insert(0, {str(tests)!r})\n" + AFTER_THE_DROP
    command = [sys.executable, "-Ic", program, form, f"file:{main}", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split(" ", 1)[1] for line in path.read_text().splitlines()] == [
        "START: echo-stream pid=7",
        "EXIT: echo-stream status=1 pid=7",
        "FAIL: echo-stream address from=<no address>",
    ]
    written = main.read_text()
    assert "worker common" in written
    assert "KeyError" in written
