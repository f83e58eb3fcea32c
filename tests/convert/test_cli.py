"""``superd convert`` at the command line."""

from pathlib import Path

import pytest

from superd.cli import main
from superd.config.convert.output import NAME_LIMIT, Names

INETD = "#:X: section\necho stream tcp nowait root internal\n7007 stream tcp4 nowait root /bin/cat cat\n"
XINETD = (
    "service x\n{\n type = UNLISTED\n socket_type = stream\n protocol = tcp\n port = 7007\n wait = no\n"
    " user = root\n server = /bin/cat\n}\n"
)


@pytest.fixture
def inetd_conf(tmp_path: Path) -> Path:
    path = tmp_path / "inetd.conf"
    path.write_text(INETD)
    return path


def test_without_a_directory_files_are_printed_under_their_names(
    inetd_conf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", "--to", "xinetd", str(inetd_conf)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        f"==> echo-tcp <==\n# {inetd_conf}:2, converted by superd\n# #:X: section\nservice echo\n"
    )
    assert "\n==> 7007-tcp4 <==\n" in printed


def test_with_a_directory_files_are_written(inetd_conf: Path, tmp_path: Path) -> None:
    assert main(["convert", "--to", "systemd", "-o", str(tmp_path / "new/out"), str(inetd_conf)]) == 0
    names = sorted(path.name for path in (tmp_path / "new/out").iterdir())
    assert names == ["7007-tcp4.socket", "7007-tcp4@.service", "echo-tcp.unconverted"]


def test_an_existing_file_stops_everything_before_it_begins(
    inetd_conf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "7007-tcp4").write_text("mine")
    assert main(["convert", "--to", "xinetd", "-o", str(out), str(inetd_conf)]) == 2
    assert str(out / "7007-tcp4") in capsys.readouterr().err
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [("7007-tcp4", "mine")]


def test_force_replaces_a_link_and_never_follows_it(inetd_conf: Path, tmp_path: Path) -> None:
    out, victim = tmp_path / "out", tmp_path / "victim"
    out.mkdir()
    victim.write_text("mine")
    (out / "7007-tcp4").symlink_to(victim)
    assert main(["convert", "--to", "xinetd", "-o", str(out), str(inetd_conf)]) == 2
    assert main(["convert", "--to", "xinetd", "-o", str(out), "--force", str(inetd_conf)]) == 0
    assert victim.read_text() == "mine"
    assert "service 7007" in (out / "7007-tcp4").read_text()


def test_problems_go_to_standard_error_and_the_rest_is_converted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "inetd.conf"
    path.write_text(INETD + "time stream tcp waut root internal\n")
    assert main(["convert", "--to", "xinetd", str(path)]) == 1
    printed = capsys.readouterr()
    assert f"{path}:4: error:" in printed.err
    assert "service echo" in printed.out


def test_an_xinetd_file_becomes_units_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x"
    path.write_text(XINETD)
    assert main(["convert", "--to", "systemd", str(path)]) == 0
    assert "==> x@.service <==" in capsys.readouterr().out
    assert main(["convert", "--to", "xinetd", str(path)]) == 2
    assert "already" in capsys.readouterr().err


def test_an_unreadable_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "--to", "xinetd", str(tmp_path / "nothing")]) == 2
    assert str(tmp_path / "nothing") in capsys.readouterr().err


def test_the_dialect_decides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "inetd.conf"
    path.write_text("7007 stream tcp nowait root /bin/cat cat\n")
    assert main(["convert", "--to", "xinetd", "--dialect", "freebsd", str(path)]) == 0
    assert "IPv4" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("echo/tcp", "echo-tcp"),
        ("../../etc/passwd", "etc-passwd"),
        ("::1:7/tcp", "1-7-tcp"),
        ("...", "service"),
        ("a\nb.c~", "a-b-c"),
        ("x" * 500, "x" * NAME_LIMIT),
    ],
)
def test_file_names_hold_nothing_but_letters_digits_and_dashes(wanted: str, given: str) -> None:
    names = Names()
    assert names.give(wanted) == given
    assert names.give(wanted) == f"{given}-2"
