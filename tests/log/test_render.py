"""An event is one bounded line in every format, whatever a peer put into it."""

import json
import time

import pytest

from superd.log import render
from superd.log.outlet import LINE_LIMIT
from superd.log.syslog import MESSAGE_LIMIT
from superd.log.text import escape

NOON = 1_795_262_400.25
HEAD = render.Head(NOON, "warning", "worker common", 77)
EVENT = {
    "event": "connection.refused",
    "conn": "1f",
    "peer": "192.0.2.7",
    "peer_port": 4711,
    "rule": "a:3: x y",
}
HOSTILE = 'a"b\\c\nINJECTED level=error\r\x00\x1b[2J\x7f\x85\u2028\u202e\udcff é'
LINES = {
    "console": (render.console, render.line_frame()),
    "coloured": (render.coloured, render.line_frame()),
    "logfmt": (render.logfmt, render.line_frame()),
    "json": (render.json, render.line_frame()),
    "prefixed": (render.brief, render.prefix_frame()),
    "syslog": (render.brief, render.syslog_frame("daemon")),
    "syslog json": (render.json, render.syslog_frame("local0")),
    "journal": (render.journal, render.line_frame()),
}


def rendered(name: str, fields: dict[str, object]) -> bytes:
    body, frame = LINES[name]
    return render.Renderer(body, frame, "worker common")(None, "info", fields)


def test_logfmt_quotes_only_what_needs_it() -> None:
    assert render.logfmt(HEAD, EVENT) == (
        'ts=2026-11-21T12:00:00.250Z level=warning event=connection.refused process="worker common" '
        'process_id=77 conn=1f peer=192.0.2.7 peer_port=4711 rule="a:3: x y"'
    )


def test_json_holds_every_key_and_numbers_as_numbers() -> None:
    assert json.loads(render.json(HEAD, EVENT)) == {
        "ts": "2026-11-21T12:00:00.250Z",
        "level": "warning",
        "process": "worker common",
        "process_id": 77,
        **EVENT,
    }


def test_console_starts_with_local_time_level_and_event() -> None:
    local = time.strftime("%H:%M:%S", time.localtime(NOON))
    line = render.console(HEAD, EVENT)
    assert line.startswith(f"{local}.250 warning connection.refused   conn=1f peer=192.0.2.7")
    assert line.endswith("(worker common)")


def test_only_warnings_and_errors_are_coloured() -> None:
    assert render.coloured(HEAD, EVENT).startswith("\x1b[33m")
    assert render.coloured(HEAD._replace(level="error"), EVENT).startswith("\x1b[31m")
    assert render.coloured(HEAD._replace(level="info"), EVENT).isprintable()


def test_syslog_gets_a_header_and_no_second_stamp() -> None:
    local = time.strftime("%H:%M:%S", time.localtime(NOON))
    message = render.syslog_frame("daemon").wrap(HEAD, render.brief(HEAD, EVENT)).decode()
    assert message.startswith("<28>Nov ")
    assert message.endswith(
        f'{local} superd[77]: connection.refused conn=1f peer=192.0.2.7 peer_port=4711 rule="a:3: x y"'
    )


@pytest.mark.parametrize(
    ("severity", "priority"),
    [
        ("local3.notice", 19 * 8 + 5),
        ("AUTH.Crit", 4 * 8 + 2),
        ("crit", 3 * 8 + 2),
        ("kern.info", 3 * 8 + 6),
    ],
)
def test_a_rules_severity_is_the_priority_of_its_syslog_message(severity: str, priority: int) -> None:
    message = rendered("syslog", {"event": "connection.start", "severity": severity}).decode()
    assert message.startswith(f"<{priority}>")


def test_a_rules_severity_reaches_the_journal() -> None:
    fields = rendered("journal", {"event": "connection.start", "severity": "local3.notice"}).decode()
    assert "PRIORITY=5\n" in fields
    assert "SYSLOG_FACILITY=19\n" in fields
    assert rendered("prefixed", {"event": "connection.start", "severity": "crit"}).startswith(b"<2>")


@pytest.mark.parametrize("body", [render.logfmt, render.json])
def test_messages_with_a_time_in_their_header_have_no_template(body: render.Body) -> None:
    renderer = render.Renderer(body, render.syslog_frame("daemon"))
    assert render.template(renderer, "connection.start", ("conn",), {}) is None


