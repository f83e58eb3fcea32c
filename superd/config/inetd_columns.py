"""The columns of an entry, from its positional form or from NetBSD's key-value definition."""

from typing import Final

from superd.config import inetd_fields
from superd.config.inetd_fields import FieldError
from superd.config.inetd_lines import Entry
from superd.config.inetd_program import INTERNAL
from superd.config.inetd_service import Columns, like
from superd.config.inetd_words import ENTRY_FIELDS
from superd.config.netbsd import Definition
from superd.config.origin import Report
from superd.config.written import Word

_EXTRA: Final = {
    "accept_max": "instances",
    "group": "group",
    "ip_max": "source_rate_per_minute",
    "recvbuf": "rcvbuf",
    "service_max": "rate_per_minute",
    "sndbuf": "sndbuf",
}
"""Keys that are attributes under another name."""

_NETWORK: Final = {"tcp": "stream", "udp": "dgram"}


def positional(entry: Entry, default_host: Word | None) -> Columns:
    """Name the columns of a positional entry. Raises FieldError when some are missing."""
    words = entry.words
    host: Word | None = None
    if words[0].value.endswith(":") and not words[0].value.startswith("/"):
        host, words = like(words[0], words[0].value[:-1] or "*"), words[1:]
    if len(words) < len(ENTRY_FIELDS):
        missing = ENTRY_FIELDS[len(words)]
        text = f"an entry needs {len(ENTRY_FIELDS)} columns and has {len(words)}: the {missing} is missing"
        raise FieldError("too-few-fields", text)
    service = words[0]
    if host is None and not words[2].value.startswith("unix"):
        host, service = _split(service)
    socket_type, protocol, wait, user, server, *args = words[1:]
    return Columns(
        entry.origin,
        entry.end,
        _effective(host, default_host),
        service,
        socket_type,
        protocol,
        wait,
        user,
        server,
        tuple(args),
        own_host=host is not None,
    )


def _split(service: Word) -> tuple[Word | None, Word]:
    address, name = inetd_fields.split_address(service.value)
    return (None if address is None else like(service, address)), like(service, name)


def _effective(host: Word | None, default_host: Word | None) -> Word | None:
    """The address that counts: the entry's own, else the default; ``None`` for any."""
    chosen = host or default_host
    return chosen if chosen is not None and inetd_fields.addresses(chosen.value) else None


def defined(definition: Definition, default_host: Word | None, report: Report) -> Columns:
    """Name the columns of a key-value definition, inferring what NetBSD's inetd.conf(5) infers.

    Raises FieldError when a key that can't be inferred is missing.
    """
    values = {key: words[0] for key, words in definition.values.items() if words}
    if "ipsec" in values:
        raise FieldError("ipsec-policy", "the IPsec policy of this definition can't be applied")
    if "acceptfilter" in values:
        text = f"the accept filter {values['acceptfilter'].value!r} does not exist on Linux; it is left out"
        report.warning("accept-filter", values["acceptfilter"].origin, text)
    for key in ("protocol", "user"):
        if key not in values:
            raise FieldError("too-few-fields", f"the definition lacks {key} =")
    protocol = values["protocol"]
    host, service = (None, definition.service)
    if protocol.value != "unix":
        host, service = _split(definition.service)
        host = values.get("bind", host)
    server = values.get("exec", like(definition.service, INTERNAL))
    socket_type = values.get("socktype") or like(protocol, _socket_type(protocol.value))
    return Columns(
        definition.service.origin,
        definition.end,
        _effective(host, default_host if protocol.value != "unix" else None),
        service,
        socket_type,
        protocol,
        _wait(values.get("wait"), socket_type, server, definition.service),
        values["user"],
        server,
        args=definition.values.get("args", ()),
        extra={_EXTRA[key]: word for key, word in values.items() if key in _EXTRA},
        own_host=host is not None,
    )


def _socket_type(protocol: str) -> str:
    network = protocol.removeprefix("rpc/")[:3]
    if network not in _NETWORK:
        raise FieldError("too-few-fields", f"socktype = is needed with protocol = {protocol}")
    return _NETWORK[network]


def _wait(written: Word | None, socket_type: Word, server: Word, service: Word) -> Word:
    if written is None:
        if server.value != INTERNAL:
            raise FieldError("too-few-fields", "the definition lacks wait =")
        return like(service, "wait" if socket_type.value == "dgram" else "nowait")
    if written.value not in ("yes", "no"):
        raise FieldError("unknown-wait", f"wait = {written.value!r} is neither yes nor no")
    return like(written, "wait" if written.value == "yes" else "nowait")
