"""A scripted name server on loopback: ``NameServer`` answers from a ``Zone``, or fails, or stays silent.

It can say what no real server would: names with blanks, several PTR records, nothing at all.
"""

import ipaddress
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

TYPES: Final = {"A": 1, "CNAME": 5, "PTR": 12, "AAAA": 28}
SILENT, SERVFAIL, REFUSED = "(silent)", "(servfail)", "(refused)"
"""Instead of the data of a record: no answer at all, or this error."""

_NXDOMAIN: Final = 3
_ERRORS: Final = {SERVFAIL: 2, REFUSED: 5}

Labels = tuple[bytes, ...]
Name = str | Labels
"""A name with dots, or its labels, which may hold any byte."""

Zone = dict[tuple[str, str], list[Name]]
"""(name, type) -> data. A name in lower case, without the last dot; a CNAME is followed."""


def pointer(address: str, *names: Name) -> Zone:
    """The PTR records of one address."""
    return {(ipaddress.ip_address(address).reverse_pointer, "PTR"): list(names)}


def host(name: str, *addresses: str) -> Zone:
    """The address records of one name."""
    zone: Zone = {}
    for address in addresses:
        zone.setdefault((name.lower(), "AAAA" if ":" in address else "A"), []).append(address)
    return zone


def alias(name: str, target: Name) -> Zone:
    """A CNAME record."""
    return {(name.lower(), "CNAME"): [target]}


class NameServer:
    """Serves in a thread; ``questions`` are what was asked, (name, type), in order."""

    def __init__(self, zone: Zone, ttl: int = 60, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self.zone = zone
        self.ttl = ttl
        self.questions: list[tuple[str, str]] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind(address)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return "{}:{}".format(*self._socket.getsockname())

    def close(self) -> None:
        """Stop answering."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join(10)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            data, client = self._socket.recvfrom(4096)
            if not data:
                return
            answer = self._answer(data)
            if answer:
                self._socket.sendto(answer, client)

    def _answer(self, query: bytes) -> bytes:
        labels, end = _labels(query, 12)
        number = struct.unpack_from("!H", query, end)[0]
        kind = next((name for name, value in TYPES.items() if value == number), str(number))
        name = b".".join(labels).decode("latin-1")
        self.questions.append((name.lower(), kind))
        records, error = self._records(name, kind)
        if error == SILENT:
            return b""
        code = _ERRORS.get(error, 0 if records else _NXDOMAIN)
        head = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(records), 0, 0)
        return head + query[12 : end + 4] + b"".join(records)

    def _records(self, name: str, kind: str) -> tuple[list[bytes], str]:
        """The answer section, or an error."""
        records: list[bytes] = []
        owner: Name = name
        for _ in range(8):
            key = owner.lower() if isinstance(owner, str) else ""
            found = self.zone.get((key, kind), [])
            if found and found[0] in {SILENT, SERVFAIL, REFUSED}:
                return [], str(found[0])
            if found or (key, "CNAME") not in self.zone:
                return records + [self._record(owner, kind, data) for data in found], ""
            (target,) = self.zone[key, "CNAME"]
            records.append(self._record(owner, "CNAME", target))
            owner = target
        return records, ""

    def _record(self, owner: Name, kind: str, data: Name) -> bytes:
        content = ipaddress.ip_address(str(data)).packed if kind in {"A", "AAAA"} else _encoded(data)
        return _encoded(owner) + struct.pack("!HHIH", TYPES[kind], 1, self.ttl, len(content)) + content


def _encoded(name: Name) -> bytes:
    labels = [part.encode() for part in name.split(".") if part] if isinstance(name, str) else name
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _labels(data: bytes, start: int) -> tuple[list[bytes], int]:
    """The labels at an offset of a question, and the offset after them."""
    labels = []
    while size := data[start]:
        labels.append(data[start + 1 : start + 1 + size])
        start += 1 + size
    return labels, start + 1


@contextmanager
def name_server(
    zone: Zone, ttl: int = 60, address: tuple[str, int] = ("127.0.0.1", 0)
) -> Iterator[NameServer]:
    """Run a server until the block ends."""
    server = NameServer(zone, ttl, address)
    try:
        yield server
    finally:
        server.close()
