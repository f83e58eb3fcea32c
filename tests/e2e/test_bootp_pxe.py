"""A computer without a disk starts from nothing but superd: its address over BOOTP or DHCP, its files over TFTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers.bootp import ENTRY, bootps, dnsmasq
from helpers.cable import entering
from helpers.daemon import Daemon, directory, running
from helpers.machine import PROGRAM, STATUS, Started, neighbour, network, start_bios, start_uefi
from helpers.namespace import Namespace
from helpers.net import wait_until
from helpers.stanza import stanza

pytestmark = [pytest.mark.root, pytest.mark.peer, pytest.mark.timeout(240)]

SCRIPT = b"#!ipxe\necho the script runs\nchain program\n"

EXAMPLES = Path(__file__).parents[2] / "conf/examples"

IPXE_FOR_UEFI = Path("/usr/lib/ipxe/snponly.efi")
NEEDS_IPXE = pytest.mark.skipif(not IPXE_FOR_UEFI.exists(), reason="ipxe is not installed")

FILES = "bios=boot.ipxe uefi64=snponly.efi ipxe=boot.ipxe"


@dataclass(frozen=True)
class Lab:
    """A network with superd and a computer that is switched off."""

    where: Namespace
    daemon: Daemon
    root: Path
    scratch: Path

    def start_bios(self) -> Started:
        """Switch on a PC with a BIOS."""
        return start_bios(self.where, self.scratch)

    def start_uefi(self) -> Started:
        """Switch on a PC with UEFI; what it loads first is iPXE, which ends it by a script."""
        (self.root / "snponly.efi").write_bytes(IPXE_FOR_UEFI.read_bytes())
        (self.root / "boot.ipxe").write_bytes(b"#!ipxe\necho the script runs\nreboot\n")
        return start_uefi(self.where, self.scratch)

    def assert_read(self, *files: str) -> None:
        """These files and no others were read to their end, in this order."""
        wait_until(lambda: self._ends()[len(files) - 1 :], f"{files} in the log:\n{self.daemon.last_lines()}")
        assert self._ends() == list(files)

    def _ends(self) -> list[str]:
        ends = [line for line in self.daemon.log().splitlines() if "event=connection.end" in line]
        return [line.partition("file=")[2].split()[0] for line in ends if "outcome=done" in line]


@contextmanager
def pxe(table: str, **attributes: object) -> Iterator[Lab]:
    """Run superd with this table; in the TFTP root are a script and a program."""
    common = {"type": "INTERNAL", "socket_type": "dgram", "protocol": "udp", "wait": "yes", "user": "nobody"}
    tftp = stanza("tftp", **common, flags="IPv4", root="/srv/tftp")
    with configured(stanza("bootps", **bootps(**attributes)) + tftp, table) as lab:
        yield lab


@contextmanager
def configured(text: str, table: str) -> Iterator[Lab]:
    """Run superd with this configuration, in which /srv/tftp stands for the TFTP root."""
    with network() as where, directory() as scratch, directory() as root:
        (root / "boot.ipxe").write_bytes(SCRIPT)
        (root / "program").write_bytes(PROGRAM)
        files = {"bootptab": f"{table}\n"}
        with running(text.replace("/srv/tftp", str(root)), files=files, within=entering(where)) as daemon:
            yield Lab(where, daemon, root, scratch)


@pytest.mark.parametrize("delivery", ["auto", "broadcast"])
def test_ipxe_starts_a_script_and_a_program(delivery: str) -> None:
    with pxe(f"{ENTRY}bf=boot.ipxe:", delivery=delivery) as lab:
        started = lab.start_bios()
        assert "the script runs" in started.console, lab.daemon.last_lines()
        assert started.status == STATUS, started.console
        lab.assert_read("/boot.ipxe", "program")


def test_the_example_that_is_shipped_starts_a_machine() -> None:
    text = (EXAMPLES / "pxe-lab").read_text().replace("/etc/bootptab", "@DIR@/bootptab")
    with configured(text, (EXAMPLES / "bootptab").read_text()) as lab:
        assert lab.start_bios().status == STATUS, lab.daemon.last_lines()
        lab.assert_read("boot.ipxe", "program")


@NEEDS_IPXE
def test_uefi_loads_ipxe_which_loads_a_script() -> None:
    """The firmware gets a program for its processor, and what that loads is given for iPXE."""
    with pxe(ENTRY, boot_file=FILES) as lab:
        started = lab.start_uefi()
        assert "the script runs" in started.console, lab.daemon.last_lines()
        lab.assert_read("snponly.efi", "boot.ipxe")


OTHER = "192.0.2.2"
"""Another server of the network, which gives addresses and knows nothing of boot files."""


@contextmanager
def beside_another_server() -> Iterator[Lab]:
    """superd gives boot files only, and knows nobody."""
    with pxe("", proxy="yes", boot_file=FILES) as lab, neighbour(lab.where, OTHER) as other:
        addresses = "--dhcp-range=192.0.2.100,192.0.2.150,255.255.255.0,1h"
        with dnsmasq(other, "--interface=lan", "--bind-interfaces", "--no-ping", addresses):
            yield lab


def test_ipxe_takes_its_address_from_another_server_and_its_boot_file_from_us() -> None:
    with beside_another_server() as lab:
        started = lab.start_bios()
        assert started.status == STATUS, started.console + lab.daemon.last_lines()
        lab.assert_read("boot.ipxe", "program")
        assert " address=" not in lab.daemon.log()


@NEEDS_IPXE
def test_uefi_takes_its_address_from_another_server_and_its_boot_file_from_us() -> None:
    with beside_another_server() as lab:
        started = lab.start_uefi()
        assert "the script runs" in started.console, lab.daemon.last_lines()
        lab.assert_read("snponly.efi", "boot.ipxe")
