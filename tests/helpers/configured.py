"""Configuration texts and what superd makes of them, on a machine whose facts are written down here."""

import pwd
from collections.abc import Mapping
from pathlib import Path

from superd.config.derive import derive
from superd.config.load import Loaded, load
from superd.config.machine import Machine
from superd.config.model import Family, Service
from superd.config.origin import Report
from superd.config.xinetd import read

PROGRAMS = frozenset({"/bin/cat", "/usr/sbin/in.telnetd"})
USERS = {
    "root": pwd.struct_passwd(("root", "x", 0, 0, "", "/root", "/bin/sh")),
    "nobody": pwd.struct_passwd(("nobody", "x", 65534, 65534, "", "/", "/bin/sh")),
    "games": pwd.struct_passwd(("games", "x", 5, 60, "", "/", "/bin/sh")),
}
GROUPS = {"mail": 8, "nogroup": 65534}
PORTS = {
    ("telnet", "tcp"): 23,
    ("echo", "tcp"): 7,
    ("echo", "udp"): 7,
    ("time", "tcp"): 37,
    ("daytime", "tcp"): 13,
    ("daytime", "udp"): 13,
}
HOSTS = {
    ("both.test", Family.INET): ("192.0.2.1", "192.0.2.2"),
    ("both.test", Family.INET6): ("2001:db8::1",),
    ("four.test", Family.INET): ("192.0.2.4",),
}
BASE = {
    "type": "UNLISTED",
    "socket_type": "stream",
    "protocol": "tcp",
    "wait": "no",
    "user": "nobody",
    "server": "/bin/cat",
    "port": "4700",
}


class KnownMachine(Machine):
    """A machine that has what the tables above say and nothing else."""

    def user(self, name: str) -> pwd.struct_passwd | None:
        return next((each for each in USERS.values() if name in {each.pw_name, str(each.pw_uid)}), None)

    def group(self, name: str) -> int | None:
        return int(name) if name.isdigit() else GROUPS.get(name)

    def groups_of(self, name: str, gid: int) -> tuple[int, ...]:
        return (gid, 4) if name in USERS else ()

    def port(self, service: str, protocol: str) -> int | None:
        return PORTS.get((service, protocol))

    def protocol(self, name: str) -> bool:
        return name in {"tcp", "udp", "icmp"}

    def obstacle(self, path: str) -> str:
        return "" if path in PROGRAMS else "is a directory" if path == "/etc" else "does not exist"

    def addresses(self, host: str, family: Family) -> tuple[str, ...]:
        return HOSTS.get((host, family), ())

    @property
    def interfaces(self) -> frozenset[str]:
        return frozenset({"eth0"})

    @property
    def rpc_programs(self) -> Mapping[str, int]:
        return {"rstatd": 100001}

    @property
    def umask(self) -> int:
        return 0o022


def machine(uid: int = 0) -> Machine:
    """A fresh known machine, seen by root unless told otherwise."""
    return KnownMachine(uid=uid, environment={"PATH": "/bin", "LANG": "C"})


def stanza(*lines: str, name: str = "s", without: str = "", **attributes: str) -> str:
    """A service's text: the base, changed by ``attributes``, without some of it, with further lines behind it."""
    kept = {key: value for key, value in {**BASE, **attributes}.items() if key not in without.split()}
    body = [f"{key} = {value}" for key, value in kept.items()]
    return "\n\t".join([f"service {name}\n{{", *body, *lines]) + "\n}\n"


def defaults(*lines: str) -> str:
    """A defaults section's text."""
    return "\n\t".join(["defaults\n{", *lines]) + "\n}\n"


def services(text: str, report: Report | None = None, *, uid: int = 0) -> dict[str, Service]:
    """The services that would start, by id."""
    report = Report() if report is None else report
    derived = [derive(each, report, machine(uid)) for each in read("test.conf", text, report)]
    return {service.id: service for service in derived if service is not None}


def codes(text: str) -> list[str]:
    """The codes of all diagnostics, each once."""
    report = Report()
    services(text, report)
    return list(dict.fromkeys(each.code for each in report.diagnostics))


def one(*lines: str, **attributes: str) -> Service:
    """The one service of a stanza without problems."""
    report = Report()
    found = services(stanza(*lines, **attributes), report)
    assert list(found) == ["s"], [str(each) for each in report.diagnostics]
    return found["s"]


def loaded(directory: Path, text: str, name: str = "xinetd.conf") -> Loaded:
    """Load a text from a file."""
    path = directory / name
    path.write_text(text)
    return load([path], machine=machine())
