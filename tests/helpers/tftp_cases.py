"""Requests that TFTP servers answer differently: ``TREE`` is what they are asked for, ``CASES`` the first packets.

The table of what each server says is made by ``tests/tools/tftp_matrix.py``; ours is pinned by a test.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from helpers.tftp import RRQ, WRQ, ack, data, error, request

FILE = "f64"
SIZE = 65536
HUGE = 5 << 30

_FILES = {
    FILE: (SIZE, 0o644),
    "sub/x": (3, 0o644),
    "priv": (3, 0o600),
    "upl": (0, 0o666),
    "huge": (HUGE, 0o644),
}


def plant(root: Path) -> Path:
    """Make the tree that the cases ask for below ``root``, and return ``root``."""
    root.mkdir(exist_ok=True)
    root.chmod(0o755)
    (root / "sub").mkdir()
    for name, (size, mode) in _FILES.items():
        with (root / name).open("wb") as file:
            file.truncate(size)
        (root / name).chmod(mode)
    (root / "out").symlink_to("/etc/passwd")
    (root / "in").symlink_to(FILE)
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "fifo", 0o666)
    (root / "fifo").chmod(0o666)
    return root


@dataclass(frozen=True)
class Case:
    """One first packet, by what is odd about it."""

    name: str
    packet: bytes

    @property
    def hangs(self) -> bool:
        """It hangs other servers, or their threads, for ever."""
        return "fifo" in self.name


def _read(case: str, name: str | bytes = FILE, mode: str = "octet", **options: object) -> Case:
    return Case(case, request(RRQ, name, mode, options))


def _write(case: str, name: str, **options: object) -> Case:
    return Case(case, request(WRQ, name, "octet", options))


def _each(option: str, *values: object) -> tuple[Case, ...]:
    return tuple(Case(f"{option}={value}", request(RRQ, FILE, "octet", {option: value})) for value in values)


CASES = (
    _read("plain octet"),
    _read("OcTeT", mode="OcTeT"),
    _read("netascii", mode="netascii"),
    _read("mode mail", mode="mail"),
    _read("mode image", mode="image"),
    _read("BLKSIZE in capitals", BLKSIZE=1428),
    *_each(
        "blksize", 0, 1, 7, 8, 65464, 65465, 70000, -5, "abc", "1428x", "", 10**21, " 1428", "+1428", "01428"
    ),
    _read("tsize=0", tsize=0),
    _read("tsize, netascii", mode="netascii", tsize=0),
    _read("tsize of 5 GiB", "huge", tsize=0),
    *_each("timeout", 0, 1, 255, 256),
    *_each("windowsize", 0, 1, 4, 65535, 65536),
    _read("unknown option", foo=1),
    _read("unknown option and blksize", foo=1, blksize=1024),
    _read("multicast", multicast=""),
    Case("blksize twice", request(RRQ, FILE, "octet", {"blksize": 1024}) + b"blksize\x002048\0"),
    Case("option without a value", request(RRQ, FILE) + b"blksize\0"),
    Case("forty options", request(RRQ, FILE, "octet", {f"o{n}": n for n in range(40)})),
    Case("no NUL at the end", request(RRQ, FILE)[:-1]),
    Case("no mode", b"\0\1" + FILE.encode() + b"\0"),
    Case("longer than 512 octets", request(RRQ, FILE, "octet", {"padding": "x" * 600})),
    _read("empty name", ""),
    _read("no such file", "nope"),
    _read("long name", "x" * 300),
    _read("directory", "sub"),
    _read("directory with slash", "sub/"),
    _read("../etc/passwd", "../etc/passwd"),
    _read("sub/../f64", "sub/../f64"),
    _read("/etc/passwd", "/etc/passwd"),
    _read("/f64", "/f64"),
    _read("//f64", "//f64"),
    _read("./f64", "./f64"),
    _read(r"..\..\etc\passwd", r"..\..\etc\passwd"),
    _read(r"sub\x", r"sub\x"),
    _read("control characters", "f64\x1b[2J\n"),
    _read("not UTF-8", b"\xff\xfe"),
    _read("symlink inside", "in"),
    _read("symlink out of the root", "out"),
    _read("symlink to itself", "loop"),
    _read("not for all to read", "priv"),
    _read("fifo", "fifo"),
    Case("one octet", b"\0"),
    Case("no octet", b""),
    Case("opcode 9", b"\0\x09x\0"),
    Case("opcode 0", b"\0\0x\0"),
    Case("ACK to the service's port", ack(1)),
    Case("DATA to the service's port", data(1, b"x")),
    Case("ERROR to the service's port", error(4, "x")),
    Case("OACK to the service's port", b"\0\6blksize\x001024\0"),
    _write("write: new file", "new.bin"),
    _write("write: new file below no directory", "none/new.bin"),
    _write("write: existing, not writable", FILE),
    _write("write: existing, writable by all", "upl"),
    _write("write: tsize=10^15", "upl", tsize=10**15),
    _write("write: symlink out of the root", "out"),
    _write("write: directory", "sub"),
    _write("write: fifo", "fifo"),
)
