"""Files and directories: includes, kinds, names that are passed over, duplicates, order of what is reported."""

import os
from pathlib import Path

import pytest

from helpers.configured import defaults, loaded, machine, stanza
from superd.config import load as loading
from superd.config import xinetd
from superd.config.load import Loaded, default_paths, load
from superd.errors import ConfigError

INETD = "4711 stream tcp nowait nobody /bin/cat cat\n"


def ids(found: Loaded) -> list[str]:
    return [service.key for service in found.config.services]


def codes(found: Loaded) -> list[str]:
    return [each.code for each in found.report.diagnostics]


def test_includedir_reads_undotted_names_in_byte_order(tmp_path: Path) -> None:
    directory = tmp_path / "d"
    directory.mkdir()
    for port, name in enumerate(["b", "B", "#a", "1", "x.conf", ".h", "b~", "y.rpmsave", "i bak"], 5000):
        (directory / name).write_text(stanza(name=f"<{name.replace(' ', '_')}>", port=str(port)))
    (directory / "sub").mkdir()
    found = loaded(tmp_path, f"includedir {directory}\n")
    assert ids(found) == ["<#a>", "<1>", "<B>", "<b>", "<i_bak>"]
    assert codes(found) == ["dotted-name"]


def test_a_directory_that_is_named_is_read_with_its_conf_files(tmp_path: Path) -> None:
    for port, name in enumerate(["b.conf", "a", "c.conf.bak", ".conf"], 5000):
        (tmp_path / name).write_text(stanza(name=name, port=str(port)))
    (tmp_path / "sub").mkdir()
    assert ids(load([tmp_path], machine=machine())) == ["a", "b.conf"]


@pytest.mark.parametrize("included", [True, False], ids=["includedir", "directory"])
def test_a_file_of_a_directory_that_can_not_be_read_is_an_error_beside_the_others(
    tmp_path: Path, included: bool
) -> None:
    directory = tmp_path / "d"
    directory.mkdir()
    (directory / "dangling").symlink_to("nowhere")
    (directory / "binary").write_bytes(b"\0")
    (directory / "sound").write_text(stanza())
    found = (
        loaded(tmp_path, f"includedir {directory}\n") if included else load([directory], machine=machine())
    )
    assert (ids(found), codes(found)) == (["s"], ["unreadable-include", "unreadable-include"])


def test_defaults_hold_across_the_files_of_a_load(tmp_path: Path) -> None:
    (tmp_path / "10-services").write_text(stanza())
    (tmp_path / "20-defaults").write_text(defaults("only_from = 10.0.0.1"))
    found = load([tmp_path], machine=machine())
    assert found.config.services[0].access.only_from is not None
    assert codes(found) == ["late-defaults"]


def test_inetd_and_xinetd_files_are_told_apart_and_loaded_together(tmp_path: Path) -> None:
    (tmp_path / "inetd.conf").write_text(INETD)
    (tmp_path / "xinetd.conf").write_text(stanza())
    found = load([tmp_path / "inetd.conf", tmp_path / "xinetd.conf"], machine=machine())
    assert len(ids(found)) == 2
    assert set(found.config.files) == {str(tmp_path / "inetd.conf"), str(tmp_path / "xinetd.conf")}


def test_a_file_that_includes_itself_is_an_error_and_is_read_once(tmp_path: Path) -> None:
    found = loaded(tmp_path, f"include {tmp_path}/xinetd.conf\n" + stanza())
    assert (ids(found), codes(found)) == (["s"], ["unreadable-include"])


def test_includes_end_at_their_limit(tmp_path: Path) -> None:
    for number in range(xinetd.INCLUDE_DEPTH + 3):
        text = f"include {tmp_path}/{number + 1}\n" + stanza(name=f"s{number}", port=str(5000 + number))
        (tmp_path / str(number)).write_text(text)
    found = load([tmp_path / "0"], machine=machine())
    assert len(ids(found)) == xinetd.INCLUDE_DEPTH
    assert codes(found) == ["unreadable-include"]


@pytest.mark.parametrize("content", [b"\0", b"x" * ((4 << 20) + 1)], ids=["NUL bytes", "4 MiB and more"])
def test_a_named_file_that_is_no_text_can_not_be_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(ConfigError, match="f: "):
        load([tmp_path / "f"])


def test_a_missing_file_and_a_fifo_can_not_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name in ("fifo", "missing"):
        with pytest.raises(ConfigError, match=name):
            load([tmp_path / name])


def test_bytes_that_are_not_utf_8_are_read_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"# caf\xe9\n" + stanza().encode())
    found = load([tmp_path / "f"], machine=machine())
    assert (ids(found), codes(found)) == (["s"], ["not-utf-8"])


def test_the_later_of_two_services_with_one_port_is_left_out(tmp_path: Path) -> None:
    found = loaded(tmp_path, stanza() + stanza(name="t") + stanza("bind = 127.0.0.2", name="u"))
    assert ids(found) == ["s", "u"]
    assert codes(found) == ["duplicate-endpoint", "overlapping-addresses"]


def test_tcp_and_udp_have_ports_of_their_own(tmp_path: Path) -> None:
    text = stanza() + stanza(name="t", socket_type="dgram", protocol="udp", wait="yes")
    assert ids(loaded(tmp_path, text)) == ["s", "t"]


def test_an_id_that_is_used_twice_gives_two_keys(tmp_path: Path) -> None:
    found = loaded(tmp_path, stanza() + stanza(port="4701") + stanza(port="4702"))
    assert ids(found) == ["s", "s#2", "s#3"]
    assert {service.id for service in found.config.services} == {"s"}


def test_problems_are_in_the_order_of_the_lines_and_each_is_said_once(tmp_path: Path) -> None:
    text = defaults("log_on_failure = HOST RECORD") + stanza("frob = 1") + stanza(name="t", port="4701")
    found = loaded(tmp_path, text)
    assert codes(found) == ["record-ignored", "unknown-attribute"]
    assert [each.origin.line for each in found.report.diagnostics] == [3, 14]


def test_what_defaults_have_wrong_is_reported_without_any_service(tmp_path: Path) -> None:
    assert codes(loaded(tmp_path, defaults("instances = abc"))) == ["bad-default"]


def test_equal_files_give_equal_configurations(tmp_path: Path) -> None:
    text = defaults("only_from = 10.0.0.0/8") + stanza("cps = 1 2")
    assert loaded(tmp_path, text).config == loaded(tmp_path, text).config


def test_without_files_the_own_directory_comes_before_the_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, system = tmp_path / "superd", tmp_path / "xinetd.conf"
    monkeypatch.setattr(loading, "OWN_DIRECTORY", own)
    monkeypatch.setattr(loading, "SYSTEM_FILES", (system, tmp_path / "inetd.conf"))
    assert default_paths() == []
    system.write_text("")
    own.mkdir()
    assert default_paths() == [system]
    (own / "a").write_text("")
    assert default_paths() == [own]


def test_extensions_that_are_allowed_are_part_of_the_configuration(tmp_path: Path) -> None:
    assert loaded(tmp_path, defaults("extensions = finger2")).config.extensions == ("finger2",)
