"""Services as systemd units: ``files`` gives a ``.socket`` and a ``.service`` for each.

A nowait service becomes ``Accept=yes`` with a template unit, a wait service ``Accept=no`` with a plain one
(systemd.socket(5)). What systemd can't do at all (built-ins, RPC, tcpmux, ports without a number) becomes a file
``NAME.unconverted`` that says why; lesser differences are comments in the units.
"""

from collections.abc import Sequence
from typing import Final

from superd.config.convert import systemd_listen
from superd.config.convert.output import Generated, Names, comment, printable
from superd.config.convert.systemd_access import access
from superd.config.convert.systemd_service import PROXY, service_section
from superd.config.convert.systemd_words import Unconvertible
from superd.config.convert.words import flag, value, values
from superd.config.written import WrittenService

_POLL_LIMIT: Final = "before version 255 it ignores the PollLimit lines"
_UNKNOWN: Final = {
    "access_times": "access_times {}: the service is reachable at any hour",
    "banner": "banner {}",
    "banner_success": "banner_success {}",
    "banner_fail": "banner_fail {}",
    "deny_time": "deny_time {}: nobody is put on a list",
    "max_load": "max_load {}: load is not looked at",
    "log_type": "log_type {}: output goes to the journal",
    "log_on_success": "log_on_success {}: the journal has the unit's start and end",
    "log_on_failure": "log_on_failure {}: refusals are not logged",
    "rate": "rate {}: no bound on how often one source comes",
    "address_rule": "address_rule {}: who is on both lists is refused",
    "paranoid": "paranoid {}: names are not looked up",
    "source_rate_per_minute": "at most {} connections per minute from one source",
}


def files(services: Sequence[WrittenService]) -> list[Generated]:
    """Give the units of every service; those that can't be converted are explained in a file of their own."""
    names = Names()
    found: list[Generated] = []
    for service in services:
        name = names.give(value(service.id) or service.name)
        try:
            found += _units(name, service)
        except Unconvertible as error:
            text = f"{service.origin}: {value(service.id) or service.name} has no counterpart in systemd:\n{error}"
            found.append(Generated(f"{name}.unconverted", comment(text)))
    return found


def _units(name: str, service: WrittenService) -> list[Generated]:
    _refuse(service)
    accept = _accepts(service)
    filters, remarks = access(service)
    remarks = [*remarks, *_remarks(service, accept)]
    origin = comment(f"{service.origin}, converted by superd")
    unit = f"[Unit]\nDescription={_description(service)}\n"
    listening = _lines([*systemd_listen.socket_section(service, accept), *filters])
    install = "[Install]\nWantedBy=sockets.target\n"
    if service.disable is not None and service.disable.value.lower() == "yes":
        install = comment(f"disabled at {service.disable.origin}; to enable:\n{install.rstrip()}")
    head = origin + "".join(map(comment, remarks))
    template = "@" if accept else ""
    return [
        Generated(f"{name}.socket", f"{head}{unit}\n[Socket]\n{listening}\n{install}"),
        Generated(
            f"{name}{template}.service", f"{origin}{unit}\n[Service]\n{_lines(service_section(service))}"
        ),
    ]


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _refuse(service: WrittenService) -> None:
    """Raise for what systemd has nothing to answer with."""
    kinds = {word.upper() for word in values(service.type)}
    reasons = {
        "INTERNAL": f"the built-in {service.name} needs a super-server that has it",
        "RPC": "systemd registers no RPC programs",
        "TCPMUX": "systemd has no tcpmux",
        "TCPMUXPLUS": "systemd has no tcpmux",
    }
    for kind, reason in reasons.items():
        if kind in kinds:
            raise Unconvertible(reason)
    if flag(service, "SENSOR"):
        raise Unconvertible("systemd has no sensors")


def _accepts(service: WrittenService) -> bool:
    """Tell whether systemd accepts: one instance of the service for each connection."""
    nowait = value(service.wait).lower() != "yes"
    return nowait and value(service.socket_type) != "dgram" and service.redirect is None


def _description(service: WrittenService) -> str:
    """One line; a backslash at its end would join the next one to it."""
    text = f"{value(service.id) or service.name} (from {service.origin})"
    return printable(text).replace("%", "%%").replace("\\", "/")


def _remarks(service: WrittenService, accept: bool) -> list[str]:
    found = [
        "no counterpart in systemd: " + text.format(" ".join(_written(service, name)))
        for name, text in _UNKNOWN.items()
        if _written(service, name)
    ]
    if "/" in value(service.per_source):
        found.append(f"per_source {value(service.per_source)}: systemd counts addresses, not networks")
    if service.cps is not None:
        found.append(
            f"cps: systemd slows down instead of pausing for {service.cps[-1].value} seconds; {_POLL_LIMIT}"
        )
    if service.rate_per_minute is not None:
        found.append(
            f"the limit per minute: systemd slows down instead of pausing for 10 minutes; {_POLL_LIMIT}"
        )
    if value(service.wait).lower() == "no" and value(service.socket_type) == "dgram":
        found.append(
            "systemd starts one server for all datagrams, as with wait = yes; the server must serve several"
        )
    if value(service.groups).lower() != "yes" and service.user is not None and service.redirect is None:
        found.append("groups = no: systemd gives the server the user's supplementary groups all the same")
    if accept:
        found.append("the peer's address is in REMOTE_ADDR; xinetd calls it REMOTE_HOST")
    if service.redirect is not None:
        found.append(f"redirect is done by {PROXY}")
    return found


def _written(service: WrittenService, name: str) -> list[str]:
    written = getattr(service, name)
    return values(written) if isinstance(written, tuple) else [value(written)] if written is not None else []
