"""superd as the BOOTP server of a cable's client (``lab``), real clients that ask it, and dnsmasq beside it."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from helpers.cable import MAC, Cable, cable, entering
from helpers.daemon import NOBODY, Daemon, directory, running, write_files
from helpers.namespace import Namespace
from helpers.net import wait_until
from helpers.peers import find
from helpers.stanza import stanza

ADDRESS = "192.0.2.50"
ROUTER = "192.0.2.1"

ENTRY = f"client50:ht=ethernet:ha={MAC.replace(':', '')}:ip={ADDRESS}:sm=255.255.255.0:gw={ROUTER}:"
"""The client's line of bootptab, as far as every test needs it."""

_SCRIPT = '#!/bin/sh\nenv > "@DIR@/said.$$" && mv "@DIR@/said.$$" "@DIR@/said.${reason:-$1}"\n'
"""What a DHCP client runs when it knows something: it writes down what it was told."""

_SECONDS = "3"
"""Between two questions of a client, of which it asks up to ``_QUESTIONS``."""
_QUESTIONS = "8"


@dataclass(frozen=True)
class Lab:
    """A running daemon, and the cable to its client."""

    daemon: Daemon
    cable: Cable

    @property
    def table(self) -> Path:
        """The table of hosts."""
        return self.daemon.path("bootptab")

    def answers(self) -> list[str]:
        """The log's lines about answers."""
        return [line for line in self.daemon.log().splitlines() if "event=bootp.answered" in line]


@contextmanager
def lab(table: str = ENTRY, **attributes: object) -> Iterator[Lab]:
    """Run superd with this table and these attributes at the server's end. Needs root."""
    with cable() as wires, serving(wires.server, table, **attributes) as daemon:
        yield Lab(daemon, wires)


@contextmanager
def serving(
    where: Namespace, table: str, through: Sequence[str] = (), /, **attributes: object
) -> Iterator[Daemon]:
    """Run superd with this table in a namespace; ``through`` is a program that starts it (setpriv(1))."""
    text, files = stanza("bootps", **bootps(**attributes)), {"bootptab": f"{table}\n"}
    with running(text, files=files, within=(*entering(where), *through)) as daemon:
        yield daemon


def bootps(**attributes: object) -> dict[str, object]:
    """The attributes of the service."""
    fixed = {"type": "INTERNAL", "socket_type": "dgram", "protocol": "udp", "wait": "yes", "flags": "IPv4"}
    return {**fixed, "user": NOBODY, "bootptab": "@DIR@/bootptab", **attributes}


@contextmanager
def dnsmasq(where: Namespace, *options: str) -> Iterator[None]:
    """Run dnsmasq in a namespace, as nothing but what these options make of it (dnsmasq(8))."""
    with directory() as home:
        fixed = [
            "--conf-file=/dev/null",
            "--port=0",
            "--user=root",
            "--no-daemon",
            f"--pid-file={home / 'pid'}",
        ]
        words = [*entering(where), find("dnsmasq"), *fixed, f"--dhcp-leasefile={home / 'leases'}", *options]
        log = home / "log"
        with log.open("w") as written:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=written, stderr=written)
        try:
            wait_until(lambda: "started" in log.read_text(), "dnsmasq started")
            yield
        finally:
            process.terminate()
            process.wait(10)


def udhcpc(
    wires: Cable, *options: str, questions: str = _QUESTIONS, seconds: str = _SECONDS
) -> dict[str, str]:
    """What BusyBox's client is told; empty if it is not answered."""
    with _script() as (script, home):
        command = [find("busybox"), "udhcpc", "-i", "wire", "-f", "-n", "-q", "-s", str(script)]
        wires.at_client(*command, "-t", questions, "-T", seconds, *options)
        return _said(home / "said.bound")


def dhclient(wires: Cable) -> dict[str, str]:
    """What ISC's client is told; it is ended when it knows."""
    with _script() as (script, home):
        options = f"-4 -1 -d -lf {home}/leases -pf {home}/pid -cf /dev/null -sf {script}".split()
        words = [*entering(wires.client), find("dhclient"), *options, "wire"]
        silent = subprocess.DEVNULL
        client = subprocess.Popen(words, stdin=silent, stdout=silent, stderr=silent)
        said = home / "said.BOUND"
        try:
            wait_until(lambda: said.exists() or client.poll() is not None, "dhclient knows", 60.0)
        finally:
            client.terminate()
            client.wait(10)
        return _said(said)


def bootpc(wires: Cable, *options: str) -> dict[str, str]:
    """What the BOOTP client is told; it sends by the default route, so it gets one."""
    wires.client.ip("route", "replace", "default", "dev", "wire")
    command = [find("bootpc"), "--dev", "wire", "--timeoutwait", "20", "--returniffail", *options]
    told = wires.at_client(*command).stdout
    pairs = (line.partition("=") for line in told.splitlines() if "=" in line)
    return {name: value.strip("'") for name, _, value in pairs}


@contextmanager
def _script() -> Iterator[tuple[Path, Path]]:
    with directory() as home:
        write_files(home, {"script": _SCRIPT, "leases": ""})
        yield home / "script", home


def _said(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)
