"""inetd.conf entries as files of an xinetd.d directory."""

import pytest

from helpers.inetd_reading import FILE, read, words
from helpers.net import free_port, tcp
from helpers.peers import xinetd as real_xinetd
from superd.config import xinetd
from superd.config.convert import to_xinetd
from superd.config.convert.output import Generated
from superd.config.convert.sections import Sections
from superd.config.dialect import Dialect
from superd.config.origin import Report
from superd.config.written import WrittenService

ECHO = "stream tcp nowait root internal"


def _convert(text: str, dialect: Dialect = Dialect.DEBIAN) -> list[Generated]:
    services, _ = read(text, dialect, switched_off=True)
    return to_xinetd.files(services, {FILE: Sections.of(text)})


def _back(file: Generated) -> list[WrittenService]:
    report = Report()
    services = xinetd.read(file.name, file.text, report)
    assert report.diagnostics == []
    return services


def test_one_file_as_xinetd_wants_it() -> None:
    (file,) = _convert(
        "#:MAIL: about mail\npop3 stream tcp4 nowait/40 mail:mail /usr/sbin/tcpd /usr/sbin/popd -s\n"
    )
    assert file.name == "pop3-tcp4"
    assert file.text.splitlines() == [
        "# inetd.conf:2, converted by superd",
        "# #:MAIL: about mail",
        "service pop3",
        "{",
        "\tdisable         = no",
        "\tid              = pop3/tcp4",
        "\tflags           = IPv4 NAMEINARGS",
        "\tsocket_type     = stream",
        "\tprotocol        = tcp",
        "\twait            = no",
        "\tuser            = mail",
        "\tgroup           = mail",
        "\tgroups          = yes",
        "\tinstances       = 40",
        "\tlibwrap         = popd",
        "\tserver          = /usr/sbin/popd",
        "\tserver_args     = popd -s",
        "}",
    ]


@pytest.mark.parametrize(
    "entry",
    [
        f"echo {ECHO}",
        "echo dgram udp6 wait root internal",
        "7007 stream tcp nowait root /bin/cat cat -u",
        "::1:7007 stream tcp6 nowait/3/0/2 root /bin/cat",
        "rstatd/1-3 dgram rpc/udp wait root /bin/true",
        "100017/1 stream rpc/tcp wait root /bin/true",
        "tcpmux/+x stream tcp nowait root /bin/cat",
        "ftp stream tcp nowait root /usr/sbin/tcpd in.ftpd -l",
    ],
)
def test_a_converted_file_reads_back_as_the_same_service(entry: str) -> None:
    services, _ = read(entry)
    (back,) = _back(_convert(entry)[0])
    added = {"disable", "v6only"}
    assert {name: text for name, text in words(back).items() if name not in added} == words(services[0])


def test_a_builtin_is_never_written_with_nameinargs() -> None:
    assert "NAMEINARGS" not in _convert(f"echo {ECHO}")[0].text


def test_ids_and_file_names_are_unique() -> None:
    files = _convert(
        f"127.0.0.1:echo {ECHO}\n127-0-0-1:echo {ECHO}\n127.0.0.1,::1:7007 stream tcp nowait root /bin/cat\n"
    )
    ids = [words(service)["id"] for file in files for service in _back(file)]
    assert len(set(ids)) == len(ids) == 4
    assert [file.name for file in files] == [
        "127-0-0-1-echo-tcp",
        "127-0-0-1-echo-tcp-2",
        "127-0-0-1-1-7007-tcp",
    ]


def test_each_address_has_a_stanza_and_its_family() -> None:
    (file,) = _convert("127.0.0.1,::1:7007 stream tcp nowait root /bin/cat")
    found = [(words(each)["bind"], words(each)["flags"].split()[0]) for each in _back(file)]
    assert found == [("127.0.0.1", "IPv4"), ("::1", "IPv6")]


def test_ipv6_alone_needs_v6only() -> None:
    assert "v6only          = yes" in _convert("7007 stream tcp6 nowait root /bin/cat")[0].text
    assert "v6only" not in _convert("7007 stream tcp nowait root /bin/cat")[0].text


def test_a_switched_off_entry_is_disabled() -> None:
    assert "\tdisable         = yes\n" in _convert(f"#<off># echo {ECHO}")[0].text


@pytest.mark.parametrize(
    ("entry", "remark"),
    [
        ("7007 stream tcp nowait.40 root /bin/cat", "the pause after 40 starts per minute"),
        ("7007 stream tcp nowait/0/10 root /bin/cat", "the limit of 10 connections per minute of one source"),
        ("7007 stream tcp,sndbuf=64k nowait root /bin/cat", "the send buffer of 64k bytes"),
    ],
)
def test_what_xinetd_lacks_is_a_comment(entry: str, remark: str) -> None:
    (file,) = _convert(entry)
    assert f"# no counterpart in xinetd: {remark}" in file.text
    assert len(_back(file)) == 1


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("/run/x stream unix nowait root /bin/cat", "Unix sockets"),
        (f"auth {ECHO}", "no built-in auth"),
        ("7007 stream tcp nowait root /bin/cat cat 'a b'", "'a b' as one word"),
        ("7007 stream tcp nowait root /bin/cat cat ''", "'' as one word"),
        ("7007 dgram udp nowait root /bin/cat", "wait = no"),
        (f"7007 stream tcp nowait root /bin/cat {'x' * to_xinetd.LINE_LIMIT} y", "do not fit"),
    ],
)
def test_what_xinetd_cannot_run_is_commented_out_as_a_whole(entry: str, reason: str) -> None:
    (file,) = _convert(entry, Dialect.FREEBSD)
    assert reason in file.text
    assert all(line.startswith("#") for line in file.text.splitlines())


@pytest.mark.root
@pytest.mark.peer
def test_the_real_xinetd_starts_what_was_converted() -> None:
    ports = [free_port() for _ in range(4)]
    text = (
        f"{ports[0]} stream tcp nowait nobody:nogroup /bin/echo echo zero\n"
        f"{ports[1]} stream tcp4 nowait.40 root /usr/sbin/tcpd /bin/echo wrapped\n"
        f"127.0.0.1,::1:{ports[2]} stream tcp nowait/3/10/2 root /bin/echo echo lists\n"
        f"{ports[3]} stream tcp6 nowait root /bin/echo echo six\n"
        "#<off># daytime stream tcp nowait root internal\nauth stream tcp nowait root internal\n"
        "/run/x stream unix nowait root /bin/cat\n"
    )
    files = {f"conf/{file.name}": file.text for file in _convert(text)}
    with real_xinetd("defaults\n{\n}\nincludedir @DIR@/conf\n", files) as peer:
        assert "5 available services" in peer.log()
        assert "ERROR" not in peer.log()
        assert [tcp(port) for port in ports[:3]] == [b"zero\n", b"wrapped\n", b"lists\n"]
        assert [tcp(port, host="::1") for port in (ports[0], ports[2], ports[3])] == [
            b"zero\n",
            b"lists\n",
            b"six\n",
        ]
