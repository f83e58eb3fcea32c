"""Prints what TFTP servers answer to odd requests, as a Markdown table: ours, tftpd-hpa, atftpd and dnsmasq.

    PYTHONPATH=tests .venv/bin/python -m tools.tftp_matrix

Needs root. SUPERD_ATFTPD names atftpd's program, which Debian does not install beside tftpd-hpa.
What would hang a server for ever is asked last, of a process that is then thrown away.
"""

import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from _pytest.outcomes import Skipped

from helpers import tftp
from helpers.tftp import Address
from helpers.tftp_cases import CASES, FILE, plant
from helpers.tftp_servers import atftpd, dnsmasq, superd, tftpd_hpa

Server = Callable[[Path], AbstractContextManager[Address]]

_SILENCE = 1.0
_LONGEST = 72
"""Characters of a cell."""


@contextmanager
def ours(root: Path) -> Iterator[Address]:
    """superd with nothing but a root: reading only."""
    with superd(root=root) as served:
        yield served.address


SERVERS: dict[str, Server] = {"superd": ours, "tftpd-hpa": tftpd_hpa, "atftpd": atftpd, "dnsmasq": dnsmasq}


def same_ack(address: Address) -> str:
    """What comes for the first ACK when it is sent three times (RFC 1123, section 4.2.3.1)."""
    with tftp.udp(address[0]) as client:
        client.settimeout(0.4)
        client.sendto(tftp.request(tftp.RRQ, FILE), address)
        _, peer = client.recvfrom(tftp.LARGEST)
        return ", ".join(tftp.describe(_next(client, tftp.ack(1), peer)) for _ in range(3))


def foreign_ack(address: Address) -> str:
    """What somebody else gets for an ACK to the transfer's port."""
    with tftp.udp(address[0]) as client, tftp.udp(address[0]) as stranger:
        client.settimeout(_SILENCE)
        stranger.settimeout(_SILENCE)
        client.sendto(tftp.request(tftp.RRQ, FILE), address)
        _, peer = client.recvfrom(tftp.LARGEST)
        return tftp.describe(_next(stranger, tftp.ack(1), peer))


def _next(client: socket.socket, packet: bytes, peer: Address) -> bytes | None:
    client.sendto(packet, peer)
    try:
        return client.recv(tftp.LARGEST)
    except TimeoutError:
        return None


def answers(server: Server) -> dict[str, str]:
    """What one server says to each case."""
    with tempfile.TemporaryDirectory(prefix="superd-matrix-") as name:
        root = plant(Path(name))
        with server(root) as address:
            found = {
                case.name: tftp.describe(tftp.first_answer(address, case.packet, _SILENCE))
                for case in sorted(CASES, key=lambda case: case.hangs)
                if not case.hangs
            }
            found["same ACK three times"] = same_ack(address)
            found["ACK from another port"] = foreign_ack(address)
            for case in (case for case in CASES if case.hangs):
                found[case.name] = tftp.describe(tftp.first_answer(address, case.packet, _SILENCE))
                after = tftp.first_answer(address, CASES[0].packet, _SILENCE)
                found[case.name] += "" if after else "; then **nobody is served**"
        return {key: text.replace(name, "ROOT") for key, text in found.items()}


def main() -> int:
    """Ask every server that there is."""
    columns = {}
    for name, server in SERVERS.items():
        try:
            columns[name] = answers(server)
        except Skipped as reason:
            sys.stderr.write(f"{name}: {reason}\n")
    rows = [["request", *columns], ["---"] * (len(columns) + 1)]
    first = next(iter(columns.values()))
    rows += [[key, *(column[key] for column in columns.values())] for key in first]
    sys.stdout.writelines(f"| {' | '.join(map(_cell, row))} |\n" for row in rows)
    return 0


def _cell(text: str) -> str:
    short = text if len(text) <= _LONGEST else text[: _LONGEST - 5] + " ..."
    return short.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
