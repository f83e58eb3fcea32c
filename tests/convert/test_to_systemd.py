"""Services as systemd units."""

import subprocess
from pathlib import Path

import pytest

from helpers.inetd_reading import read
from helpers.peers import find
from superd.config import xinetd
from superd.config.convert import to_systemd
from superd.config.convert.output import Generated
from superd.config.dialect import Dialect
from superd.config.origin import Report


def _inetd(text: str, dialect: Dialect = Dialect.DEBIAN) -> dict[str, str]:
    services, _ = read(text, dialect, switched_off=True)
    return _by_name(to_systemd.files(services))


def _xinetd(attributes: str) -> dict[str, str]:
    common = " type = UNLISTED\n socket_type = stream\n protocol = tcp\n port = 7007\n wait = no\n"
    text = f"service x\n{{\n{common}{attributes}\n}}\n"
    report = Report()
    services = xinetd.read("xinetd.conf", text, report)
    assert [str(each) for each in report.diagnostics if each.severity == "error"] == []
    return _by_name(to_systemd.files(services))


def _by_name(files: list[Generated]) -> dict[str, str]:
    return {file.name: file.text for file in files}


CAT = " user = root\n groups = yes\n server = /bin/cat\n flags = NOLIBWRAP\n"


def test_a_nowait_service_becomes_an_accepting_socket_and_a_template() -> None:
    files = _inetd("7007 stream tcp nowait nobody:mail /bin/cat cat -u x\n")
    assert list(files) == ["7007-tcp.socket", "7007-tcp@.service"]
    assert files["7007-tcp.socket"].splitlines() == [
        "# inetd.conf:1, converted by superd",
        "# the peer's address is in REMOTE_ADDR; xinetd calls it REMOTE_HOST",
        "[Unit]",
        "Description=7007/tcp (from inetd.conf:1)",
        "",
        "[Socket]",
        "ListenStream=[::]:7007",
        "BindIPv6Only=both",
        "Accept=yes",
        "MaxConnections=100000",
        "",
        "[Install]",
        "WantedBy=sockets.target",
    ]
    assert files["7007-tcp@.service"].splitlines() == [
        "# inetd.conf:1, converted by superd",
        "[Unit]",
        "Description=7007/tcp (from inetd.conf:1)",
        "",
        "[Service]",
        "ExecStart=-@/bin/cat cat -u x",
        "StandardInput=socket",
        "StandardOutput=socket",
        "StandardError=socket",
        "User=nobody",
        "Group=mail",
    ]


@pytest.mark.parametrize("entry", ["7007 dgram udp wait root /bin/cat", "7007 stream tcp wait root /bin/cat"])
def test_a_wait_service_gets_the_listening_socket(entry: str) -> None:
    files = _inetd(entry)
    socket, service = files.values()
    assert [name.rpartition(".")[2] for name in files] == ["socket", "service"]
    assert not any("@." in name for name in files)
    assert "Accept=no\n" in socket
    assert "MaxConnections" not in socket
    assert "StandardInput=socket\n" in service


@pytest.mark.parametrize(
    ("entry", "lines"),
    [
        ("7007 stream tcp4 nowait root /bin/cat", ["ListenStream=0.0.0.0:7007"]),
        ("7007 stream tcp6 nowait root /bin/cat", ["ListenStream=[::]:7007", "BindIPv6Only=ipv6-only"]),
        ("127.0.0.1,::1:7007 stream tcp nowait root /bin/cat",
         ["ListenStream=127.0.0.1:7007", "ListenStream=[::1]:7007"]),
        ("7007 dgram udp4 wait root /bin/cat", ["ListenDatagram=0.0.0.0:7007"]),
        ("daytime stream tcp4 nowait root /bin/date", ["ListenStream=0.0.0.0:13"]),
        ("7007 stream tcp,sndbuf=64k,rcvbuf=1m nowait root /bin/cat", ["SendBuffer=64K", "ReceiveBuffer=1M"]),
        ("7007 stream tcp nowait/3/0/2 root /bin/cat", ["MaxConnections=3", "MaxConnectionsPerSource=2"]),
        ("7007 stream tcp nowait.40 root /bin/cat", ["PollLimitIntervalSec=60s", "PollLimitBurst=40"]),
        (":www:staff:0660:/run/x stream unix nowait root /bin/cat",
         ["ListenStream=/run/x", "SocketMode=0660", "SocketUser=www", "SocketGroup=staff"]),
        ("/run/x stream unix nowait root /bin/cat", ["SocketMode=0666"]),
    ],
)  # fmt: skip
def test_the_socket_section(entry: str, lines: list[str]) -> None:
    socket = next(iter(_inetd(entry).values())).splitlines()
    assert [line for line in lines if line not in socket] == []


