"""netstat: what the kernel says about sockets is read right, from netlink and from /proc, and shown as a table."""

import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from helpers.transcript import played
from superd import builtins
from superd_services import netstat
from superd_services.netstat import NetstatOptions, inet_diag, proc_net, stream, system
from superd_services.netstat.inet_diag import Answer, DiagError
from superd_services.netstat.protocol import View, render
from superd_services.netstat.table import Endpoint, Entry, State, packed


def end(address: tuple[object, ...]) -> Endpoint:
    """An address as a socket gives it."""
    return Endpoint(packed(str(address[0])), int(str(address[1])))


@pytest.fixture(params=["127.0.0.1", "::1", "dual"])
def connection(
    request: pytest.FixtureRequest,
) -> Iterator[tuple[socket.socket, socket.socket, socket.socket]]:
    """Listener, client and accepted end; "dual": an IPv4 client of an IPv6 listener."""
    host = "127.0.0.1" if request.param == "dual" else request.param
    family = socket.AF_INET if request.param == "127.0.0.1" else socket.AF_INET6
    address = "::" if request.param == "dual" else host
    with ExitStack() as stack:
        dual = request.param == "dual"
        listener = stack.enter_context(socket.create_server((address, 0), family=family, dualstack_ipv6=dual))
        client = stack.enter_context(socket.create_connection((host, listener.getsockname()[1])))
        accepted = stack.enter_context(listener.accept()[0])
        yield listener, client, accepted


Connection = tuple[socket.socket, socket.socket, socket.socket]


