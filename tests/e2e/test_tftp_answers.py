"""What superd answers to every odd request that TFTP servers disagree about, and that nothing stays behind or stalls.

What others answer is printed by ``tests/tools/tftp_matrix.py``.
"""

from collections.abc import Iterator

import pytest

from helpers import tftp
from helpers.net import wait_until
from helpers.tftp_cases import CASES, FILE, Case, plant
from helpers.tftp_servers import Served, superd

WITHIN = 10.0
SOON = 0.3
"""Seconds in which an answer that must not come would have come; a slow machine can only hide one, not invent one."""

READ = {
    "plain octet": "DATA 1 (512)",
    "OcTeT": "DATA 1 (512)",
    "netascii": "DATA 1 (512)",
    "mode mail": "ERROR 4",
    "mode image": "ERROR 4",
    "BLKSIZE in capitals": "OACK BLKSIZE 1428",
    "blksize=0": "ERROR 8",
    "blksize=1": "ERROR 8",
    "blksize=7": "ERROR 8",
    "blksize=8": "OACK blksize 8",
    "blksize=65464": "OACK blksize 65464",
    "blksize=65465": "OACK blksize 65464",
    "blksize=70000": "OACK blksize 65464",
    "blksize=-5": "ERROR 8",
    "blksize=abc": "ERROR 8",
    "blksize=1428x": "ERROR 8",
    "blksize=": "ERROR 8",
    "blksize=1000000000000000000000": "OACK blksize 65464",
    "blksize= 1428": "ERROR 8",
    "blksize=+1428": "ERROR 8",
    "blksize=01428": "OACK blksize 1428",
    "tsize=0": "OACK tsize 65536",
    "tsize, netascii": "DATA 1 (512)",
    "tsize of 5 GiB": "OACK tsize 5368709120",
    "timeout=0": "ERROR 8",
    "timeout=1": "OACK timeout 1",
    "timeout=255": "OACK timeout 255",
    "timeout=256": "ERROR 8",
    "windowsize=0": "ERROR 8",
    "windowsize=1": "OACK windowsize 1",
    "windowsize=4": "OACK windowsize 4",
    "windowsize=65535": "OACK windowsize 64",
    "windowsize=65536": "ERROR 8",
    "unknown option": "DATA 1 (512)",
    "unknown option and blksize": "OACK blksize 1024",
    "multicast": "DATA 1 (512)",
    "blksize twice": "ERROR 8",
    "option without a value": "DATA 1 (512)",
    "forty options": "DATA 1 (512)",
    "no NUL at the end": "ERROR 4",
    "no mode": "ERROR 4",
    "longer than 512 octets": "ERROR 4",
    "empty name": "ERROR 1",
    "no such file": "ERROR 1",
    "long name": "ERROR 1",
    "directory": "ERROR 2",
    "directory with slash": "ERROR 1",
    "../etc/passwd": "ERROR 2",
    "sub/../f64": "ERROR 2",
    "/etc/passwd": "ERROR 1",
    "/f64": "DATA 1 (512)",
    "//f64": "DATA 1 (512)",
    "./f64": "DATA 1 (512)",
    r"..\..\etc\passwd": "ERROR 2",
    r"sub\x": "DATA 1 (3)",
    "control characters": "ERROR 2",
    "not UTF-8": "ERROR 1",
    "symlink inside": "DATA 1 (512)",
    "symlink out of the root": "ERROR 2",
    "symlink to itself": "ERROR 2",
    "not for all to read": "ERROR 2",
    "fifo": "ERROR 2",
    "one octet": "silence",
    "no octet": "silence",
    "opcode 9": "silence",
    "opcode 0": "silence",
    "ACK to the service's port": "silence",
    "DATA to the service's port": "silence",
    "ERROR to the service's port": "silence",
    "OACK to the service's port": "silence",
}

WRITTEN = {
    "write: new file": "ACK 0",
    "write: new file below no directory": "ERROR 1",
    "write: existing, not writable": "ERROR 2",
    "write: existing, writable by all": "ACK 0",
    "write: tsize=10^15": "ERROR 3",
    "write: symlink out of the root": "ERROR 2",
    "write: directory": "ERROR 2",
    "write: fifo": "ERROR 2",
}

BY_NAME = {case.name: case for case in CASES}


@pytest.fixture(scope="module")
def readable() -> Iterator[Served]:
    with superd() as made:
        plant(made.root)
        yield made


@pytest.fixture(scope="module")
def writable() -> Iterator[Served]:
    with superd("create = yes", "overwrite = yes") as made:
        plant(made.root).chmod(0o777)
        yield made


def answer(served: Served, case: Case, expected: str) -> str:
    """The answer without the words of an error, which are for people."""
    seconds = SOON if expected == "silence" else WITHIN
    said = tftp.describe(tftp.first_answer(served.address, case.packet, seconds))
    return said.partition(" '")[0] if said.startswith("ERROR") else said


def test_every_case_has_its_answer() -> None:
    assert {*READ, *WRITTEN} == set(BY_NAME)


@pytest.mark.parametrize("name", READ)
def test_reading(readable: Served, name: str) -> None:
    assert answer(readable, BY_NAME[name], READ[name]) == READ[name]


@pytest.mark.parametrize("name", WRITTEN)
def test_writing(writable: Served, name: str) -> None:
    before = sorted(writable.root.iterdir())
    assert answer(writable, BY_NAME[name], WRITTEN[name]) == WRITTEN[name]
    wait_until(lambda: sorted(writable.root.iterdir()) == before, "nothing left of what was broken off")


@pytest.mark.parametrize("name", WRITTEN)
def test_nothing_is_written_unless_configured(readable: Served, name: str) -> None:
    assert answer(readable, BY_NAME[name], "ERROR 2") == "ERROR 2"


@pytest.mark.parametrize("name", [name for name in READ if READ[name].startswith("ERROR")])
def test_no_error_tells_the_servers_paths(readable: Served, name: str) -> None:
    said = tftp.first_answer(readable.address, BY_NAME[name].packet, WITHIN)
    assert said is not None
    assert str(readable.root).encode() not in said
    assert b"/etc" not in said


def test_special_files_stall_nobody(readable: Served) -> None:
    for _ in range(20):
        tftp.first_answer(readable.address, BY_NAME["fifo"].packet, WITHIN)
    assert len(tftp.get(readable.address, FILE, {"blksize": 8192}).data) == 65536
