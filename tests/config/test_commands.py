"""``superd check`` and ``superd list``: what they print, and their exit status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.configured import stanza
from superd.cli import main

ECHO = stanza(name="echo", type="INTERNAL UNLISTED", without="user server")


def write(directory: Path, text: str) -> str:
    path = directory / "xinetd.conf"
    path.write_text(text)
    return str(path)


STATUS = [
    ("nothing wrong", ECHO, [], 0),
    ("a warning", ECHO + stanza("frob = 1", "disable = yes") + "\nservice x {\n disable = yes\n}\n", [], 0),
    ("a warning, strictly", ECHO.replace("\n{", " {", 1), ["--strict"], 1),
    ("an error", "hello\n", [], 1),
    ("an error, strictly", "hello\n", ["--strict"], 1),
]


@pytest.mark.parametrize(
    ("text", "options", "status"), [case[1:] for case in STATUS], ids=[case[0] for case in STATUS]
)
def test_the_exit_status_of_check(tmp_path: Path, text: str, options: list[str], status: int) -> None:
    # A single garbage word would be taken for an empty inetd.conf; a section makes it xinetd's language.
    text += "defaults\n{\n}\n"
    assert main(["check", *options, write(tmp_path, text)]) == status


def test_check_prints_the_place_the_kind_and_a_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, ECHO + "service x\n{\n\tonlyfrom = 1\n}\n")
    assert main(["check", path]) == 1
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0] == f"{path}:9: error: service x needs the attribute wait"
    assert "did you mean only_from?" in next(line for line in lines if line.startswith(f"{path}:11: error: "))
    assert shown.err.startswith("superd: 1 file, 1 service, ")


def test_check_prints_json_with_stable_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, ECHO.replace("\n{", " {", 1))
    assert main(["check", "--json", path]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "file": path,
            "line": 1,
            "severity": "warning",
            "code": "brace-not-alone",
            "text": "{ should stand alone on the line after the name",
            "hint": "",
            "xinetd": "refuses the stanza",
        }
    ]


@pytest.mark.parametrize("verb", [["check"], ["list", "-c"]])
def test_a_file_that_can_not_be_read_is_status_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: list[str]
) -> None:
    assert main([*verb, str(tmp_path / "missing")]) == 2
    assert "missing: No such file" in capsys.readouterr().err


def test_what_would_move_the_cursor_is_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", write(tmp_path, "defaults\n{\n}\n\x1b[2J\u202ehello\n")])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_list_shows_a_line_for_each_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "-c", write(tmp_path, ECHO.replace("4700", "4700-4702"))]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        ["ID", "ADDRESS", "PORT", "SOCKET", "WAIT", "USER", "ACTION"],
        ["echo", "0.0.0.0", "4700-4702/tcp", "stream", "nowait", "-", "built-in", "echo"],
        ["echo", "::", "4700-4702/tcp", "stream", "nowait", "-", "built-in", "echo"],
    ]


def test_list_shows_a_sensor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = ECHO.replace("{\n", "{\n\tflags = SENSOR IPv4\n", 1)
    assert main(["list", "-c", write(tmp_path, text)]) == 0
    (_, row) = capsys.readouterr().out.splitlines()
    assert row.split() == ["echo", "0.0.0.0", "4700/tcp", "stream", "nowait", "-", "sensor"]


def test_list_says_what_is_not_yet_supported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = ECHO.replace("service echo", "service tcpmux")
    assert main(["list", "--json", "-c", write(tmp_path, text)]) == 0
    row = json.loads(capsys.readouterr().out)[0]
    assert (row["id"], row["action"], row["line"]) == (
        "tcpmux",
        "not yet supported: the built-in tcpmux",
        1,
    )


def test_list_is_status_one_when_something_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", "-c", write(tmp_path, ECHO + "service x\n{\n}\n")]) == 1
    assert "superd check shows them" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("output", "status", "complaint"),
    [
        ("| true", 0, ""),
        (">/dev/full", 2, "superd: standard output: No space left on device"),
        (">&-", 2, "superd: standard output is closed"),
    ],
    ids=["a reader who leaves", "a full disk", "no standard output"],
)
def test_an_output_that_takes_nothing_gives_no_traceback(
    tmp_path: Path, output: str, status: int, complaint: str
) -> None:
    command = f'set -o pipefail; "$0" -Im superd list -c "$1" {output}'
    done = subprocess.run(
        ["bash", "-c", command, sys.executable, write(tmp_path, ECHO)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.strip()) == (status, complaint)
