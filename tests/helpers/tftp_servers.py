"""TFTP servers that serve a directory: ``superd``, and beside it ``tftpd_hpa``, ``atftpd`` and ``dnsmasq``.

The others give the address they answer at. They need root, because they change users; without them the test is skipped.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers import tftp
from helpers.daemon import NOBODY, Daemon, directory, running
from helpers.net import free_port, wait_until
from helpers.peers import find
from helpers.stanza import internal
from helpers.tftp import Address

_DNSMASQ = ("127.69.0.1", 69)
"""dnsmasq serves TFTP on port 69 only, so it has a loopback address of its own."""

_ANY_RATE = "0 1"
"""No bound on requests a second; xinetd's default would end the service for ten seconds after fifty."""


@dataclass(frozen=True)
class Served:
    """superd with one TFTP service."""

    daemon: Daemon
    root: Path
    port: int

    @property
    def address(self) -> Address:
        """Where it answers over IPv4."""
        return "127.0.0.1", self.port


@contextlib.contextmanager
def superd(
    *lines: str, root: Path | None = None, options: Sequence[str] = (), **attributes: object
) -> Iterator[Served]:
    """superd with this service, run as nobody if it can be; its root is a directory of the test's own unless given."""
    with directory() as made:
        tree = root or made
        with running(stanza(tree, port := free_port(), *lines, **attributes), options) as daemon:
            yield Served(daemon, tree, port)


def stanza(root: Path, port: int, *lines: str, **attributes: object) -> str:
    """The service as it is configured."""
    user = {"user": NOBODY} if os.geteuid() == 0 else {}
    facts = {"cps": _ANY_RATE, **user, **attributes}
    return internal("tftp", port, *lines, kind="dgram", root=root, **facts)


@contextlib.contextmanager
def tftpd_hpa(root: Path, *options: str) -> Iterator[Address]:
    """Debian's tftpd-hpa, in a chroot (tftpd(8))."""
    port = free_port()
    # An address in -a is not found in a network namespace that has only lo (AI_ADDRCONFIG), hence the bare port.
    words = [find("in.tftpd"), "-L", "-4", "-a", f":{port}", "-s", "-u", "nobody", *options, str(root)]
    with _serving(words, ("127.0.0.1", port)) as address:
        yield address


@contextlib.contextmanager
def atftpd(root: Path, *options: str) -> Iterator[Address]:
    """Debian's atftpd (atftpd(8)); SUPERD_ATFTPD names the program, which can't be installed beside tftpd-hpa."""
    program = find(os.environ.get("SUPERD_ATFTPD", "atftpd"))
    port = free_port()
    place = ["--port", str(port), "--bind-address", "127.0.0.1"]
    words = [program, "--daemon", "--no-fork", "--user", "nobody.nogroup", *place, *options, str(root)]
    with _serving(words, ("127.0.0.1", port)) as address:
        yield address


@contextlib.contextmanager
def dnsmasq(root: Path, *options: str) -> Iterator[Address]:
    """dnsmasq with nothing but TFTP (dnsmasq(8))."""
    place = ["--port=0", f"--listen-address={_DNSMASQ[0]}", "--bind-interfaces"]
    tree = ["--enable-tftp", f"--tftp-root={root}", "--user=nobody", "--conf-file=/dev/null"]
    with _serving([find("dnsmasq"), "--no-daemon", *place, *tree, *options], _DNSMASQ) as address:
        yield address


@contextlib.contextmanager
def _serving(words: Sequence[str], address: Address) -> Iterator[Address]:
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(words, stdin=nothing, stdout=nothing, stderr=nothing, process_group=0)
    try:
        wait_until(lambda: _answers(address), f"{words[0]} answers")
        yield address
    finally:
        process.terminate()
        with contextlib.suppress(
            subprocess.TimeoutExpired
        ):  # a fifo in the root hangs a thread of atftpd for ever
            process.wait(2)
        with contextlib.suppress(
            ProcessLookupError
        ):  # tftpd-hpa's children outlive it; a fifo hangs them for ever
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(address: Address) -> bool:
    nothing = tftp.request(tftp.RRQ, "no-such-file")
    try:
        return tftp.first_answer(address, nothing, 0.2) is not None
    except ConnectionRefusedError:
        return False
