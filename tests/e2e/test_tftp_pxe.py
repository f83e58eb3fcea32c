"""A computer without a disk starts over TFTP: iPXE in qemu loads a script and a program from us, and runs both.

qemu's own network (``-netdev user``) hands out the address and the name of the script, and carries the datagrams to
this machine's loopback; so neither root nor a bridge is needed. The program ends qemu with a status of its own.
"""

import subprocess

import pytest

from helpers.daemon import directory
from helpers.peers import find
from helpers.tftp_servers import superd

pytestmark = pytest.mark.peer

SECONDS = 100.0
"""A start takes three to twenty seconds here without hardware support."""

SCRIPT = b"#!ipxe\necho the script runs\nchain program\n"

PROGRAM = bytes.fromhex("b010 e6f4 f4ebfd").ljust(70_000, b"\0")
"""mov al, 0x10; out 0xf4, al; then hlt for ever; padded so that it takes many blocks."""

STATUS = 0x10 << 1 | 1
"""What qemu's isa-debug-exit makes of the 0x10 written to it."""

MACHINE = (
    *("-accel", "tcg", "-machine", "pc,graphics=off", "-m", "64", "-nodefaults", "-display", "none"),
    *("-monitor", "none", "-boot", "n", "-no-reboot", "-device", "virtio-net-pci,netdev=n0"),
    *("-device", "isa-debug-exit,iobase=0xf4,iosize=4"),
)
"""A PC without a disk, whose BIOS writes to the serial port."""


@pytest.mark.timeout(180)
def test_ipxe_loads_a_script_and_a_program_and_runs_them() -> None:
    qemu = find("qemu-system-x86_64")
    with superd() as served, directory() as scratch:
        (served.root / "boot.ipxe").write_bytes(SCRIPT)
        (served.root / "program").write_bytes(PROGRAM)
        network = f"user,id=n0,bootfile=tftp://10.0.2.2:{served.port}/boot.ipxe"
        command = [qemu, *MACHINE, "-netdev", network, "-serial", f"file:{scratch / 'serial'}"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
        console = (scratch / "serial").read_text(errors="replace")
        assert "the script runs" in console, served.daemon.last_lines()
        assert done.returncode == STATUS, console
