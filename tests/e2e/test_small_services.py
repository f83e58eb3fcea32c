"""ident, systat, netstat and qotd, and the options of the older services, as clients meet them."""

import ctypes
import os
import pwd
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from helpers import net, peers
from helpers.daemon import NOBODY, Daemon, running
from helpers.ident import isolated, oidentd
from helpers.load import UNLIMITED
from helpers.stanza import internal, program

HOSTS = ("127.0.0.1", "::1")
ME = pwd.getpwuid(os.getuid()).pw_name
AS_ROOT = os.geteuid() == 0
USERS = [None, NOBODY] if AS_ROOT else [None]
"""Started by root, with the worker as nobody, and as an ordinary user."""

QUOTES = "first quote\n%\nsecond quote\nof two lines\n"
TOLD = (b"first quote\r\n", b"second quote\r\nof two lines\r\n")


@dataclass
class Served:
    """The daemon and its ports."""

    daemon: Daemon
    ports: dict[str, int]

    def __getitem__(self, name: str) -> int:
        return self.ports[name]

    def ask(self, name: str, connection: socket.socket, host: str) -> bytes:
        """Ask ident about a connection as the machine at its far end would."""
        query = b"%d , %d\r\n" % (connection.getsockname()[1], connection.getpeername()[1])
        return net.tcp(self[name], query, host)


@pytest.fixture(scope="module", params=USERS, ids=lambda user: user or "invoker")
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    streams = {
        "echo": ("echo",),
        "ident": ("ident", "noident = no"),
        "auth": ("auth", "reply = hidden"),
        "systat": ("systat",),
        "processes": ("systat", "show = processes"),
        "netstat": ("netstat", "show = listening"),
        "qotd": ("qotd", "quotes = @DIR@/quotes"),
        "daytime": ("daytime", "format = iso8601", "time_zone = Asia/Kathmandu"),
        "time": ("time",),
        "chargen": ("chargen", "max_bytes = 100000"),
        "brief": ("chargen", "max_seconds = 0.2"),
    }
    ports = {name: net.free_port() for name in streams}
    text = "".join(
        internal(name, ports[key], *more).replace(f"{name}-stream", key)
        for key, (name, *more) in streams.items()
    )
    text += internal("systat", ports["systat"], kind="dgram")
    text += internal("qotd", ports["qotd"], "quotes = @DIR@/quotes", "choice = daily", kind="dgram")
    with running(text, user=request.param, files={"quotes": QUOTES}) as daemon:
        yield Served(daemon, ports)


@pytest.mark.parametrize("host", HOSTS)
class TestIdent:
    def test_the_owner_of_a_connection_is_named(self, served: Served, host: str) -> None:
        with net.connect(served["echo"], host) as client:
            ports = b"%d , %d" % (client.getsockname()[1], served["echo"])
            assert served.ask("ident", client, host) == ports + b" : USERID : UNIX : %s\r\n" % ME.encode()

    def test_so_is_the_workers_account_at_the_other_end(self, served: Served, host: str) -> None:
        with net.connect(served["echo"], host) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            query = b"%d,%d\r\n" % (served["echo"], client.getsockname()[1])
            worker = NOBODY if AS_ROOT else ME
            assert net.tcp(served["ident"], query, host).endswith(b" : UNIX : %s\r\n" % worker.encode())

    def test_a_listening_port_is_no_connection(self, served: Served, host: str) -> None:
        reply = net.tcp(served["ident"], b"%d,1\r\n" % served["echo"], host)
        assert reply == b"%d , 1 : ERROR : NO-USER\r\n" % served["echo"]

    def test_several_questions_are_answered_in_order(self, served: Served, host: str) -> None:
        with net.connect(served["echo"], host) as client:
            mine = b"%d,%d" % (client.getsockname()[1], served["echo"])
            reply = net.tcp(served["ident"], b"1,2\r\n" + mine + b"\r\n0,0\r\n", host)
            endings = [line.split(b" : ")[-1] for line in reply.split(b"\r\n")[:-1]]
            assert endings == [b"NO-USER", ME.encode(), b"INVALID-PORT"]

    def test_auth_is_its_other_name(self, served: Served, host: str) -> None:
        assert net.tcp(served["auth"], b"1,2\r\n", host) == b"1 , 2 : ERROR : HIDDEN-USER\r\n"


def test_a_stranger_learns_nothing_about_a_connection(served: Served) -> None:
    with net.connect(served["echo"], source="127.0.0.5") as client:
        query = b"%d,%d\r\n" % (client.getsockname()[1], served["echo"])
        # The connection is between 127.0.0.5 and 127.0.0.1; this asks about one between 127.0.0.1 and itself.
        assert net.tcp(served["ident"], query).endswith(b"NO-USER\r\n")


