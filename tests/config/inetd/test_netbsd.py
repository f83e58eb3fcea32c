"""NetBSD's key-value notation and its .include."""

from pathlib import Path

import pytest

from helpers.inetd_reading import codes, one, read, words
from superd.config import inetd
from superd.config.dialect import Dialect
from superd.config.inetd import INCLUDE_DEPTH
from superd.config.origin import Report

N = Dialect.NETBSD


def test_a_definition_over_several_lines_with_comments() -> None:
    text = (
        "127.0.0.1:\n5432 on # it's on\n\tprotocol = udp, wait = yes, # more\n\tuser = root, group = wheel,\n"
        "\tservice_max = 5, ip_max = 3, accept_max = 7,\n\tsndbuf = 64k, recvbuf = 1m,\n"
        "\texec = /bin/cat,\n\targs = cat dgram --x=y;\n"
    )
    assert one(text, N) == {
        "name": "5432",
        "id": "127.0.0.1:5432/udp",
        "type": "UNLISTED",
        "port": "5432",
        "bind": "127.0.0.1",
        "socket_type": "dgram",
        "protocol": "udp",
        "flags": "IPv4 NOLIBWRAP NAMEINARGS",
        "wait": "yes",
        "user": "root",
        "group": "wheel",
        "groups": "yes",
        "rate_per_minute": "5",
        "source_rate_per_minute": "3",
        "instances": "7",
        "sndbuf": "64k",
        "rcvbuf": "1m",
        "server": "/bin/cat",
        "server_args": "cat dgram --x=y",
    }


def test_a_definition_without_exec_is_internal_and_infers_wait_and_socket_type() -> None:
    found = one("echo on protocol = udp, user = nobody;", N)
    assert (found["type"], found["wait"], found["socket_type"]) == ("INTERNAL", "yes", "dgram")
    assert one("echo on protocol=tcp,user=nobody;", N)["wait"] == "no"


@pytest.mark.parametrize(
    ("written", "value"),
    [('"a b"', "a b"), ("'a\"b'", 'a"b'), (r'"\x41\n\t\\\'\""', "A\n\t\\'\""), ("a=b", "a=b"), ('""', "")],
)
def test_quoted_values_and_their_escapes(written: str, value: str) -> None:
    services, report = read(
        f"7007 on protocol=tcp, wait=no, user=root, exec=/bin/cat, args = cat {written} end;", N
    )
    assert [word.value for word in services[0].server_args or ()] == ["cat", value, "end"]
    assert report.diagnostics == []


def test_several_definitions_and_an_entry_share_a_line() -> None:
    text = "echo on protocol=tcp,user=root;time on protocol=udp,user=root; daytime stream tcp nowait root internal\n"
    services, report = read(text, N)
    assert [words(each)["id"] for each in services] == ["echo/tcp", "time/udp", "daytime/tcp"]
    assert {each.origin.line for each in services} == {1}
    assert report.diagnostics == []


def test_bind_and_the_address_prefix_give_the_address() -> None:
    assert one("[::1]:echo on protocol = tcp6, user = root;", N)["bind"] == "::1"
    assert one("echo on bind = 127.0.0.1, protocol = tcp, user = root;", N)["bind"] == "127.0.0.1"


def test_an_off_definition_is_checked_and_given_only_when_asked_for() -> None:
    text = "echo off protocol = tcp, user = root;"
    assert read(text, N)[0] == []
    assert words(read(text, N, switched_off=True)[0][0])["disable"] == "yes"
    assert codes(read("echo off protocol = tcp;", N)[1]) == [("error", 1, "too-few-fields")]


