"""What one entry of inetd.conf becomes, column by column."""

import pytest

from helpers.inetd_reading import codes, one, read, words
from superd.config.written import WrittenService

ECHO = "stream tcp nowait root internal"
CAT = "nowait root /bin/cat cat"


def test_an_external_server_gets_its_complete_argv() -> None:
    assert one("ftp stream tcp nowait root /usr/libexec/ftpd ftpd -US lld\n") == {
        "name": "ftp",
        "id": "ftp/tcp",
        "socket_type": "stream",
        "protocol": "tcp",
        "wait": "no",
        "user": "root",
        "groups": "yes",
        "flags": "NOLIBWRAP NAMEINARGS",
        "server": "/usr/libexec/ftpd",
        "server_args": "ftpd -US lld",
    }


def test_a_builtin_has_no_server_and_keeps_its_wait_column() -> None:
    assert one("echo dgram udp wait root internal") == {
        "name": "echo",
        "id": "echo/udp",
        "type": "INTERNAL",
        "socket_type": "dgram",
        "protocol": "udp",
        "wait": "yes",
        "user": "root",
        "groups": "yes",
        "flags": "NOLIBWRAP",
    }


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (f"echo {ECHO}", {"id": "echo/tcp"}),
        (f"127.0.0.1:echo {ECHO}", {"name": "echo", "id": "127.0.0.1:echo/tcp", "bind": "127.0.0.1"}),
        (f"[::1]:echo {ECHO}", {"name": "echo", "bind": "::1"}),
        (f"::1:echo {ECHO}", {"name": "echo", "bind": "::1"}),
        (f":::1:echo {ECHO}", {"name": "echo", "bind": "::1"}),
        (f"127.0.0.1,[::1],localhost:echo {ECHO}", {"bind": "127.0.0.1,::1,localhost"}),
        (f"127.0.0.1: echo {ECHO}", {"name": "echo", "bind": "127.0.0.1"}),
        (f"fe80::1%eth0:echo {ECHO}", {"bind": "fe80::1%eth0"}),
        (f"*:echo {ECHO}", {"name": "echo", "id": "echo/tcp"}),
        (f":echo {ECHO}", {"name": "echo", "id": "echo/tcp"}),
        (f"2323 stream tcp {CAT}", {"name": "2323", "type": "UNLISTED", "port": "2323"}),
        (f"0080 stream tcp {CAT}", {"name": "0080", "port": "80"}),
    ],
)
def test_the_service_column_gives_name_address_and_port(entry: str, expected: dict[str, str]) -> None:
    found = one(entry)
    assert {key: found.get(key) for key in expected} == expected
    assert ("bind" in found) == ("bind" in expected)


@pytest.mark.parametrize(
    ("protocol", "family"),
    [("tcp", ""), ("tcp4", "IPv4"), ("tcp6", "IPv6"), ("tcp6only", "IPv6"), ("tcp46", ""), ("tcp64", "")],
)
def test_digits_after_the_protocol_choose_the_family(protocol: str, family: str) -> None:
    found = one(f"echo stream {protocol} nowait root internal")
    assert found["protocol"] == "tcp"
    assert found["flags"] == f"{family} NOLIBWRAP".strip()
    assert found["id"] == f"echo/{protocol}"


def test_an_address_list_keeps_the_addresses_of_the_protocols_family() -> None:
    assert one("127.0.0.1,::1,localhost:echo stream tcp6 nowait root internal")["bind"] == "::1,localhost"


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("nowait", {"wait": "no"}),
        ("wait", {"wait": "yes"}),
        ("nowait.40", {"wait": "no", "rate_per_minute": "40"}),
        ("wait:100", {"wait": "yes", "rate_per_minute": "100"}),
        ("nowait/3", {"wait": "no", "instances": "3"}),
        ("nowait/3/10", {"wait": "no", "instances": "3", "source_rate_per_minute": "10"}),
        ("nowait/3/10/2", {"instances": "3", "source_rate_per_minute": "10", "per_source": "2"}),
        ("nowait/0/0/2", {"wait": "no", "per_source": "2"}),
        ("nowait/0", {"wait": "no"}),
    ],
)
def test_the_wait_column_carries_limits(flag: str, expected: dict[str, str]) -> None:
    found = one(f"7007 stream tcp {flag} root /bin/cat cat")
    limits = {"rate_per_minute", "instances", "source_rate_per_minute", "per_source"}
    assert {key: found[key] for key in expected} == expected
    assert limits & found.keys() == limits & expected.keys()


@pytest.mark.parametrize(
    ("column", "user", "group"),
    [("root", "root", None), ("mail:daemon", "mail", "daemon"), ("mail.daemon", "mail", "daemon"),
     ("first.last:staff", "first.last", "staff"), ("1000:50", "1000", "50")],
)  # fmt: skip
def test_user_and_group(column: str, user: str, group: str | None) -> None:
    found = one(f"7007 stream tcp nowait {column} /bin/cat cat")
    assert (found["user"], found.get("group"), found["groups"]) == (user, group, "yes")


