"""The quick way of logging connections writes exactly what structlog's way writes."""

import importlib
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
import structlog

from superd import log
from superd.log import connections
from superd.log.batch import batch
from superd.log.connections import ConnectionLog, Told
from superd.log.outlet import Outlet
from superd.service import Peer

configuring = importlib.import_module("superd.log.configure")
"""The module; the package's attribute of this name is the function."""

PEER = Peer("192.0.2.7", 40000, "192.0.2.1", 7)
PATH = Peer("", 0, "/run/a 'b'", 0)

CASES: dict[str, Callable[[ConnectionLog], None]] = {
    "start": lambda quick: quick.start(0xABC, PEER, None),
    "start by a rule": lambda quick: quick.start(0xABC, PEER, Told('f:3: only_from = "x"', {})),
    "start with what was found out": lambda quick: quick.start(
        0xABC, PEER, Told("f:3: x", {"name": "gw.example", "user": "bob", "severity": "local0.info"}, "info")
    ),
    "start over IPv6": lambda quick: quick.start(1, Peer("fe80::1%eth0", 1, "fe80::2%eth0", 7), None),
    "start on a Unix socket": lambda quick: quick.start(1, PATH, None),
    "refused": lambda quick: quick.refused(4, PEER, "address", Told('f:3: no_access = "x" 100%', {})),
    "refused by no rule": lambda quick: quick.refused(4, PEER, "load", Told("", {})),
    "refused by a rule like a template": lambda quick: quick.refused(
        4, PEER, "libwrap", Told("mark0mark", {})
    ),
    "refused with what was found out": lambda quick: quick.refused(
        4, PEER, "libwrap", Told("f:3", {"name": "x"}, "error")
    ),
    "refused on a Unix socket": lambda quick: quick.refused(4, PATH, "time", Told("f:3", {})),
    "program": lambda quick: quick.program_start(2, PEER, None, 4711),
    "program without a local address": lambda quick: quick.program_start(
        2, Peer("192.0.2.7", 9, "", 0), None, 1
    ),
    "program ended": lambda quick: quick.program_end(2, PEER, 4711, 1.23456, {"status": 3}),
    "program killed": lambda quick: quick.program_end(2, PEER, 4711, 0.5, {"signal": 9}),
    "end": lambda quick: quick.end(3, PEER, 0.0, bytes_in=12, bytes_out=0),
    "end with a reason": lambda quick: quick.end(3, PEER, 0.0, bytes_in=12, bytes_out=0, reason="idle"),
}


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A clock that stands still; structlog and the emitter are left as they were found."""
    monkeypatch.setattr(time, "monotonic", lambda: 2.5)
    yield
    configuring._emitter.outlet.close()
    configuring._emitter.outlet = Outlet()
    structlog.reset_defaults()


def written(path: Path) -> str:
    """What was logged, without the times."""
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("style", ["logfmt", "json", "console"])
@pytest.mark.parametrize("measured", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_a_filled_template_equals_the_rendered_event(
    name: str,
    measured: bool,
    style: Literal["logfmt", "json", "console"],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log.configure(style, f"file:{tmp_path / 'log'}", process="worker 100%", cache=False)
    monkeypatch.setattr(time, "time", lambda: 1e9)
    CASES[name](ConnectionLog('écho "%s"', measured=measured))
    quick = written(tmp_path / "log")
    monkeypatch.setattr(connections, "template", lambda *_: None)
    CASES[name](ConnectionLog('écho "%s"', measured=measured))
    assert quick
    assert written(tmp_path / "log") == quick * 2


def test_nothing_is_written_below_the_level(tmp_path: Path) -> None:
    log.configure("logfmt", f"file:{tmp_path / 'log'}", "warning", cache=False)
    for name, case in CASES.items():
        if not name.startswith("refused"):
            case(ConnectionLog("echo"))
    log.configure("logfmt", f"file:{tmp_path / 'log'}", "error", cache=False)
    CASES["refused"](ConnectionLog("echo"))
    assert not (tmp_path / "log").read_text()


def test_lines_of_a_batch_are_written_at_its_end_in_their_order(tmp_path: Path) -> None:
    log.configure("logfmt", f"file:{tmp_path / 'log'}", cache=False)
    quick = ConnectionLog("echo")
    with batch:
        for conn in range(3):
            quick.start(conn, PEER, None)
        assert not (tmp_path / "log").read_text()
    assert re.findall(r"conn=(\d)", (tmp_path / "log").read_text()) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("started", "bytes_in", "bytes_out", "rate"),
    [(0.5, 1000, 10, 500), (0.5, 0, 3000, 1500), (2.5, 10, 10, 0)],
)
def test_a_measured_end_has_the_rate_of_the_busier_direction(
    started: float, bytes_in: int, bytes_out: int, rate: int, tmp_path: Path
) -> None:
    log.configure("logfmt", f"file:{tmp_path / 'log'}", cache=False)
    quick = ConnectionLog("echo", measured=True)
    quick.end(3, PEER, started, bytes_in=bytes_in, bytes_out=bytes_out)
    assert written(tmp_path / "log").rstrip().endswith(f" bytes_out={bytes_out} rate={rate}")