def test_behind_tcpd_the_unit_starts_tcpd_so_that_access_control_stays() -> None:
    files = _inetd("7007 stream tcp nowait root /usr/sbin/tcpd /opt/in.ftpd -l")
    assert "ExecStart=-@/usr/sbin/tcpd /opt/in.ftpd -l\n" in files["7007-tcp@.service"]


@pytest.mark.parametrize(
    ("argument", "written"),
    [
        ("$HOME", '"$$HOME"'),
        ("100%", '"100%%"'),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        (";", '";"'),
        ("é;", '"é;"'),
    ],
)
def test_arguments_reach_the_server_as_they_were(argument: str, written: str) -> None:
    files = _inetd(f"7007 stream tcp nowait root /bin/cat cat {argument}")
    assert f"ExecStart=-@/bin/cat cat {written}\n" in files["7007-tcp@.service"]


@pytest.mark.parametrize(
    ("attributes", "lines"),
    [
        ("env = A=b C=%d", ["Environment=A=b", 'Environment="C=%%d"']),
        ("passenv = PATH TZ", ["PassEnvironment=PATH TZ"]),
        ("umask = 027\n nice = 5\n group = mail", ["UMask=027", "Nice=5", "Group=mail"]),
        ("rlimit_as = 8m\n rlimit_cpu = UNLIMITED\n rlimit_files = 20",
         ["LimitAS=8M", "LimitCPU=infinity", "LimitNOFILE=20"]),
        ("server_args = -u", ["ExecStart=-@/bin/cat cat -u"]),
    ],
)  # fmt: skip
def test_the_service_section_of_an_xinetd_service(attributes: str, lines: list[str]) -> None:
    service = _xinetd(f"{CAT} {attributes}")["x@.service"].splitlines()
    assert [line for line in lines if line not in service] == []


def _filters(attributes: str) -> list[str]:
    socket = _xinetd(CAT + attributes)["x.socket"]
    return [line for line in socket.splitlines() if line.startswith("IPAddress")]


@pytest.mark.parametrize(
    ("attributes", "filters"),
    [
        ("", []),
        (" only_from = 10.0.0.0/8 127.0.0.1", ["IPAddressDeny=any", "IPAddressAllow=10.0.0.0/8 127.0.0.1/32"]),
        (" only_from = 10.1.0.0", ["IPAddressDeny=any", "IPAddressAllow=10.1.0.0/16"]),
        (" only_from =", ["IPAddressDeny=any"]),
        (" only_from = trusted.example 10.0.0.1", ["IPAddressDeny=any", "IPAddressAllow=10.0.0.1/32"]),
        (" no_access = 10.0.0.0/8", ["IPAddressDeny=10.0.0.0/8"]),
        (" no_access =", []),
        (" no_access = 10.0.0.1 .bad.example", ["IPAddressDeny=any"]),
        (" only_from = 10.0.0.0/30\n no_access = 10.0.0.1",
         ["IPAddressDeny=any", "IPAddressAllow=10.0.0.2/31 10.0.0.0/32"]),
        (" only_from = fd00::/127\n no_access = fd00::1 10.0.0.1", ["IPAddressDeny=any", "IPAddressAllow=fd00::/128"]),
        (" only_from = 10.0.0.1\n no_access = 10.0.0.0/8", ["IPAddressDeny=any"]),
    ],
)  # fmt: skip
def test_access_lists_never_open_more_than_they_did(attributes: str, filters: list[str]) -> None:
    assert _filters(attributes) == filters


