"""Replay what the real xinetd did with address lists: ``replay_address_vectors.py FILE``.

FILE is a JSON list of ``{"attributes": [...], "results": {client: "ALLOW" | "DENY" | "SERVICE-DISABLED"}}``. Each is
written as a stanza, read by superd, and asked about the clients; a service that is not started serves nobody, so the
last two results are one. Prints ``N same, N deliberate, N different``; every deliberate difference is named by its row
in docs/differences-addresses.md. Exits 1 when one is not deliberate.
"""

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

from superd.access.admission import Gate
from superd.access.facts import UNKNOWN
from superd.access.lists import facts_of
from superd.config import load
from superd.config.model import Service
from superd.service import Peer

STANZA: Final = """service time
{{
    type = INTERNAL UNLISTED
    socket_type = stream
    protocol = tcp
    wait = no
    bind = {bind}
    port = 47300
    {attributes}
}}
"""

NAMES: Final = {
    "127.0.0.1": "localhost",
    "127.0.0.5": "alpha.lab.test",
    "127.0.0.6": "beta.lab.test",
    "127.0.0.7": "gamma.other.test",
}
"""The clients' names where the vectors were recorded; forward and reverse agreed."""

DELIBERATE: Final = {
    "dotted-netmask": re.compile(r"/\d+\.\d+\.\d+\.\d+"),
    "v6-128": re.compile(r":[0-9a-fA-F:]*/128\b"),
    "mapped": re.compile(r"::ffff:", re.IGNORECASE),
    "octet-over-255": re.compile(r"\{[^}]*(?:25[6-9]|2[6-9]\d|[3-9]\d\d)[^}]*\}"),
}
"""Rows of the table, and the words they are about."""


def main() -> int:
    """Replay a file and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    count = Counter[str]()
    for vector in json.loads(parser.parse_args().file.read_text(encoding="utf-8")):
        service = configured(vector)
        for client, recorded in vector["results"].items():
            wanted, found = recorded == "ALLOW", serves(service, client)
            row = "" if wanted == found else reason(vector["attributes"])
            result = "same" if wanted == found else "deliberate" if row else "different"
            count[result] += 1
            if result != "same":
                what = "serves" if found else "refuses"
                print(f"{result}: {vector['attributes']}: xinetd {recorded}, superd {what} {client} {row}")
    print(f"{count['same']} same, {count['deliberate']} deliberate, {count['different']} different")
    return count["different"] != 0


def configured(vector: dict[str, object]) -> Service | None:
    """The service of a vector; ``None`` when it is not started."""
    attributes = vector["attributes"]
    lines = attributes if isinstance(attributes, list) else []
    bind = "::" if "IPv6" in str(vector.get("socket", "")) else "0.0.0.0"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "xinetd.conf")
        path.write_text(STANZA.format(bind=bind, attributes="\n    ".join(lines)), encoding="utf-8")
        services = load.load([path]).config.services
    return services[0] if services and not services[0].unsupported else None


def serves(service: Service | None, client: str) -> bool:
    """Whether a client gets in."""
    if service is None:
        return False
    gate, peer = Gate(service, None, lambda: 0.0), Peer(client, 40000, "127.0.0.1", 47300)
    verdict = gate.decide(peer, 0.0, 0.0)
    if verdict.question is not None:
        known = facts_of(peer).with_answer(verdict.question, NAMES.get(client, UNKNOWN))
        verdict = gate.resume(peer, known, 0.0, 0.0)
    return verdict.allowed


def reason(attributes: list[str]) -> str:
    """The row of the table about a difference; empty when there is none."""
    words = [word for attribute in attributes for word in attribute.partition("=")[2].split()]
    rows = (row for row, pattern in DELIBERATE.items() if any(pattern.search(word) for word in words))
    return next(rows, "")


if __name__ == "__main__":
    sys.exit(main())