def test_a_login_class_is_read_and_said_to_have_no_effect() -> None:
    services, report = read("7007 stream tcp nowait root:wheel/daemon /bin/cat cat")
    assert words(services[0])["group"] == "wheel"
    assert codes(report) == [("warning", 1, "login-class")]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("/run/x stream unix nowait root /bin/cat", {"name": "/run/x", "id": "/run/x/unix", "bind": "/run/x"}),
        ("/run/a:b stream unix nowait root /bin/cat", {"bind": "/run/a:b"}),
        (":www:staff:0660:/run/x stream unix nowait root /bin/cat",
         {"bind": "/run/x", "socket_owner": "www:staff", "socket_mode": "0660"}),
        (":www:::/run/x dgram unix wait root /bin/cat", {"bind": "/run/x", "socket_owner": "www"}),
        (":::600:/run/echo stream unix nowait root internal", {"name": "echo", "socket_mode": "600"}),
    ],
)  # fmt: skip
def test_a_unix_socket_is_named_by_its_path(entry: str, expected: dict[str, str]) -> None:
    found = one(entry)
    assert {key: found.get(key) for key in expected} == expected
    assert found["protocol"] == "unix"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("rstatd/1-3 dgram rpc/udp wait root /usr/sbin/rpc.rstatd",
         {"name": "rstatd", "type": "RPC", "rpc_version": "1-3", "protocol": "udp"}),
        ("100017/1 stream rpc/tcp wait root /usr/sbin/rpc.rexd",
         {"type": "RPC UNLISTED", "rpc_number": "100017", "rpc_version": "1", "protocol": "tcp"}),
        ("rexd sunrpc_tcp tcp wait root /usr/sbin/rpc.rexd rexd 100017 1",
         {"type": "RPC UNLISTED", "rpc_number": "100017", "rpc_version": "1", "socket_type": "stream"}),
        ("rstatd sunrpc_udp udp wait root /usr/sbin/rpc.rstatd rstatd 100001 1-3",
         {"rpc_version": "1-3", "socket_type": "dgram", "protocol": "udp"}),
        ("sadmind/10 tli rpc/datagram_v wait root /usr/sbin/sadmind",
         {"type": "RPC", "rpc_version": "10", "socket_type": "dgram", "protocol": "udp"}),
    ],
)  # fmt: skip
def test_rpc_in_every_notation(entry: str, expected: dict[str, str]) -> None:
    found = one(entry)
    assert {key: found.get(key) for key in expected} == expected


def test_an_illumos_network_type_becomes_a_service_for_each_transport() -> None:
    services, report = read("rusersd/2-3 tli rpc/* wait root /usr/sbin/rpc.rusersd")
    assert report.diagnostics == []
    assert [(words(each)["protocol"], words(each)["socket_type"]) for each in services] == [
        ("tcp", "stream"),
        ("udp", "dgram"),
    ]


@pytest.mark.parametrize(("plus", "kind"), [("", "TCPMUX"), ("+", "TCPMUXPLUS")])
def test_a_tcpmux_entry_becomes_a_client_of_tcpmux(plus: str, kind: str) -> None:
    found = one(f"tcpmux/{plus}date stream tcp nowait root /bin/date date")
    assert (found["name"], found["type"], found.get("bind")) == ("date", f"{kind} UNLISTED", None)


def test_buffer_sizes_follow_the_protocol() -> None:
    found = one("7007 stream tcp4,rcvbuf=1M,sndbuf=64k nowait root /bin/cat cat")
    assert (found["sndbuf"], found["rcvbuf"], found["id"]) == ("64k", "1m", "7007/tcp4")


def test_an_accept_maximum_limits_instances_and_an_accept_filter_is_left_out() -> None:
    services, report = read("7007 stream,5:dataready tcp nowait root /bin/cat cat")
    assert words(services[0])["instances"] == "5"
    assert codes(report) == [("warning", 1, "accept-filter")]


@pytest.mark.parametrize(
    ("server", "path", "argv"),
    [
        ("/usr/sbin/tcpd in.ftpd -l", "/usr/sbin/in.ftpd", "in.ftpd -l"),
        ("/usr/local/tcpd/bin/tcpd in.ftpd", "/usr/sbin/in.ftpd", "in.ftpd"),
        ("/usr/sbin/tcpd /opt/bin/in.ftpd -l", "/opt/bin/in.ftpd", "in.ftpd -l"),
    ],
)
def test_behind_tcpd_the_real_server_is_started_and_libwrap_asked(server: str, path: str, argv: str) -> None:
    found = one(f"ftp stream tcp nowait root {server}")
    assert (found["server"], found["server_args"], found["libwrap"]) == (path, argv, "in.ftpd")
    assert "NOLIBWRAP" not in found["flags"]


