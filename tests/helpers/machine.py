"""A computer without a disk, in qemu, on a network of its own: ``network``, ``start_bios``, ``start_uefi``."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers.cable import MAC, SERVER, entering
from helpers.namespace import Namespace, namespace
from helpers.peers import find

SECONDS = 120.0
"""A start takes three to thirty seconds here without hardware support."""

PROGRAM = bytes.fromhex("b010 e6f4 f4ebfd").ljust(70_000, b"\0")
"""mov al, 0x10; out 0xf4, al; then hlt for ever; padded so that it takes many blocks."""

STATUS = 0x10 << 1 | 1
"""What qemu's isa-debug-exit makes of the 0x10 written to it."""

_COMMON = (
    *("-accel", "tcg", "-nodefaults", "-display", "none", "-monitor", "none", "-no-reboot"),
    *("-netdev", "tap,id=n0,ifname=tap0,script=no,downscript=no"),
)
_BIOS = (
    "-machine",
    "pc,graphics=off",
    "-m",
    "64",
    "-boot",
    "n",
    "-device",
    "isa-debug-exit,iobase=0xf4,iosize=4",
)
"""Its console is the serial port."""
_UEFI = ("-machine", "q35", "-m", "256", "-device", "virtio-rng-pci")
_FIRMWARE = Path("/usr/share/OVMF")
_TUN = Path("/dev/net/tun")
"""What interfaces for computers in qemu are made with, as ip-tuntap(8) does it."""

_ANSWERS_ROUTER_SOLICITATIONS = """
import socket, time
sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("lan"))
while True:
    try:
        sock.sendto(bytes([134]) + bytes(15), ("ff02::1", 0))
    except OSError:
        pass  # the address is not ready yet
    time.sleep(0.5)
"""
"""iPXE waits long for a router of IPv6, unless one tells it that there is nothing to wait for (RFC 4861)."""


@dataclass(frozen=True)
class Started:
    """How a computer ended; ``status`` is qemu's, ``None`` if it was still running."""

    status: int | None
    console: str


@contextmanager
def network() -> Iterator[Namespace]:
    """Make a network with one port for a computer, and our address; a router of IPv6 tells that it routes nothing."""
    if not _TUN.exists():
        pytest.skip(f"there is no {_TUN}")
    with namespace() as made:
        made.ip("link", "add", "lan", "type", "bridge", "forward_delay", "0")
        made.ip("tuntap", "add", "dev", "tap0", "mode", "tap")
        made.ip("link", "set", "tap0", "master", "lan")
        made.ip("address", "add", f"{SERVER}/24", "broadcast", "+", "dev", "lan")
        for name in ("lan", "tap0"):
            made.ip("link", "set", name, "up")
        words = [*entering(made), find("python3"), "-c", _ANSWERS_ROUTER_SOLICITATIONS]
        router = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        try:
            yield made
        finally:
            router.kill()
            router.wait()


@contextmanager
def neighbour(where: Namespace, address: str) -> Iterator[Namespace]:
    """Put another host into a network; its interface is called ``lan``, too."""
    with namespace() as made:
        where.ip("link", "add", "port", "type", "veth", "peer", "name", "lan", "netns", made.name)
        where.ip("link", "set", "port", "master", "lan", "up")
        made.ip("address", "add", f"{address}/24", "broadcast", "+", "dev", "lan")
        made.ip("link", "set", "lan", "up")
        yield made


def start_bios(where: Namespace, scratch: Path) -> Started:
    """Start a PC whose network card has iPXE on board."""
    return _start(where, scratch, *_BIOS, "-device", f"virtio-net-pci,netdev=n0,mac={MAC}")


def start_uefi(where: Namespace, scratch: Path) -> Started:
    """Start a PC with UEFI, whose own PXE client loads from the network."""
    if not (_FIRMWARE / "OVMF_CODE_4M.fd").exists():
        pytest.skip("ovmf is not installed")
    variables = shutil.copy(_FIRMWARE / "OVMF_VARS_4M.fd", scratch)
    code = f"if=pflash,format=raw,unit=0,readonly=on,file={_FIRMWARE / 'OVMF_CODE_4M.fd'}"
    drives = ("-drive", code, "-drive", f"if=pflash,format=raw,unit=1,file={variables}")
    card = f"virtio-net-pci,netdev=n0,mac={MAC},romfile=,bootindex=1"
    return _start(where, scratch, *_UEFI, *drives, "-device", card)


def _start(where: Namespace, scratch: Path, *machine: str) -> Started:
    console = scratch / "serial"
    words = [*entering(where), find("qemu-system-x86_64"), *_COMMON, *machine, "-serial", f"file:{console}"]
    try:
        status = subprocess.run(words, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False).returncode
    except subprocess.TimeoutExpired:
        status = None
    return Started(status, console.read_text(errors="replace"))