@pytest.fixture(params=["netlink", "proc"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to ask the kernel."""
    if request.param == "proc":
        monkeypatch.setattr(system, "has_diag", lambda _protocol: False)
    elif not system.has_diag("tcp"):
        pytest.skip("this kernel has no sock_diag")
    return str(request.param)


class TestFind:
    def test_both_ends_of_a_connection_are_found(self, way: str, connection: Connection) -> None:
        _, client, accepted = connection
        ours, theirs = end(client.getsockname()), end(client.getpeername())
        for sock, ends in ((client, (ours, theirs)), (accepted, (theirs, ours))):
            entry = system.find(*ends)
            assert entry is not None
            assert (entry.local, entry.remote, entry.state) == (*ends, State.ESTABLISHED)
            assert (entry.uid, entry.inode) == (os.getuid(), os.fstat(sock.fileno()).st_ino)
            assert entry.owned

    def test_a_listener_is_not_taken_for_a_connection_to_it(self, way: str, connection: Connection) -> None:
        _, client, _ = connection
        ours, theirs = end(client.getsockname()), end(client.getpeername())
        assert system.find(theirs, Endpoint(ours.address, 1)) is None

    def test_a_connection_that_nobody_has_accepted_has_no_owner(
        self, way: str, connection: Connection
    ) -> None:
        _, client, _ = connection
        with socket.create_connection(client.getpeername()[:2]) as waiting:
            entry = system.find(end(waiting.getpeername()), end(waiting.getsockname()))
            assert (
                entry is None or not entry.owned
            )  # a fact about the kernel: in /proc it is listed with inode 0

    def test_what_is_left_of_a_closed_connection_has_no_owner(self, way: str, connection: Connection) -> None:
        _, client, _ = connection
        ends = end(client.getsockname()), end(client.getpeername())
        client.close()
        entry = system.find(*ends)
        assert entry is not None
        assert not entry.owned


def test_a_table_has_what_listens_and_what_is_connected(way: str, connection: Connection) -> None:
    listener, client, _ = connection
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        found = {(one.protocol, one.local, one.remote): one for one in system.sockets(("tcp", "udp"))}
        ours, theirs = end(client.getsockname()), end(client.getpeername())
        assert found["tcp", ours, theirs].state is State.ESTABLISHED
        heard = [one for one in found.values() if one.local.port == listener.getsockname()[1]]
        assert State.LISTEN in {one.state for one in heard}
        assert ("udp", end(datagrams.getsockname()), Endpoint(bytes(4), 0)) in found


def test_states_choose(way: str, connection: Connection) -> None:
    listening = system.sockets(("tcp",), states=1 << State.LISTEN)
    assert {one.state for one in listening} == {State.LISTEN}


@pytest.mark.root
def test_an_ordinary_user_is_told_as_well(connection: Connection) -> None:
    _, client, _ = connection
    ours, theirs = client.getsockname()[:2], client.getpeername()[:2]
    code = (
        "import os; from superd_services.netstat import system; from superd_services.netstat.table import *\n"
        "from superd.supervisor.warmup import warm_up; warm_up()\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        f"ends = [Endpoint(packed(host), port) for host, port in {[ours, theirs]!r}]\n"
        "found = [system.find(*ends), system.find_in(system._lines('tcp') + system._lines('tcp6'), *ends)]\n"
        "print([(one.uid, one.inode) for one in found])"
    )
    done = subprocess.run([sys.executable, "-Ic", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str([(os.getuid(), os.fstat(client.fileno()).st_ino)] * 2), done.stderr


MESSAGE = struct.Struct("=IHHII BBxx HH16s16sI8s IIIII".replace(" ", ""))


def message(sequence: int = 7, *, kind: int = 20, family: int = 2, cut: int = 0) -> bytes:
    """A netlink message about 10.0.0.1:22, connected to 10.0.0.2:4000."""
    ports = (socket.htons(22), socket.htons(4000))
    addresses = (bytes([10, 0, 0, 1]).ljust(16, b"\0"), bytes([10, 0, 0, 2]).ljust(16, b"\0"))
    body = (family, 1, *ports, *addresses, 0, bytes(8), 0, 5, 6, 1000, 4711)
    return MESSAGE.pack(MESSAGE.size, kind, 0, sequence, 0, *body)[: MESSAGE.size - cut]


DONE = struct.pack("=IHHIIi", 20, 3, 2, 7, 0, 0)
ENTRY = Entry(
    "tcp",
    Endpoint(bytes([10, 0, 0, 1]), 22),
    Endpoint(bytes([10, 0, 0, 2]), 4000),
    State.ESTABLISHED,
    uid=1000,
    inode=4711,
    unread=5,
    unsent=6,
)


@pytest.mark.parametrize(
    ("datagram", "answer"),
    [
        (message(), Answer((ENTRY,))),
        (message() + message() + DONE, Answer((ENTRY, ENTRY), done=True)),
        (message(8) + DONE, Answer(done=True)),
        (struct.pack("=IHHIIi", 20, 2, 0, 7, 0, -2) + bytes(16), Answer(done=True, error=2)),
        (struct.pack("=IHHII", 16, 3, 0, 7, 0), Answer(done=True)),
        (b"", Answer()),
    ],
    ids=["one", "two and the end", "somebody else's", "an error", "a short end", "nothing"],
)
def test_answers_of_the_kernel(datagram: bytes, answer: Answer) -> None:
    assert inet_diag.read(datagram, "tcp", 7) == answer


@pytest.mark.parametrize(
    "datagram",
    [
        b"\0",
        message(cut=1),
        message(family=99),
        struct.pack("=IHHII", 8, 20, 0, 7, 0),
        struct.pack("=IHHII", 17, 20, 0, 7, 0) + b"\0",
    ],
    ids=["half a header", "cut short", "no family", "shorter than its header", "no body"],
)
def test_what_is_no_answer_is_an_error(datagram: bytes) -> None:
    with pytest.raises(DiagError):
        inet_diag.read(datagram, "tcp", 7)


@given(
    st.binary(max_size=400)
    | st.builds(lambda cut, more: message()[cut:] + more, st.integers(0, 90), st.binary())
)
def test_any_bytes_are_an_answer_or_that_error(datagram: bytes) -> None:
    with suppress(DiagError):
        assert isinstance(inet_diag.read(datagram, "tcp", 7), Answer)


LITTLE = sys.byteorder == "little"
LINE = "  12: 0100007F:1F90 0200007F:0FA0 01 00000006:00000005 00:00000000 00000000  1000        0 4711 1"


@pytest.mark.skipif(not LITTLE, reason="the line was printed by a little-endian machine")
@pytest.mark.parametrize(
    ("line", "local"),
    [
        (LINE, "127.0.0.1:8080"),
        (LINE.replace("0100007F:", "0000000000000000FFFF00000100007F:"), "127.0.0.1:8080"),
        (LINE.replace("0100007F:", "00000000000000000000000001000000:"), "[::1]:8080"),
        (LINE.replace("1F90", "0000"), "127.0.0.1:*"),
    ],
)
def test_a_line_of_proc(line: str, local: str) -> None:
    entry = proc_net.parse(line, "tcp")
    assert entry is not None
    assert (str(entry.local), str(entry.remote)) == (local, "127.0.0.2:4000")
    assert (entry.state, entry.uid, entry.inode) == (State.ESTABLISHED, 1000, 4711)
    assert (entry.unread, entry.unsent) == (5, 6)


def test_the_heading_of_proc_is_no_socket() -> None:
    heading = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
    )
    assert proc_net.parse(heading, "tcp") is None


@given(st.text() | st.lists(st.sampled_from(LINE.split()) | st.text(max_size=5)).map(" ".join))
def test_any_line_of_proc_is_a_socket_or_nothing(line: str) -> None:
    assert isinstance(proc_net.parse(line, "tcp"), Entry | None)


TABLE = [
    ENTRY,
    Entry("tcp", Endpoint(bytes(16), 22), Endpoint(bytes(16), 0), State.LISTEN, 0, 1, unsent=128),
    Entry("udp", Endpoint(bytes(4), 69), Endpoint(bytes(4), 0), State.CLOSE, 0, 2),
]


def test_the_table_is_readable() -> None:
    assert render(TABLE, View.ALL, 10).decode().split("\r\n") == [
        "Proto Recv-Q Send-Q Local address Foreign address State",
        "tcp        0    128 [::]:22       [::]:*          LISTEN",
        "tcp        5      6 10.0.0.1:22   10.0.0.2:4000   ESTABLISHED",
        "udp        0      0 0.0.0.0:69    0.0.0.0:*",
        "",
    ]


@pytest.mark.parametrize(
    ("view", "shown"),
    [(View.ALL, {"[::]:22", "10.0.0.1:22", "0.0.0.0:69"}), (View.LISTENING, {"[::]:22", "0.0.0.0:69"}),
     (View.CONNECTIONS, {"10.0.0.1:22"})],
)  # fmt: skip
def test_a_view_shows_a_part(view: View, shown: set[str]) -> None:
    rows = render(TABLE, view, 10).decode().splitlines()[1:]
    assert {row.split()[3] for row in rows} == shown


def test_what_is_left_out_is_counted() -> None:
    assert render(TABLE * 5, View.ALL, 4).decode().splitlines()[-1] == "... and 11 more"


def test_whoever_connects_is_shown_the_table() -> None:
    netstat._text.cache_clear()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        seen = played(stream(NetstatOptions(show=View.LISTENING)), "").splitlines()
        assert seen[0].startswith("S: Proto")
        assert any(f"127.0.0.1:{listener.getsockname()[1]} " in line for line in seen)
        assert seen[-1] == "S. close"


@pytest.mark.parametrize("options", [{"show": "everything"}, {"rows": "0"}, {"rows": "1000000"}])
def test_options_that_make_no_sense_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NetstatOptions.model_validate(options)


def test_the_service_is_a_stream_service() -> None:
    service = builtins.find("netstat")
    assert service is not None
    assert service.datagram is None