@pytest.mark.parametrize(
    ("entry", "code", "part"),
    [
        ("echo", "too-few-fields", "the socket type is missing"),
        ("echo stream tcp", "too-few-fields", "the wait flag is missing"),
        ("echo stream tcp nowait root", "too-few-fields", "the server is missing"),
        ("echo streem tcp nowait root internal", "unknown-socket-type", "streem"),
        ("echo rdm udp wait root internal", "unknown-socket-type", "rdm"),
        ("echo tli tcp wait root internal", "unknown-socket-type", "tli"),
        ("echo stream tpc nowait root internal", "unknown-protocol", "tpc"),
        ("echo stream tcp,udp nowait root internal", "unknown-protocol", "udp"),
        ("echo stream rpc/unix nowait root internal", "unknown-protocol", "unix"),
        ("echo stream tcp,sndbuf=1g nowait root internal", "bad-protocol-option", "sndbuf=1g"),
        ("echo stream faith/tcp6 nowait root internal", "dead-protocol", "faith"),
        ("echo stream tcp/ttcp nowait root internal", "dead-protocol", "T/TCP"),
        ("echo dgram tcp nowait root internal", "socket-protocol-mismatch", "dgram"),
        ("echo stream udp wait root internal", "socket-protocol-mismatch", "stream"),
        ("/x raw unix wait root /bin/cat", "socket-protocol-mismatch", "raw"),
        ("x sunrpc_udp tcp wait root /bin/cat x 1 1", "socket-protocol-mismatch", "udp"),
        ("echo stream tcp waut root internal", "unknown-wait", "did you mean wait?"),
        ("echo stream tcp nowiat root internal", "unknown-wait", "did you mean nowait?"),
        ("echo stream tcp waitfoo root internal", "unknown-wait", "waitfoo"),
        ("echo stream tcp nowait.x root internal", "bad-limit", "nowait.x"),
        ("echo stream tcp nowait/1/2/3/4 root internal", "bad-limit", "nowait/1/2/3/4"),
        ("echo stream,x tcp nowait root internal", "bad-limit", "x"),
        ("echo stream tcp nowait root: internal", "bad-user", "root:"),
        ("0 stream tcp nowait root /bin/cat", "bad-port", "port 0"),
        ("65536 stream tcp nowait root /bin/cat", "bad-port", "65536"),
        ("bad_!:echo stream tcp nowait root internal", "bad-address", "bad_!"),
        ("*,127.0.0.1:echo stream tcp nowait root internal", "bad-address", "every address"),
        ("::1:echo stream tcp4 nowait root internal", "family-conflict", "write tcp6"),
        ("127.0.0.1:echo stream tcp6 nowait root internal", "family-conflict", "write tcp4"),
        ("echo/1 stream tcp nowait root /bin/cat", "bad-service", "rpc/"),
        ("tcpmux/ stream tcp nowait root /bin/cat", "bad-service", "tcpmux/"),
        ("tcpmux/x dgram udp wait root /bin/cat", "bad-service", "tcpmux/"),
        ("x/2-1 dgram rpc/udp wait root /bin/cat", "bad-rpc-version", "2-1"),
        ("x/a dgram rpc/udp wait root /bin/cat", "bad-rpc-version", "x/a"),
        ("x sunrpc_tcp tcp wait root /bin/cat x", "bad-rpc-version", "sunrpc_"),
        ("run/x stream unix nowait root /bin/cat", "bad-address", "absolute"),
        ("ftp stream tcp nowait root /usr/sbin/tcpd", "tcpd-without-program", "no server"),
        ("ftp stream tcp nowait root /usr/sbin/tcpd tcpd", "tcpd-without-program", "tcpd"),
        ("ftp stream tcp nowait root ./ftpd", "relative-server", "./ftpd"),
        ("ftp stream tcp nowait root no-such-program-1", "relative-server", "no-such-program-1"),
        ("2526 stream tcp nowait mail mail /usr/sbin/tcpd /x", "server-is-user", "mail"),
        ("echo stream tcp nowait root inter\x01nal", "bad-line", "control character"),
        (".includ x", "unknown-directive", ".includ"),
        ("bad_!:", "bad-address", "bad_!"),
    ],
)
def test_a_mistake_is_an_error_at_its_line_and_the_entry_is_not_used(
    entry: str, code: str, part: str
) -> None:
    services, report = read(f"# a comment\n{entry}\n7007 stream tcp nowait root /bin/cat cat\n")
    assert [service.name for service in services] == ["7007"]
    assert codes(report) == [("error", 2, code)]
    assert part in str(report.diagnostics[0])


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("echo stream tcp nowait root internal echo -r", "internal-arguments"),
        ("7007 stream tcp nowait root /bin/cat cat # comment", "hash-argument"),
        ("7007 stream tcp nowait root /bin/cat cat 'a b'", "literal-quote"),
        ("rstatd dgram rpc/udp wait root /bin/cat", "rpc-version"),
        ("10.0.0.1:tcpmux/x stream tcp nowait root /bin/cat", "tcpmux-address"),
    ],
)
def test_what_is_used_but_surprising_is_a_warning(entry: str, code: str) -> None:
    services, report = read(entry)
    assert len(services) == 1
    assert codes(report) == [("warning", 1, code)]


def test_every_word_knows_its_line() -> None:
    (service,), _ = read("# first\n7007 stream tcp nowait root /bin/cat cat\n -u\n")
    assert (service.origin.line, service.end) == (2, 3)
    assert _lines(service) == [2, 3]


def _lines(service: WrittenService) -> list[int]:
    return [word.origin.line for word in service.server_args or ()]