@pytest.mark.parametrize(
    ("attributes", "remark"),
    [
        (" only_from = a.example", "# only_from a.example: systemd filters addresses only; not allowed"),
        (" no_access = a.example", "closed to everybody until you decide"),
        (" access_times = 08:00-17:00", "# no counterpart in systemd: access_times 08:00-17:00"),
        (" cps = 25 30", "# cps: systemd slows down instead of pausing for 30 seconds"),
        (" banner = /etc/motd", "# no counterpart in systemd: banner /etc/motd"),
        (" max_load = 2.5", "# no counterpart in systemd: max_load 2.5"),
        (" log_type = SYSLOG authpriv", "# no counterpart in systemd: log_type SYSLOG authpriv"),
        (" rate_per_minute = 10", "# the limit per minute: systemd slows down"),
        (" per_source = 5/24", "MaxConnectionsPerSource=5\n"),
        (" per_source = 5/24", "# per_source 5/24: systemd counts addresses, not networks"),
        (" rate = 10/s burst 20", "# no counterpart in systemd: rate 10/s burst 20: no bound"),
        (" paranoid = yes", "# no counterpart in systemd: paranoid yes: names are not looked up"),
        (
            " address_rule = most-specific",
            "# no counterpart in systemd: address_rule most-specific: who is on both",
        ),
    ],
)
def test_what_systemd_lacks_is_a_comment(attributes: str, remark: str) -> None:
    assert remark in _xinetd(CAT + attributes)["x.socket"]


def test_the_lack_of_libwrap_is_a_comment_where_xinetd_used_it() -> None:
    remark = "# xinetd asked hosts.allow and hosts.deny; systemd does not"
    assert remark in _xinetd(CAT.replace("NOLIBWRAP", "REUSE"))["x.socket"]
    assert remark not in _xinetd(CAT)["x.socket"]


def test_a_redirect_uses_the_socket_proxy() -> None:
    files = _xinetd(" user = nobody\n redirect = ::1 80\n only_from = 10.0.0.1\n")
    assert "Accept=no\n" in files["x.socket"]
    assert 'ExecStart=/usr/lib/systemd/systemd-socket-proxyd "[::1]:80"\n' in files["x.service"]
    assert "IPAddress" not in files["x.service"]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("echo stream tcp nowait root internal", "the built-in echo"),
        ("rstatd/1-3 dgram rpc/udp wait root /bin/true", "RPC"),
        ("tcpmux/x stream tcp nowait root /bin/true", "tcpmux"),
        ("no-such-service-1 stream tcp nowait root /bin/true", "services(5)"),
        ("localhost:7007 stream tcp nowait root /bin/true", "'localhost'"),
        ("7007 raw udp wait root /bin/true", "raw"),
    ],
)
def test_what_systemd_cannot_do_is_explained_in_a_file_of_its_own(entry: str, reason: str) -> None:
    ((name, text),) = _inetd(entry).items()
    assert name.endswith(".unconverted")
    assert reason in text
    assert "inetd.conf:1" in text


def test_a_switched_off_entry_can_not_be_enabled_by_accident() -> None:
    socket = _inetd("#<off># 7007 stream tcp nowait root /bin/cat")["7007-tcp.socket"]
    assert "# WantedBy=sockets.target" in socket
    assert "\nWantedBy" not in socket


@pytest.mark.peer
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    program = find("systemd-analyze")
    text = (
        "7007 stream tcp nowait root:mail /bin/cat cat $x %h\n7008 dgram udp6 wait root /bin/true\n"
        "127.0.0.1,::1:7009 stream tcp,sndbuf=64k nowait/3/0/2 root /bin/cat\n"
        ":root:root:0660:/run/superd-test stream unix nowait root /bin/cat\n"
        "7010 stream tcp nowait root /bin/cat cat 'a b;\"'\n"
    )
    files = _inetd(text, Dialect.FREEBSD) | _xinetd(
        f"{CAT} only_from = 10.0.0.0/8\n no_access = 10.1.0.0\n rlimit_as = 8m\n env = A=b\n umask = 022"
    )
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    command = [program, "verify", "--man=no", *(str(tmp_path / name) for name in files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if str(tmp_path) in line]) == (0, [])