@pytest.mark.peer
@pytest.mark.root
def test_libwrap_learns_who_connects() -> None:
    text = internal("ident", 113, "noident = no", bind="127.0.0.77")
    with (
        running(text),
        socket.create_server(("127.0.0.1", 0)) as listener,
        net.connect(listener.getsockname()[1], source="127.0.0.77"),
        listener.accept()[0] as accepted,
    ):
        assert _libwrap_user(accepted) == ME


def _libwrap_user(connection: socket.socket) -> str:
    """What libwrap says of the user at the other end (hosts_access(3): request_init, eval_user)."""
    try:
        libwrap = ctypes.CDLL("libwrap.so.0")
    except OSError:
        pytest.skip("libwrap is not installed")
    request = ctypes.create_string_buffer(65536)  # struct request_info and more
    last, file, daemon = ctypes.c_int(0), ctypes.c_int(1), ctypes.c_int(2)
    libwrap.request_init(request, file, ctypes.c_int(connection.fileno()), daemon, b"test", last)
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(("sock_host", libwrap))(ctypes.addressof(request))
    libwrap.eval_user.restype = ctypes.c_char_p
    name = libwrap.eval_user(request)
    assert isinstance(name, bytes)
    return name.decode()


@pytest.mark.peer
@pytest.mark.root
def test_xinetd_logs_who_connects() -> None:
    port = net.free_port()
    log = "log_type = FILE @DIR@/service.log\n\tlog_on_success = HOST USERID"
    stanza = program("who", port, "/bin/true", log, user=NOBODY)
    ident = internal("ident", 113, "noident = no", bind="127.0.0.77")
    with running(ident), peers.xinetd(stanza) as xinetd:
        net.tcp(port, source="127.0.0.77")
        file = xinetd.path("service.log")
        net.wait_until(lambda: file.exists() and "USERID" in file.read_text(), "the user in xinetd's log")
        assert re.search(rf"USERID: who UNIX\s*:?\s*{ME}$", file.read_text(), re.MULTILINE), file.read_text()


