"""Who owns a connection: real connections, real accounts, and homes that say "don't name me"."""

import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.namespace import namespace
from superd_services.ident import system
from superd_services.ident.machine import Ends, Owner
from superd_services.ident.system import NOIDENT, find_owner, wants_hiding
from superd_services.netstat.system import find
from superd_services.netstat.table import Endpoint, Entry

ME = pwd.getpwuid(os.getuid())


@pytest.fixture(params=["127.0.0.1", "::1"])
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    """A connection of this process, as an ident server on its machine is asked about it."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with (
        socket.create_server((request.param, 0), family=family) as listener,
        socket.create_connection(listener.getsockname()[:2]) as client,
    ):
        (local, port), (host, far_port) = client.getsockname()[:2], client.getpeername()[:2]
        yield Ends(host, far_port, local, port)


def test_the_owner_is_named(ends: Ends) -> None:
    assert find_owner(False, ends) == Owner(ME.pw_uid, ME.pw_name)


def test_what_nobody_has_accepted_is_not_roots(ends: Ends) -> None:
    assert find_owner(False, Ends(ends.local_host, ends.local_port, ends.host, ends.port)) is None


def test_a_connection_that_is_not_there_has_no_owner(ends: Ends) -> None:
    assert find_owner(False, Ends(ends.host, 1, ends.local_host, 1)) is None


def test_a_uid_without_an_account_has_no_name(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    def stranger(local: Endpoint, remote: Endpoint, interface: int) -> Entry | None:
        found = find(local, remote, interface)
        return found and replace(found, uid=4_000_000_001)

    monkeypatch.setattr(system, "find", stranger)
    assert find_owner(True, ends) == Owner(4_000_000_001, "")


def test_an_interface_that_is_gone_is_an_error() -> None:
    with pytest.raises(OSError, match="nterface"):
        find_owner(False, Ends("fe80::1%nosuch0", 1, "fe80::2", 2))


def _nothing(_path: Path) -> None:
    return


def _broken_link(path: Path) -> None:
    path.symlink_to("/nowhere")


def _looping_link(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("make", "hidden"),
    [(_nothing, False), (Path.touch, True), (Path.mkdir, True), (os.mkfifo, True), (_broken_link, True),
     (_looping_link, True)],
)  # fmt: skip
def test_a_noident_of_any_kind_hides(tmp_path: Path, make: object, hidden: bool) -> None:
    assert callable(make)
    make(tmp_path / NOIDENT)
    assert wants_hiding(tmp_path) is hidden


@pytest.mark.parametrize("home", ["/nowhere/at/all", "/dev/null", ""])
def test_where_no_home_is_nobody_hides(home: str) -> None:
    assert not wants_hiding(Path(home))


@pytest.mark.root
def test_a_home_that_may_not_be_looked_into_hides(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    code = (
        "import os, sys; from pathlib import Path; from superd_services.ident.system import wants_hiding\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "print(wants_hiding(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-Ic", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr


_LINK_LOCAL = """
import socket
from superd_services.ident.machine import Ends
from superd_services.ident.system import find_owner

here = socket.getaddrinfo("fe80::1%d0", 0, type=socket.SOCK_STREAM)[0][4]
with socket.create_server(here, family=socket.AF_INET6) as listener:
    with socket.create_connection(("fe80::1%d0", listener.getsockname()[1])) as client:
        ends = "fe80::1%d0", listener.getsockname()[1], "fe80::1%d0", client.getsockname()[1]
        print(find_owner(False, Ends(*ends)))
        print(find_owner(False, Ends("fe80::1%lo", *ends[1:])))
"""


@pytest.mark.root
def test_the_scope_of_a_link_local_address_counts() -> None:
    with namespace() as inside:
        inside.ip("link", "add", "d0", "type", "veth", "peer", "name", "d1")
        inside.ip("link", "set", "d1", "up")
        inside.ip("link", "set", "d0", "up")
        inside.ip("address", "add", "fe80::1/64", "dev", "d0", "nodad")
        assert inside.python(_LINK_LOCAL) == ["Owner(uid=0, name='root', hidden=False)", "None"]
