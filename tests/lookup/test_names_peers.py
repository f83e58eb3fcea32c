"""Real name servers and the real libwrap: a client is called the same by tcp_wrappers and by superd."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from helpers import naming
from helpers.namespace import namespace
from helpers.net import DEADLINE, free_port, wait_until
from helpers.peers import find
from superd.access.facts import PARANOID, UNKNOWN
from superd.lookup.names import Names
from superd.lookup.system import Paths, System

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def libwrap_names(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A program that prints what libwrap calls an address."""
    program = tmp_path_factory.mktemp("libwrap") / "libwrap_names"
    words = [find("cc"), "-Wall", "-o", str(program), str(TESTS / "tools/libwrap_names.c"), "-lwrap"]
    built = subprocess.run(words, capture_output=True, text=True, check=False)
    if built.returncode:
        pytest.skip(f"libwrap can't be linked: {built.stderr}")
    return str(program)


@pytest.mark.root
@pytest.mark.peer
@pytest.mark.skipif(not shutil.which("ip"), reason="needs ip(8)")
def test_every_client_is_called_what_libwrap_calls_it(libwrap_names: str, tmp_path: Path) -> None:
    code = (
        f"import runpy, sys; sys.path.insert(0, {str(TESTS)!r}); "
        f"sys.argv[1:] = [{libwrap_names!r}, {str(tmp_path)!r}]; "
        "runpy.run_module('helpers.naming', run_name='__main__')"
    )
    with namespace() as inside:
        rows = [line.split("\t") for line in inside.python(code)]
    assert len(rows) == len(naming.clients().addresses)
    assert [row for row in rows if row[1] != row[2]] == []
    assert [row for row in rows if (row[2] in {UNKNOWN, PARANOID}) != bool(row[3])] == []


_BARE = """
import asyncio, subprocess, sys, uvloop
sys.path.insert(0, {tests!r})
from superd.lookup.names import Names

async def main():
    names = Names(asyncio.get_running_loop(), deadline=30)
    answer = await names.name("192.0.2.7")
    await names.close()
    print(answer.name, answer.why, sep="|")

"""


@pytest.mark.root
@pytest.mark.skipif(not shutil.which("ip"), reason="needs ip(8)")
@pytest.mark.parametrize("resolv", [None, "", "nameserver 192.0.2.53\n", "nameserver nonsense\n\0\n"])
def test_a_system_without_a_name_server_leaves_every_name_unknown(resolv: str | None) -> None:
    """Nothing is raised, nothing is logged; ``None`` is a system without /etc/resolv.conf, and without /etc."""
    empty = "subprocess.run(['mount', '-t', 'tmpfs', 'none', '/etc'], check=True)\n"
    write = f"open('/etc/resolv.conf', 'w').write({resolv!r})\n" if resolv is not None else ""
    with namespace() as inside:
        (line,) = inside.python(_BARE.format(tests=str(TESTS)) + empty + write + "uvloop.run(main())\n")
    name, why = line.split("|")
    assert name == UNKNOWN
    assert why in {"no name server can be reached", "the name servers do not answer"}


_MOVING = """
import asyncio, subprocess, sys, uvloop
sys.path.insert(0, {tests!r})
from helpers.dns import host, name_server, pointer
from superd.lookup import system
from superd.lookup.names import Names

def configure(server):
    open("/etc/resolv.conf", "w").write(f"nameserver {{server}}\\n")

async def main():
    configure("127.0.0.2")
    names = Names(asyncio.get_running_loop(), deadline=30)
    print((await names.name("10.1.0.1")).name)
    configure("127.0.0.3 # another")
    print((await names.name("10.1.0.1")).name)
    await names.close()

system.STAT_INTERVAL = 0.0
subprocess.run(["mount", "-t", "tmpfs", "none", "/etc"], check=True)
zone = pointer("10.1.0.1", "good.test") | host("good.test", "10.1.0.1")
with name_server({{}}, address=("127.0.0.2", 53)), name_server(zone, address=("127.0.0.3", 53)):
    uvloop.run(main())
"""


@pytest.mark.root
@pytest.mark.skipif(not shutil.which("ip"), reason="needs ip(8)")
def test_the_servers_of_a_changed_resolv_conf_are_asked() -> None:
    with namespace() as inside:
        assert inside.python(_MOVING.format(tests=str(TESTS))) == [UNKNOWN, "good.test"]


@contextmanager
def dnsmasq(*options: str) -> Iterator[str]:
    """Run dnsmasq(8) with nothing but these options; HOST:PORT."""
    port = free_port()
    words = [
        find("dnsmasq"),
        "--no-daemon",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        f"--port={port}",
    ]
    words += ["--listen-address=127.0.0.1", "--bind-interfaces", "--user=root", "--group=root", "--pid-file"]
    with subprocess.Popen([*words, *options], stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: _answers(port), "dnsmasq answers")
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    """Whether the server says anything to a question about the root."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.2)
        try:
            client.connect(("127.0.0.1", port))
            client.send(b"\0\1\1\0\0\1\0\0\0\0\0\0\0\0\1\0\1")
            return bool(client.recv(512))
        except OSError:
            return False


RECORDS = (
    "--host-record=good.test,10.1.0.1",
    "--host-record=six.test,2001:db8::1",
    *(f"--host-record=big.test,10.2.{number}.1" for number in range(200)),
    "--host-record=real.test,10.1.0.4",
    "--host-record=other.test,10.66.6.6",
    "--cname=alias.test,real.test",
    "--cname=liar.test,other.test",
    *(
        f"--ptr-record={ip_address(address).reverse_pointer},{name}"
        for address, name in {
            "10.1.0.2": "other.test",
            "10.1.0.4": "alias.test",
            "10.1.0.5": "10.1.0.5",
            "10.1.0.6": "nowhere.test",
        }.items()
    ),
    "--local=/test/",
    "--local=/10.in-addr.arpa/",
)


@pytest.mark.peer
@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.1.0.1", "good.test"),
        ("2001:db8::1", "six.test"),
        ("10.2.0.1", "big.test"),
        ("10.2.199.1", "big.test"),
        ("10.1.0.2", PARANOID),
        ("10.1.0.3", UNKNOWN),
        ("10.1.0.4", PARANOID),
        ("10.1.0.5", PARANOID),
        ("10.1.0.6", PARANOID),
    ],
)
async def test_dnsmasq_names_a_client(dnsmasq_server: str, address: str, name: str) -> None:
    loop = asyncio.get_running_loop()
    system = System(loop, Paths("/none", "/none", "/none"), [dnsmasq_server])
    names = Names(loop, deadline=3 * DEADLINE, resolver=system)
    answer = await names.name(address)
    await names.close()
    assert answer.name == name


@pytest.fixture(scope="module")
def dnsmasq_server() -> Iterator[str]:
    with dnsmasq(*RECORDS) as server:
        yield server
