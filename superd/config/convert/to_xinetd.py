"""inetd.conf entries as files of an xinetd.d directory: ``files`` gives one per service.

The stanzas are for the real xinetd (xinetd.conf(5)) and for superd alike: only attributes that both know are written,
and what xinetd has no counterpart for stands in a comment. A service that xinetd can't run is a comment as a whole.
"""

import re
from collections.abc import Sequence
from typing import Final

from superd.config.convert.output import Generated, Names, comment, printable
from superd.config.convert.sections import Sections
from superd.config.convert.words import value, values
from superd.config.inetd_fields import literal_family
from superd.config.written import WrittenService

XINETD_INTERNAL: Final = frozenset({"echo", "discard", "chargen", "daytime", "time", "tcpmux"})
"""What xinetd answers itself; other built-ins of inetds exist nowhere in it."""

LINE_LIMIT: Final = 16000
"""Bytes of one line: xinetd cuts lines at 16 KiB and reads the rest as another one."""

_SINGLE: Final = (
    "socket_type",
    "protocol",
    "wait",
    "user",
    "group",
    "groups",
    "instances",
    "per_source",
    "port",
    "rpc_version",
    "rpc_number",
    "libwrap",
    "server",
)
_REMARKS: Final = {
    "rate_per_minute": "the pause after {} starts per minute (cps counts seconds)",
    "source_rate_per_minute": "the limit of {} connections per minute of one source",
    "sndbuf": "the send buffer of {} bytes",
    "rcvbuf": "the receive buffer of {} bytes",
    "socket_owner": "the socket's owner {}",
    "socket_mode": "the socket's mode {}",
}


def files(services: Sequence[WrittenService], sections: dict[str, Sections]) -> list[Generated]:
    """Give one file per service; ``sections`` holds the section lines by file name."""
    names = Names()
    identities: set[str] = set()
    return [
        Generated(names.give(_id(service)), _file(service, sections.get(service.origin.file), identities))
        for service in services
    ]


def _file(service: WrittenService, sections: Sections | None, identities: set[str]) -> str:
    head = [f"{service.origin}, converted by superd"]
    if sections is not None and (section := sections.above(service.origin.line)):
        head.append(section)
    obstacles = _obstacles(service)
    remarks = [f"no counterpart in xinetd: {remark}" for remark in _remarks(service)]
    head += [f"commented out, because xinetd can't run it: {obstacle}" for obstacle in obstacles] + remarks
    stanzas = [_stanza(service, address, bool(obstacles), identities) for address in _addresses(service)]
    return "".join(map(comment, head)) + "\n".join(stanzas)


def _id(service: WrittenService) -> str:
    return service.id.value if service.id else service.name


def _addresses(service: WrittenService) -> list[str]:
    """The addresses to bind, each in a stanza of its own: xinetd binds one; empty means any."""
    if service.bind is None or value(service.protocol) == "unix":
        return [""]
    return service.bind.value.split(",")


def _obstacles(service: WrittenService) -> list[str]:
    """Why xinetd can't run a service."""
    found = []
    if value(service.protocol) == "unix":
        found.append("it has no Unix sockets")
    if "INTERNAL" in values(service.type) and service.name not in XINETD_INTERNAL:
        found.append(f"it has no built-in {service.name}")
    odd = [word for word in _written_words(service) if not word or " " in word or not word.isprintable()]
    if odd:
        found.append(f"it has no way to write {' and '.join(map(repr, odd))} as one word")
    if len(" ".join(values(service.server_args))) > LINE_LIMIT:
        found.append("the arguments do not fit on one line")
    if value(service.socket_type) == "dgram" and value(service.wait) == "no" and service.server is not None:
        found.append("with wait = no it starts servers for one datagram without end")
    return found


def _written_words(service: WrittenService) -> list[str]:
    """Every word that a stanza would hold."""
    single = [value(getattr(service, name)) for name in _SINGLE if getattr(service, name) is not None]
    addresses = _addresses(service) if service.bind is not None else []
    lists = (service.type, service.flags, service.server_args)
    return [service.name, *single, *addresses, *(word for words in lists for word in values(words))]


def _remarks(service: WrittenService) -> list[str]:
    return [
        text.format(getattr(service, name).value) for name, text in _REMARKS.items() if getattr(service, name)
    ]


def _stanza(service: WrittenService, address: str, off: bool, identities: set[str]) -> str:
    lines = [("disable", "yes" if off or service.disable is not None else "no")]
    lines.append(("id", _identity(service, address, identities)))
    flags = _flags(service, address)
    lines += [("type", " ".join(values(service.type)))] if service.type else []
    lines += [("flags", " ".join(flags))] if flags else []
    lines += [(name, value(getattr(service, name))) for name in _SINGLE if getattr(service, name) is not None]
    lines += [("bind", address)] if address else []
    if "IPv6" in flags and not address:
        lines.append(("v6only", "yes"))
    if service.server_args:
        lines.append(("server_args", " ".join(values(service.server_args))))
    body = "".join(f"\t{name:<15} = {text}\n" for name, text in lines)
    stanza = f"service {service.name}\n{{\n{body}}}\n"
    return comment(stanza.rstrip("\n")) if off else stanza


def _flags(service: WrittenService, address: str) -> list[str]:
    """The flags; a numeric address names its family, since xinetd opens every address when the two contradict."""
    flags = values(service.flags)
    family = literal_family(address)
    return flags if not family or family in flags else [family, *flags]


def _identity(service: WrittenService, address: str, identities: set[str]) -> str:
    """An id of its own for each stanza."""
    several = len(_addresses(service)) > 1
    base = f"{address}:{_id(service).rpartition(':')[2]}" if several else _id(service)
    base = re.sub(r"\s", "-", printable(base))
    identity, number = base, 1
    while identity.lower() in identities:
        number += 1
        identity = f"{base}#{number}"
    identities.add(identity.lower())
    return identity