def test_the_journal_gets_a_field_for_each_key() -> None:
    assert render.journal(HEAD, EVENT).split("\n") == [
        'MESSAGE=connection.refused conn=1f peer=192.0.2.7 peer_port=4711 rule="a:3: x y"',
        "PRIORITY=4",
        "SYSLOG_IDENTIFIER=superd",
        "SUPERD_PROCESS=worker common",
        "SUPERD_EVENT=connection.refused",
        "SUPERD_CONN=1f",
        "SUPERD_PEER=192.0.2.7",
        "SUPERD_PEER_PORT=4711",
        "SUPERD_RULE=a:3: x y",
    ]


@pytest.mark.parametrize("name", [name for name in LINES if name != "journal"])
def test_a_hostile_value_stays_inside_its_line(name: str) -> None:
    data = rendered(name, {"event": "connection.refused", "peer": HOSTILE}).decode()
    line = data.removesuffix("\n")
    assert line.isprintable()
    assert len(line.splitlines()) == 1


def test_a_hostile_value_stays_inside_its_journal_field() -> None:
    fields = rendered("journal", {"event": "connection.refused", "peer": HOSTILE}).decode().split("\n")
    names = [field.partition("=")[0] for field in fields]
    assert names == [
        "MESSAGE",
        "PRIORITY",
        "SYSLOG_IDENTIFIER",
        "SUPERD_PROCESS",
        "SUPERD_EVENT",
        "SUPERD_PEER",
        "",
    ]


def test_a_hostile_value_survives_in_json_unchanged() -> None:
    assert json.loads(rendered("json", {"event": "x", "peer": HOSTILE}))["peer"] == HOSTILE


@pytest.mark.parametrize("value", ['x" level=error y="', 'x\\" level=error', "x\\"], ids=repr)
def test_a_quote_can_not_end_a_logfmt_value(value: str) -> None:
    line = render.brief(HEAD, {"event": "e", "peer": value})
    quoted = line.removeprefix('e peer="').removesuffix('"')
    assert json.loads(f'"{quoted}"') == value


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("piece", ["a", "é", "\U0001f600", "\n", '"'], ids=ascii)
def test_no_line_exceeds_what_its_destination_takes(name: str, piece: str) -> None:
    limit = MESSAGE_LIMIT if name.startswith("syslog") else LINE_LIMIT
    fields: dict[str, object] = {"event": "connection.end", **{f"key{n}": piece * 5000 for n in range(12)}}
    data = rendered(name, fields)
    assert len(data) <= limit
    assert b"connection.end" in data
    if "json" in name:
        json.loads(data[data.index(b"{") :])


def test_a_long_value_is_cut_before_short_ones_are_lost() -> None:
    fields: dict[str, object] = {"event": "e", "rule": "é" * 5000, "conn": "1f", "peer_port": 7}
    shown = json.loads(rendered("json", fields))
    assert (shown["conn"], shown["peer_port"], shown["event"]) == ("1f", 7, "e")
    assert shown["rule"].startswith("éé")


def test_an_exception_is_one_line_unless_verbose() -> None:
    error = ValueError("bad\nthing")
    quiet = render.Renderer(render.logfmt, render.line_frame())
    assert b'error="ValueError: bad\\nthing"' in quiet(None, "error", {"event": "e", "exc_info": error})
    assert b"Traceback" not in quiet(None, "error", {"event": "e", "exc_info": error})
    verbose = render.Renderer(render.console, render.line_frame(), verbose=True)
    assert b"\n    ValueError: bad" in verbose(None, "error", {"event": "e", "exc_info": error})


@pytest.mark.parametrize(
    ("text", "limit", "escaped"),
    [
        ("plain text", 20, "plain text"),
        ("é ok", 20, "é ok"),
        ("a\nb\rc\td", 20, "a\\nb\\rc\\td"),
        ("\x1b[31m", 20, "\\x1b[31m"),
        ("\u2028\u202e", 20, "\\u2028\\u202e"),
        ("\udc80", 20, "\\udc80"),
        ("\U000e0001", 20, "\\U000e0001"),
        ("0123456789", 8, "01234..."),
    ],
)
def test_what_is_not_printable_is_escaped(text: str, limit: int, escaped: str) -> None:
    assert escape(text, limit) == escaped