@pytest.mark.peer
@pytest.mark.root
def test_oidentd_gives_the_same_answers() -> None:
    peers.find("nc")
    ours, theirs = net.free_port(), 113
    with (
        isolated(),
        oidentd(),
        running(internal("ident", ours, "noident = no")),
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        port = listener.getsockname()[1]
        client = subprocess.Popen(["nc", "127.0.0.1", str(port)], user=NOBODY, stdin=subprocess.PIPE)
        accepted, (_, theirs_port) = listener.accept()
        pairs = [(theirs_port, port), (port, theirs_port), (port, 1), (1, 2), (0, 1), (1, 0), (70000, 1)]
        said = {
            number: [net.tcp(number, b"%d , %d\r\n" % pair).replace(b" ", b"") for pair in pairs]
            for number in (ours, theirs)
        }
        accepted.close()
        client.communicate()
    assert said[ours] == said[theirs]
    assert said[ours][0].endswith(b":USERID:UNIX:nobody\r\n")


@pytest.mark.parametrize("host", HOSTS)
class TestTexts:
    def test_systat_names_those_who_are_logged_in(self, served: Served, host: str) -> None:
        names = sorted({line.split()[0] for line in peers.ask("who").splitlines()})
        expected = b"".join(name + b"\r\n" for name in names)
        assert net.tcp(served["systat"], host=host) == expected
        assert net.udp(served["systat"], b"?", host) == expected

    def test_systat_shows_processes_when_told_so(self, served: Served, host: str) -> None:
        shown = net.tcp(served["processes"], host=host).decode().splitlines()
        assert str(served.daemon.pid) in {line.split()[0] for line in shown}

    def test_netstat_shows_its_own_port(self, served: Served, host: str) -> None:
        shown = net.tcp(served["netstat"], host=host).decode()
        assert re.search(rf"^tcp +\d+ +\d+ \S+:{served['netstat']} +\S+:\* +LISTEN\r$", shown, re.MULTILINE)

    def test_qotd_tells_a_quote_of_the_file(self, served: Served, host: str) -> None:
        assert net.tcp(served["qotd"], host=host) in TOLD

    def test_qotd_tells_the_same_quote_all_day(self, served: Served, host: str) -> None:
        today = time.localtime().tm_yday
        told = {net.udp(served["qotd"], b"", host) for _ in range(10)}
        assert told <= set(TOLD)
        assert len(told) == 1 or time.localtime().tm_yday != today

    def test_daytime_is_in_the_form_and_zone_asked_for(self, served: Served, host: str) -> None:
        assert re.fullmatch(
            rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+05:45\r\n", net.tcp(served["daytime"], host=host)
        )

    def test_chargen_ends_at_its_limits(self, served: Served, host: str) -> None:
        assert len(net.tcp(served["chargen"], host=host)) == 100_000
        assert net.tcp(served["brief"], host=host).startswith(b"!")


def test_quotes_that_change_are_told_without_a_reload() -> None:
    stream = net.free_port()
    quotes = "quotes = @DIR@/quotes"
    text = "".join(internal("qotd", stream, quotes, kind=kind, **UNLIMITED) for kind in ("stream", "dgram"))
    with running(text, files={"quotes": "old\n"}) as daemon:
        assert net.tcp(stream) == net.udp(stream, b"?") == b"old\r\n"
        daemon.path("quotes").write_text("new\n")
        net.wait_until(lambda: net.tcp(stream) == b"new\r\n", "the new quote over a stream")
        net.wait_until(lambda: net.udp(stream, b"?") == b"new\r\n", "the new quote in a datagram")


@pytest.mark.root
def test_quotes_that_the_worker_may_not_read_are_an_error_in_the_log() -> None:
    port = net.free_port()
    with running(internal("qotd", port, "quotes = @DIR@/quotes"), files={"quotes": "secret\n"}) as daemon:
        daemon.path("quotes").chmod(0o600)
        assert net.tcp(port) == b""
        daemon.wait_for_log("Permission denied")


@pytest.mark.parametrize("name", ["echo", "discard"])
def test_throughput_is_in_the_log(name: str) -> None:
    port, size = net.free_port(), 3_000_000
    with running(internal(name, port)) as daemon:
        with net.connect(port) as client:
            started = time.monotonic()
            for _ in range(size // 60_000):
                client.sendall(bytes(60_000))
                if name == "echo":
                    net.receive_exactly(client, 60_000)
        daemon.wait_for_log(f"bytes_in={size} ")
        took = time.monotonic() - started
        found = re.search(rf"bytes_in={size} bytes_out=\d+ rate=(\d+)", daemon.log())
        assert found is not None
        assert int(found[1]) >= int(size / took)


@pytest.mark.peer
@pytest.mark.parametrize(
    ("command", "sends", "answer"),
    [
        (["nc", "-N", "127.0.0.1", "{ident}"], b"1,2\n", rb"1 , 2 : ERROR : NO-USER\r\n"),
        (["nc", "-N", "::1", "{netstat}"], b"", rb"Proto Recv-Q [\s\S]+"),
        (["nc", "-u", "-w1", "127.0.0.1", "{qotd}"], b"?", rb"(first|second) quote\r\n[\s\S]*"),
        (["socat", "-t5", "-", "TCP6:[::1]:{ident}"], b"0,2\r\n", rb"0 , 2 : ERROR : INVALID-PORT\r\n"),
        (["ncat", "--no-shutdown", "-i", "1", "127.0.0.1", "{qotd}"], b"", rb"(first|second) quote\r\n[\s\S]*"),
        (["curl", "-sS", "telnet://127.0.0.1:{daytime}"], b"", rb"\d{4}-\d\d-\d\dT\S+\r\n"),
        (["curl", "-sS", "--max-time", "9", "telnet://127.0.0.1:{qotd}"], b"", rb"(first|second) quote\r\n[\s\S]*"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_real_clients_are_answered(served: Served, command: list[str], sends: bytes, answer: bytes) -> None:
    assert re.fullmatch(answer, peers.ask(*(word.format(**served.ports) for word in command), send=sends))


@pytest.mark.peer
@pytest.mark.parametrize("host", HOSTS)
def test_rdate_reads_the_time(served: Served, host: str) -> None:
    command = ["rdate", "-p", "-o", str(served["time"]), host]
    said = peers.ask(*command).decode().strip()
    assert abs(time.mktime(time.strptime(re.sub(r" [A-Z]+ (\d{4})$", r" \1", said))) - time.time()) < 60


@pytest.mark.peer
@pytest.mark.root
def test_busybox_rdate_reads_the_time() -> None:
    with running(internal("time", 37, bind="127.0.0.77")):
        said = peers.ask("busybox", "rdate", "-p", "127.0.0.77").decode().strip()
        assert abs(time.mktime(time.strptime(said)) - time.time()) < 60
