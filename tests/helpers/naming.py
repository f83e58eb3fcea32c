"""Clients with every kind of name, and what libwrap and superd call them where both ask the same sources.

``compare`` must run in namespaces of its own (network and mounts): it serves DNS on port 53 of loopback, and lays
its own hosts(5), resolv.conf(5) and nsswitch.conf(5) over the system's.
"""

import asyncio
import ipaddress
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvloop

from helpers.dns import REFUSED, SERVFAIL, SILENT, Name, Zone, alias, host, name_server, pointer
from superd.lookup.names import Names

PATIENT: Final = 60.0
IMPATIENT: Final = 3.0
"""Seconds for a client whose name server says nothing."""

HOSTS: Final = """\
127.0.0.1 localhost
::1 ip6-localhost
10.9.0.1 plain.file
10.9.0.2 first.file second.file
10.9.0.3 second.file
10.9.0.4 Upper.File upper.file
::ffff:10.9.0.5 mapped.file
10.9.0.6 multi.file
10.9.0.7 multi.file
10.9.0.8 split.file
10.9.0.10 bad_name!.file
10.9.0.12 10.9.0.12
010.9.0.13 octal.file
10.9.0.14 trailing.file.
10.9.0.15 2001:db8::15
10.9.0.16 main.local localhost
10.9.0.17 localhost
10.9.0.18 six.file
2001:db8::9 six.file
fe80::1 link.file
"""

RESOLV: Final = "nameserver 127.0.0.1\nsearch corp.test\noptions timeout:1 attempts:1\n"

_ODD_LABELS: Final = (
    b"a b",
    b"a\tb",
    b"a\nb",
    b"a\0b",
    b"a\x1bb",
    b"a\x7fb",
    b"a\xe9b",
    "ä".encode(),
    *(bytes([97, character, 98]) for character in b"!\"#$%&'()*+,./:;<=>?@[\\]^_`{|}~"),
    b"-ab",
    b"ab-",
    b"_ab",
    b"\\",
    b"*",
)


@dataclass
class Clients:
    """Addresses to ask about, in order, and what DNS says of them."""

    zone: Zone = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)

    def add(self, *names: Name, means: str = "", address: str = "") -> str:
        """A client with these PTR records; the name ``means`` is given its address."""
        address = address or f"10.1.{len(self.addresses) // 250}.{len(self.addresses) % 250 + 1}"
        self.addresses.append(address)
        bare = address.partition("%")[0]
        if names:
            self.zone |= pointer(bare, *names)
        if means:
            self.zone |= host(means, bare)
        return address

    def honest(self, *names: str) -> None:
        """Clients whose names are their own."""
        for name in names:
            self.add(name, means=name)


def clients() -> Clients:
    """Every case, one client each."""
    made = Clients()
    made.honest(
        "ok.test", "UPPER.Test", "localhost.test", "a_b.test", "unknown.test", "paranoid", "unknown", "4.test"
    )
    made.honest("10.1", "5", "0x7f.1", "dotless", "localhost", "a.-b.test", "xn--4ca.test")
    made.honest(*(_name_of(length) for length in (126, 127, 128, 200, 250)))
    made.add()
    made.add("nowhere.test")
    made.add("10.1.0.1", means="10.1.0.1")
    made.add(SERVFAIL)
    made.add(REFUSED)
    made.zone |= host("elsewhere.test", "10.66.6.6")
    made.zone["failing.test", "A"] = [SERVFAIL]
    made.add("elsewhere.test")
    made.add("failing.test")
    made.add("first.test", "second.test", means="first.test")
    made.add("third.test", "fourth.test", means="fourth.test")
    made.add((b"b d", b"test"), "good.test", means="good.test")
    made.add("good2.test", (b"b d", b"test"), means="good2.test")
    made.add((), means="root.test")
    for label in _ODD_LABELS:
        made.add((label, b"test"), means=f"{label.decode('latin-1')}.test")
    _aliases(made)
    _searched(made)
    _families(made)
    _in_hosts(made)
    made.silent = [made.add(SILENT), made.add("forward-silent.test")]
    made.zone["forward-silent.test", "A"] = [SILENT]
    return made


