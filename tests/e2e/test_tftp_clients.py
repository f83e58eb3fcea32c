"""TFTP as clients of Debian meet it: curl, tftp-hpa, atftp, busybox; each reads and writes over IPv4 and IPv6."""

import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers.daemon import directory
from helpers.peers import find
from helpers.tftp_servers import Served, superd

pytestmark = pytest.mark.peer

SECONDS = 60.0
CURL_NOT_FOUND, CURL_ILLEGAL = 68, 71
"""CURLE_TFTP_NOTFOUND and CURLE_TFTP_ILLEGAL (libcurl-errors(3))."""

CONTENT = random.Random(1350).randbytes(70001)
EXACT = bytes(512 * 40)
TEXT = b"".join(b"line %d\n" % n + b"\r" * (n % 3) for n in range(400))

FILES = {"file": CONTENT, "exact": EXACT, "empty": b"", "text": TEXT}


@dataclass(frozen=True)
class Client:
    """A client's command lines; ``{local}``, ``{remote}``, ``{host}`` and ``{port}`` are filled in."""

    name: str
    read: str
    write: str
    unlike: str = ""
    """A file whose right size (RFC 2349) it takes for an error."""

    def run(self, words: str, **facts: object) -> "subprocess.CompletedProcess[bytes]":
        program, *arguments = (word.replace("_", " ").format(**facts) for word in words.split(" "))
        command = [find(program), *arguments]
        return subprocess.run(
            command, capture_output=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL
        )


def curl(name: str, option: str = "", unlike: str = "empty") -> Client:
    """curl writes an IPv6 address in brackets, and thinks that no file has a size of 0 (7.88.1, lib/tftp.c)."""
    place = "tftp://{url}:{port}/{remote}"
    words = f"curl -sS {option}".strip()
    return Client(name, f"{words} -o {{local}} {place}", f"{words} -T {{local}} {place}", unlike)


def atftp(name: str, option: str = "") -> Client:
    """atftp sends every option that it was not told to leave."""
    words = f"atftp {option}".strip()
    names = "-r {remote} -l {local} {host} {port}"
    return Client(name, f"{words} --get {names}", f"{words} --put {names}")


def busybox(name: str, option: str = "") -> Client:
    """busybox has a small one, found in routers and initial RAM disks."""
    words = f"busybox tftp {option}".strip()
    names = "-l {local} -r {remote} {host} {port}"
    return Client(name, f"{words} -g {names}", f"{words} -p {names}")


HPA = Client(
    "tftp-hpa",
    "tftp -m binary {host} {port} -c get {remote} {local}",
    "tftp -m binary {host} {port} -c put {local} {remote}",
)

CLIENTS = (
    curl("curl"),
    curl("curl without options", "--tftp-no-options", unlike=""),
    curl("curl blksize", "--tftp-blksize 1428"),
    HPA,
    atftp("atftp"),
    atftp("atftp windowsize", "--option windowsize_8 --option blksize_1000"),
    atftp("atftp window larger than granted", "--option windowsize_4096 --option blksize_8192"),
    atftp("atftp multicast", "--option multicast"),
    busybox("busybox"),
    busybox("busybox blksize", "-b 1400"),
)
BY_NAME = [pytest.param(client, id=client.name) for client in CLIENTS]
HOSTS = ("127.0.0.1", "::1")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with superd("create = yes", "overwrite = yes") as made:
        made.root.chmod(0o777)
        for name, content in FILES.items():
            (made.root / name).write_bytes(content)
        yield made


@pytest.fixture
def local() -> Iterator[Path]:
    with directory() as made:
        yield made


def facts(served: Served, host: str) -> dict[str, object]:
    return {"host": host, "url": f"[{host}]" if ":" in host else host, "port": served.port}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", ["file", "exact", "empty"])
@pytest.mark.parametrize("client", BY_NAME)
def test_a_file_is_read_as_it_is(served: Served, local: Path, client: Client, name: str, host: str) -> None:
    done = client.run(client.read, local=local / "got", remote=name, **facts(served, host))
    if name == client.unlike:
        assert done.returncode == CURL_ILLEGAL, done
        return
    assert done.returncode == 0, done
    assert (local / "got").read_bytes() == FILES[name]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", ["file", "exact", "empty"])
@pytest.mark.parametrize("client", BY_NAME)
def test_a_file_is_written_as_it_is(
    served: Served, local: Path, client: Client, name: str, host: str
) -> None:
    (local / "mine").write_bytes(FILES[name])
    remote = f"{client.name}-{name}-{len(host)}".replace(" ", "-")
    done = client.run(client.write, local=local / "mine", remote=remote, **facts(served, host))
    assert done.returncode == 0, done
    assert (served.root / remote).read_bytes() == FILES[name]


@pytest.mark.parametrize("client", BY_NAME)
def test_what_is_not_there_is_told(served: Served, local: Path, client: Client) -> None:
    done = client.run(client.read, local=local / "got", remote="none", **facts(served, HOSTS[0]))
    assert done.returncode == CURL_NOT_FOUND or b"not found" in (done.stdout + done.stderr).lower(), done


def test_text_is_translated_for_who_asks_for_text(served: Served, local: Path) -> None:
    words = HPA.read.replace("binary", "ascii")
    done = HPA.run(words, local=local / "got", remote="text", **facts(served, HOSTS[0]))
    assert (local / "got").read_bytes() == TEXT, done


def test_text_is_translated_back_when_it_is_written(served: Served, local: Path) -> None:
    (local / "mine").write_bytes(TEXT)
    words = HPA.write.replace("binary", "ascii")
    done = HPA.run(words, local=local / "mine", remote="mine", **facts(served, HOSTS[0]))
    assert (served.root / "mine").read_bytes() == TEXT, done