@pytest.mark.parametrize(
    ("body", "code", "part"),
    [
        ("protokol = tcp, user = root;", "bad-definition", "did you mean protocol?"),
        ("protocol = tcp, protocol = udp, user = root;", "bad-definition", "twice"),
        ("protocol = tcp udp, user = root;", "bad-definition", "one value"),
        ("protocol tcp, user = root;", "bad-definition", "= is missing"),
        ("= tcp, user = root;", "bad-definition", "a key is missing"),
        ("protocol = tcp, user = root, args = 'x;", "bad-definition", "not closed"),
        (r'protocol = tcp, user = root, args = "\q";', "bad-definition", r"\q"),
        (r'protocol = tcp, user = root, args = "\x00";', "bad-definition", "NUL"),
        ("user = root;", "too-few-fields", "protocol"),
        ("protocol = tcp;", "too-few-fields", "user"),
        ("protocol = unix, user = root;", "too-few-fields", "socktype"),
        ("protocol = tcp, user = root, exec = /bin/cat;", "too-few-fields", "wait"),
        ("protocol = tcp, user = root, wait = maybe;", "unknown-wait", "maybe"),
        ("protocol = tcp, user = root, ipsec = 'in ipsec ah/require';", "ipsec-policy", "IPsec"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_definition_drops_it_and_nothing_else(body: str, code: str, part: str) -> None:
    services, report = read(f"7007 on {body}\necho on protocol = tcp, user = root;\n", N)
    assert [each.name for each in services] == ["echo"]
    assert codes(report) == [("error", 1, code)]
    assert part in str(report.diagnostics[0])


def test_a_definition_that_never_ends_is_an_error_at_its_last_line() -> None:
    services, report = read("echo on\nprotocol = tcp,\nuser = root\n", N)
    assert (services, codes(report)) == ([], [("error", 4, "bad-definition")])


def test_an_empty_ipsec_switches_it_off() -> None:
    assert one("echo on protocol = tcp, user = root, ipsec=,;", N)["type"] == "INTERNAL"


def test_an_accept_filter_is_left_out_with_a_warning() -> None:
    _, report = read("echo on protocol = tcp, user = root, acceptfilter = dataready;", N)
    assert codes(report) == [("warning", 1, "accept-filter")]


def _read(path: Path, dialect: Dialect = N) -> tuple[list[str], Report]:
    report = Report()
    services = inetd.read(str(path), path.read_text(), report, dialect)
    return [words(each)["id"] for each in services], report


def test_include_reads_a_glob_beside_the_file_and_hands_the_address_down(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/b").write_text("time stream tcp nowait root internal\n[::1]:\n")
    (tmp_path / "d/a").write_text("echo stream tcp nowait root internal\n")
    (tmp_path / "d/sub").mkdir()
    main = tmp_path / "inetd.conf"
    main.write_text("127.0.0.1:\n.include d/*\ndaytime stream tcp nowait root internal\n")
    names, report = _read(main)
    assert names == ["127.0.0.1:echo/tcp", "127.0.0.1:time/tcp", "127.0.0.1:daytime/tcp"]
    assert report.diagnostics == []


def test_an_include_cycle_is_an_error_and_ends(tmp_path: Path) -> None:
    main = tmp_path / "inetd.conf"
    main.write_text(".include other\n")
    (tmp_path / "other").write_text("echo stream tcp nowait root internal\n.include inetd.conf\n")
    names, report = _read(main)
    assert names == ["echo/tcp"]
    assert codes(report) == [("error", 2, "include-cycle")]


def test_includes_are_followed_to_a_bounded_depth(tmp_path: Path) -> None:
    for number in range(INCLUDE_DEPTH + 3):
        (tmp_path / str(number)).write_text(f".include {number + 1}\n")
    assert codes(_read(tmp_path / "0")[1]) == [("error", 1, "include-cycle")]


def test_an_include_that_names_nothing_or_no_text_is_reported(tmp_path: Path) -> None:
    main = tmp_path / "inetd.conf"
    (tmp_path / "binary").write_bytes(b"\0")
    main.write_text(".include nothing\n.include binary\n.include '**x'\n.include\n")
    assert [(line, code) for _, line, code in codes(_read(main)[1])] == [
        (1, "include-missing"),
        (2, "unreadable-include"),
        (3, "unreadable-include"),
        (4, "unknown-directive"),
    ]


def test_other_dialects_know_no_include(tmp_path: Path) -> None:
    main = tmp_path / "inetd.conf"
    main.write_text(".include x\n")
    assert codes(_read(main, Dialect.FREEBSD)[1]) == [("error", 1, "unknown-directive")]