def _name_of(length: int) -> str:
    labels = ["x" * 60] * 4
    return ".".join(labels)[: length - 5].rstrip(".").ljust(length - 5, "y") + ".test"


def _aliases(made: Clients) -> None:
    made.zone |= alias("alias.test", "real.test")
    made.add("alias.test", means="real.test")
    made.zone |= alias("loop.test", "loop.test")
    made.add("loop.test")
    delegated = made.add()
    made.zone |= alias(ipaddress.ip_address(delegated).reverse_pointer, "5.sub.test")
    made.zone["5.sub.test", "PTR"] = ["classless.test"]
    made.zone |= host("classless.test", delegated)
    many = made.add("many.test")
    made.zone |= host("many.test", *(f"10.7.{number}.1" for number in range(20)), many)


def _searched(made: Clients) -> None:
    made.add("searched", means="searched.corp.test")
    made.add("sub.searched", means="sub.searched.corp.test")
    both = made.add("both", means="both")
    made.zone |= host("both.corp.test", both)


def _families(made: Clients) -> None:
    made.zone |= host("other.test", "2001:db8::3", "10.0.0.1") | host("four.test", "10.0.0.1")
    made.add("six.test", means="six.test", address="2001:db8::1")
    made.add("other.test", address="2001:db8::2")
    made.add("four.test", address="2001:db8::4")
    made.add("10.0.0.1", address="2001:db8::5")
    made.add("2001:db8::6", address="2001:db8::6")
    made.add("link.test", means="link.test", address="fe80::9%lo")
    made.add("mapped.test", means="mapped.test", address="10.3.0.1")
    made.add("mapped.test", address="::ffff:10.3.0.1")


def _in_hosts(made: Clients) -> None:
    made.addresses += ["127.0.0.1", "127.0.0.2", "::1", "0.0.0.0", "::", "2001:db8::9", "fe80::1%lo"]
    made.addresses += [f"10.9.0.{number}" for number in (*range(1, 9), 10, *range(12, 19))]
    made.zone |= pointer("10.9.0.8", "dns.split") | host("split.file", "10.66.6.6")
    made.zone |= pointer("10.9.0.13", "octal.file")


def compare(libwrap_names: str, folder: Path) -> list[tuple[str, str, str, str]]:
    """Ask both: address, libwrap's name, superd's, and superd's reason."""
    texts = {"hosts": HOSTS, "resolv.conf": RESOLV, "nsswitch.conf": "hosts: files dns\n"}
    for name, text in texts.items():
        (folder / name).write_text(text)
        subprocess.run(["mount", "--bind", folder / name, f"/etc/{name}"], check=True)
    made = clients()
    with name_server(made.zone, address=("127.0.0.1", 53)):
        asked = "".join(f"{address}\n" for address in made.addresses)
        done = subprocess.run([libwrap_names], input=asked, capture_output=True, text=True, check=True)
        ours = uvloop.run(_ask(made))
    return [
        (address, theirs, *answer)
        for address, theirs, answer in zip(made.addresses, done.stdout.splitlines(), ours, strict=True)
    ]


async def _ask(made: Clients) -> list[tuple[str, str]]:
    loop = asyncio.get_running_loop()
    patient, impatient = Names(loop, deadline=PATIENT), Names(loop, deadline=IMPATIENT)
    answers = await asyncio.gather(
        *((impatient if address in made.silent else patient).name(address) for address in made.addresses)
    )
    await asyncio.gather(patient.close(), impatient.close())
    return [(answer.name, answer.why) for answer in answers]


if __name__ == "__main__":
    for row in compare(sys.argv[1], Path(sys.argv[2])):
        print(*row, sep="\t")
