"""Names, netgroups and users of clients, asked of a real name server and a real ident server, by a whole daemon.

Everything happens in a network namespace of the test's own, where the client is 127.0.9.N and the name server's
records say what that is called. What is asked of 127.0.9.66 is passed on to a name server that never answers.
"""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from helpers import net
from helpers.daemon import Daemon, running
from helpers.ident import isolated, oidentd
from helpers.net import wait_until
from helpers.peers import find
from helpers.stanza import internal

pytestmark = [pytest.mark.root, pytest.mark.peer]

PORT = 7007
GOOD, NAMELESS, MISMATCH, ALIASED, SHORT, FORWARDLESS, HANGING = (
    f"127.0.9.{n}" for n in (1, 2, 3, 4, 5, 6, 66)
)

RECORDS = (
    "--host-record=gw.friend.example,127.0.9.1",
    "--ptr-record=1.9.0.127.in-addr.arpa,gw.friend.example",
    "--ptr-record=3.9.0.127.in-addr.arpa,liar.friend.example",
    "--host-record=liar.friend.example,192.0.2.1",
    "--ptr-record=4.9.0.127.in-addr.arpa,alias.friend.example",
    "--cname=alias.friend.example,real.friend.example",
    "--host-record=real.friend.example,127.0.9.4",
    "--ptr-record=5.9.0.127.in-addr.arpa,printer",
    "--host-record=printer,127.0.9.5",
    "--ptr-record=6.9.0.127.in-addr.arpa,gone.friend.example",
    "--server=/66.9.0.127.in-addr.arpa/127.0.9.53",
)

SYSTEM = {
    "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    "hosts": "127.0.0.1 localhost\n",
    "netgroup": "lan (gw.friend.example,,) (printer,,)\n",
    "nsswitch.conf": "hosts: files dns\nnetgroup: files\npasswd: files\ngroup: files\nservices: files\n",
}
KEPT = ("passwd", "group", "services", "protocols", "ld.so.cache")


@contextmanager
def dnsmasq() -> Iterator[None]:
    """A real name server with ``RECORDS``, and one beside it that never answers."""
    words = [find("dnsmasq"), "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null"]
    words += ["--listen-address=127.0.0.1", "--bind-interfaces", "--user=root", "--pid-file=", *RECORDS]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.9.53", 53))
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: net.is_open(53), "dnsmasq listens")
            yield
        finally:
            process.terminate()
            process.wait(10)


@contextmanager
def daemon(*rules: str, allow: str = "", deny: str = "", libwrap: bool = True) -> Iterator[Daemon]:
    """Serve echo under these rules, in a namespace with both servers."""
    flags = () if libwrap else ("flags = NOLIBWRAP",)
    etc = {f"etc/{name}": text for name, text in SYSTEM.items()}
    options = ["--hosts-allow", "@DIR@/allow", "--hosts-deny", "@DIR@/deny"]
    text = internal("echo", PORT, *rules, *flags, "lookup_timeout = 1")
    files = {**etc, "allow": allow, "deny": deny}
    with (
        isolated(),
        dnsmasq(),
        running(text, options, files=files, over={"/etc": "@DIR@/etc"}, keep=KEPT) as made,
    ):
        yield made


def served(source: str) -> bool:
    """Whether a client of this address is answered."""
    return net.tcp(PORT, b"x", source=source) == b"x"


CLIENTS = {
    "good": GOOD, "nameless": NAMELESS, "mismatch": MISMATCH, "aliased": ALIASED, "short": SHORT,
    "forwardless": FORWARDLESS, "hanging": HANGING,
}  # fmt: skip


@pytest.mark.parametrize(
    ("allow", "admitted"),
    [
        ("echo: .friend.example\n", {"good"}),
        ("echo: gw.friend.example\n", {"good"}),
        ("echo: PARANOID\n", {"mismatch", "aliased", "forwardless"}),
        ("echo: KNOWN\n", {"good", "short"}),
        ("echo: UNKNOWN\n", {"nameless", "hanging"}),
        ("echo: LOCAL\n", {"short"}),
        ("echo: @lan\n", {"good", "short"}),
        ("echo: @none\n", set()),
        ("echo: 127.0.9.66 gw.friend.example\n", {"good", "hanging"}),
        ("echo: ALL EXCEPT PARANOID\n", {"good", "nameless", "short", "hanging"}),
    ],
)
def test_a_pattern_admits_exactly_the_clients_that_dns_says_it_means(allow: str, admitted: set[str]) -> None:
    with daemon(allow=allow, deny="ALL: ALL\n") as superd:
        assert {name for name, address in CLIENTS.items() if served(address)} == admitted
        assert "Traceback" not in superd.log()


def test_only_from_and_no_access_know_verified_names() -> None:
    with daemon("only_from = .friend.example", libwrap=False):
        assert {name for name, address in CLIENTS.items() if served(address)} == {"good"}
    with daemon("no_access = gw.friend.example", libwrap=False):
        assert {name for name, address in CLIENTS.items() if not served(address)} == {"good"}


def test_paranoid_refuses_whose_name_is_a_lie_before_any_rule() -> None:
    with daemon("paranoid = yes", allow="ALL: ALL\n") as superd:
        refused = {name for name, address in CLIENTS.items() if not served(address)}
        assert refused == {"mismatch", "aliased", "forwardless"}
        assert "name=paranoid" in superd.log() or '"name": "paranoid"' in superd.log()


def test_a_user_pattern_admits_whom_the_ident_server_names() -> None:
    with daemon(allow="echo: root@127.0.0.1\n", deny="ALL: ALL\n"):
        assert not served("127.0.0.1")
        with oidentd():
            assert served("127.0.0.1")
    with daemon(allow="echo: nobody@127.0.0.1\n", deny="ALL: ALL\n"), oidentd():
        assert not served("127.0.0.1")


def test_userid_is_logged_and_idonly_refuses_the_nameless() -> None:
    rules = ("log_type = FILE @DIR@/service", "log_on_success = HOST USERID", "log_on_failure = HOST")
    with daemon(*rules, "flags = NOLIBWRAP IDONLY", libwrap=True) as superd:
        assert not served("127.0.0.1")
        with oidentd():
            assert served("127.0.0.1")
        wait_until(lambda: "USERID: echo-stream" in superd.path("service").read_text(), "the user is logged")
        lines = [line.split(": ", 1)[1] for line in superd.path("service").read_text().splitlines()]
        assert lines[:3] == [
            "NOID: echo-stream 127.0.0.1 no server",
            "START: echo-stream from=127.0.0.1",
            "USERID: echo-stream UNIX:root",
        ]
