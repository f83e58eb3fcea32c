"""xinetd's lines are written as the real program writes them."""

import time

import pytest

from superd.access.verdict import Step
from superd.log import xinetd
from superd.log.syslog import bsd_stamp

ALL = frozenset({"PID", "HOST", "EXIT", "DURATION"})
KILLED = 9
EXITED_1 = 1 << 8


def flags(*names: str) -> frozenset[str]:
    return frozenset(names)


@pytest.mark.parametrize(
    ("on_success", "pid", "host", "line"),
    [
        (ALL, 54, "127.0.0.1", "START: svc pid=54 from=127.0.0.1"),
        (ALL, 0, "127.0.0.1", "START: svc pid=0 from=127.0.0.1"),
        (ALL, 69, "", "START: svc pid=69 from=<no address>"),
        (ALL, 61, "::1", "START: svc pid=61 from=::1"),
        (flags("PID"), 62, "127.0.0.1", "START: svc pid=62"),
        (flags("HOST"), 62, "127.0.0.1", "START: svc from=127.0.0.1"),
        (flags("EXIT"), 62, "127.0.0.1", "START: svc"),
        (flags("DURATION"), 62, "127.0.0.1", "START: svc"),
        (flags(), 62, "127.0.0.1", ""),
    ],
)
def test_start_names_what_the_flags_ask_for(
    on_success: frozenset[str], pid: int, host: str, line: str
) -> None:
    assert xinetd.start("svc", on_success, pid, host) == line


@pytest.mark.parametrize(
    ("on_success", "pid", "status", "duration", "line"),
    [
        (ALL, 54, 0, 0.0, "EXIT: svc status=0 pid=54 duration=0(sec)"),
        (ALL, 59, EXITED_1, 1.99, "EXIT: svc status=1 pid=59 duration=1(sec)"),
        (ALL, 60, KILLED, 0.2, "EXIT: svc signal=9 pid=60 duration=0(sec)"),
        (ALL, 60, 11 | 0x80, 0.2, "EXIT: svc signal=11 pid=60 duration=0(sec)"),
        (flags("EXIT"), 64, 2 << 8, 7.0, "EXIT: svc status=2"),
        (flags("EXIT", "PID", "HOST"), 64, 2 << 8, 7.0, "EXIT: svc status=2 pid=64"),
        (flags("DURATION"), 64, 0, 7.0, "EXIT: svc duration=7(sec)"),
        (flags("PID", "HOST"), 64, 0, 7.0, ""),
        (flags(), 64, 0, 7.0, ""),
        (ALL, 0, 0, 7.0, ""),
        (ALL, 5, 0, -0.5, "EXIT: svc status=0 pid=5 duration=0(sec)"),
    ],
)
def test_exit_names_what_the_flags_ask_for(
    on_success: frozenset[str], pid: int, status: int, duration: float, line: str
) -> None:
    assert xinetd.exited("svc", on_success, pid, status, duration) == line


@pytest.mark.parametrize(
    ("on_failure", "step", "host", "line"),
    [
        (flags("HOST"), Step.ADDRESS, "127.0.0.1", "FAIL: svc address from=127.0.0.1"),
        (flags("HOST"), Step.TIME, "127.0.0.1", "FAIL: svc time from=127.0.0.1"),
        (flags("HOST"), Step.INSTANCES, "127.0.0.1", "FAIL: svc service_limit from=127.0.0.1"),
        (flags("HOST"), Step.PER_SOURCE, "127.0.0.1", "FAIL: svc per_source_limit from=127.0.0.1"),
        (flags("HOST"), Step.PROCESSES, "127.0.0.1", "FAIL: svc process_limit from=127.0.0.1"),
        (flags("HOST"), Step.LIBWRAP, "127.0.0.1", "FAIL: svc libwrap from=127.0.0.1"),
        (flags("HOST"), Step.LOAD, "127.0.0.1", "FAIL: svc load from=127.0.0.1"),
        (flags("HOST"), Step.RATE, "127.0.0.1", "FAIL: svc connections per second from=127.0.0.1"),
        (flags("HOST"), Step.FORK, "", "FAIL: svc fork from=<no address>"),
        (flags("ATTEMPT"), Step.ADDRESS, "127.0.0.1", "FAIL: svc address"),
        (flags("USERID"), Step.ADDRESS, "127.0.0.1", "FAIL: svc address"),
        (flags(), Step.ADDRESS, "127.0.0.1", ""),
    ],
)
def test_fail_says_the_reason_in_xinetds_words(
    on_failure: frozenset[str], step: str, host: str, line: str
) -> None:
    assert xinetd.fail("svc", on_failure, step, host) == line


def test_the_rarer_entries_have_xinetds_shape() -> None:
    assert xinetd.userid("id1", "UNIX :  al ice ") == "USERID: id1 UNIX :  al ice "
    assert xinetd.noid("idonly", "127.0.0.1", "bad response") == "NOID: idonly 127.0.0.1 bad response"
    assert xinetd.traffic("red", 5000, 0) == "TRAFFIC: red in=5000(bytes) out=0(bytes)"


def test_an_ident_answer_can_not_forge_a_second_line() -> None:
    line = xinetd.userid("id1", "UNIX : x\n26/1/1@00:00:00: START: id1 pid=1 from=10.0.0.1\x1b[2J")
    assert line == r"USERID: id1 UNIX : x\n26/1/1@00:00:00: START: id1 pid=1 from=10.0.0.1\x1b[2J"


def test_an_ident_answer_is_bounded() -> None:
    assert len(xinetd.userid("id1", "a" * 10_000)) <= len("USERID: id1 ") + xinetd.IDENT_LIMIT


@pytest.mark.parametrize(
    ("when", "file", "syslog"),
    [
        ("2026-11-21 19:59:26", "26/11/21@19:59:26: ", "Nov 21 19:59:26"),
        ("2005-01-02 03:04:05", "05/1/2@03:04:05: ", "Jan  2 03:04:05"),
        ("2100-12-31 00:00:00", "00/12/31@00:00:00: ", "Dec 31 00:00:00"),
    ],
)
def test_stamps_are_padded_as_the_originals_are(when: str, file: str, syslog: str) -> None:
    parsed = time.strptime(when, "%Y-%m-%d %H:%M:%S")
    assert xinetd.file_stamp(parsed) == file
    assert bsd_stamp(parsed) == syslog
