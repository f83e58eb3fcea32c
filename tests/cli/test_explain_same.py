"""``superd explain`` says what the daemon's own gate says, and what the real tcpdmatch says."""

import asyncio
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import peers
from helpers.explaining import Question
from superd.access.admission import Gate
from superd.access.facts import ClientFacts, Need
from superd.access.facts import Question as Asked
from superd.access.hearing import hear
from superd.access.hosts_access import Effect, HostsAccess
from superd.config.load import load
from superd.service import Peer

DAEMONS = [
    "cat",
    "ALL",
    "c*",
    "ftpd",
    "cat ftpd",
    "ALL EXCEPT ftpd",
    "ALL EXCEPT cat",
    "4700",
    "cat@127.0.0.1",
]
CLIENTS = [
    "ALL", "10.1.", "10.1.2.3", "10.1.2.0/24", "10.1.0.0/255.255.0.0", "LOCAL", "KNOWN", "UNKNOWN", "PARANOID",
    ".example", "gw.example", "ALL EXCEPT 10.1.2.3", ".example EXCEPT gw.example", "10. EXCEPT .example",
    "192.0.2.", "x* g?.*",
]  # fmt: skip
OPTIONS = [
    "",
    "",
    "",
    ": allow",
    ": deny",
    ": umask 022",
    ": twist /bin/echo %h",
    ": severity auth.info: deny",
]
LISTS = [
    "",
    "only_from = 10.0.0.0/8",
    "no_access = 10.1.2.3",
    "only_from = .example 192.0.2.0",
    "instances = 0",
]


def cases(
    seed: int, count: int, daemons: list[str], clients: list[str]
) -> Iterator[tuple[str, str, str, str]]:
    """Random files, an address and a name."""
    chosen = random.Random(seed)

    def rules(most: int) -> str:
        words = [
            (chosen.choice(daemons), chosen.choice(clients), chosen.choice(OPTIONS)) for _ in range(most)
        ]
        return "".join(f"{daemon}: {client}{option}\n" for daemon, client, option in words)

    for _ in range(count):
        address = chosen.choice(["10.1.2.3", "10.9.9.9", "192.0.2.1"])
        yield (
            rules(3),
            rules(2),
            address,
            chosen.choice(["gw.example", "gw", "x.example", "unknown", "paranoid"]),
        )


class Told:
    """Sources that know the name."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def answer(self, question: Asked, peer: Peer, facts: ClientFacts) -> str | bool | None:
        return self.name if question.need is Need.NAME else "unknown"

    async def carry_out(self, effect: Effect, peer: Peer, facts: ClientFacts) -> None:
        pass


def test_explain_and_the_gate_agree(question: Question) -> None:
    seen = set()
    for number, (allow, deny, address, name) in enumerate(cases(3, 120, DAEMONS, CLIENTS)):
        line = LISTS[number % len(LISTS)]
        question.configure(*([line] if line else []))
        question.rules(allow, deny)
        hosts = HostsAccess(question.folder / "hosts.allow", question.folder / "hosts.deny")
        (service,) = load([question.folder / "x.conf"]).config.services
        gate, peer = Gate(service, hosts, lambda: 0.0), Peer(address, 9, "127.0.0.1", 4700)
        first = gate.decide(peer, 0.0, 0.0)
        verdict = asyncio.run(hear(gate, peer, first, Told(name), lambda: (0.0, 0.0))).verdict
        answer = question.answer("cat", f"{address}:9", f"--name={name}", "--to=127.0.0.1")
        expected = "twist" if verdict.twist else "allow" if verdict.allowed else "deny"
        place = (verdict.origin.file, verdict.origin.line) if verdict.origin else (None, None)
        assert (answer["verdict"], answer["rule"], answer["file"], answer["line"]) == (
            expected,
            verdict.rule,
            *place,
        )
        refused = [each["step"] for each in answer["steps"] if each["state"] == "refused"]
        assert refused == ([str(verdict.step)] if verdict.step else [])
        seen.add((expected, answer["step"]))
    assert len(seen) >= 5


WORDS = {"granted": "allow", "denied": "deny", "delegated": "twist"}
IN_LIBWRAP = [word for word in CLIENTS if "?" not in word]


@pytest.mark.peer
def test_tcpdmatch_agrees(question: Question, tmp_path: Path) -> None:
    tcpdmatch = peers.find("tcpdmatch")
    seen = set()
    for allow, deny, address, _ in cases(5, 50, DAEMONS[:7], IN_LIBWRAP):
        question.rules(allow, deny)
        (tmp_path / "inetd.conf").write_text("cat stream tcp nowait root /usr/sbin/tcpd cat\n")
        command = [tcpdmatch, "-d", "-i", "inetd.conf", "cat", address]
        output = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
        ).stdout
        found = re.findall(r"^access: +(\w+)", output, re.MULTILINE)
        answer = question.answer("cat", address, "--name=unknown")
        assert [WORDS[found[-1]]] == [answer["verdict"]], (allow, deny, address)
        seen.add(answer["verdict"])
    assert seen == {"allow", "deny", "twist"}
