"""What a real openbsd-inetd answers is what its file says when superd reads it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.inetd_reading import read, words
from helpers.net import free_port, is_open, tcp, wait_until

CANDIDATES = (os.environ.get("SUPERD_OPENBSD_INETD", ""), "/usr/sbin/inetd")
HOSTS = {"127.0.0.1": "IPv4", "::1": "IPv6"}


def _binary() -> str:
    """openbsd-inetd's own binary; skips when there is none."""
    for candidate in CANDIDATES:
        path = shutil.which(candidate)
        if path and b"proto=%s" in Path(path).read_bytes():
            return path
    pytest.skip("openbsd-inetd is not installed")


@contextmanager
def _inetd(path: Path, port: int) -> Iterator[None]:
    process = subprocess.Popen(
        [_binary(), "-d", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: is_open(port), "openbsd-inetd listens")
        yield
    finally:
        process.terminate()
        process.wait(10)


def _expected(text: str) -> dict[tuple[int, str], bytes]:
    """What each port answers on each family, by superd's reading."""
    found = {}
    for service in read(text)[0]:
        attributes = words(service)
        for host, family in HOSTS.items():
            elsewhere = attributes.get("bind", host).split(",")
            if family in attributes["flags"] or "IPv" not in attributes["flags"]:
                argv = attributes["server_args"].split()
                found[int(attributes["port"]), host] = (
                    (" ".join(argv[1:]) + "\n").encode() if host in elsewhere else b""
                )
    return found


# The continued entry is tcp4, because the IPv6 socket that Debian makes of plain tcp loses the continuation lines.
ENTRIES = (
    "{0} stream tcp nowait root /bin/echo echo plain\n"
    "{1} stream tcp4 nowait root /bin/echo echo four\n"
    "{1} stream tcp6 nowait root /bin/echo echo six\n"
    "{2} stream tcp nowait root /bin/echo echo both\n"
    "{2} stream tcp6 nowait root /bin/echo echo only-six\n"
    "{3} stream tcp nowait root /bin/echo echo earlier\n"
    "{3} stream tcp nowait.40 root /bin/echo echo later 'quoted words' # no comment\n"
    "127.0.0.1,::1:{4} stream tcp nowait root /bin/echo echo list\n"
    "127.0.0.1:\n"
    "{5} stream tcp nowait root:daemon /bin/echo echo default address\n"
    "\n"
    "[::1]:{6} stream tcp nowait root /bin/echo echo six address\n"
    "*:{7} stream tcp4 nowait root /bin/echo echo any\n"
    "\tcontinued line\n"
    " \n"
    "  and on\n"
)


@pytest.mark.peer
@pytest.mark.root
def test_each_port_answers_what_superd_reads(tmp_path: Path) -> None:
    ports = [free_port() for _ in range(8)]
    text = ENTRIES.format(*ports)
    path = tmp_path / "inetd.conf"
    path.write_text(text)
    expected = _expected(text)
    assert len({port for port, _ in expected}) == len(ports)
    with _inetd(path, ports[7]):
        for (port, host), answer in expected.items():
            found = tcp(port, host=host) if is_open(port, host) else b""
            assert (port, host, found) == (port, host, answer)
