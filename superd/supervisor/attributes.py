"""The attributes of one service as text for the state dump, inherited values included, by xinetd's names."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from superd.config.model import (
    AddressPattern,
    Builtin,
    Credentials,
    Endpoint,
    FileTarget,
    Program,
    Redirect,
    Sensor,
    Service,
    SyslogTarget,
)
from superd.config.written import Written

UNLIMITED: Final = "UNLIMITED"

_FOREVER: Final = -1
"""``Access.deny_minutes`` of ``deny_time = FOREVER``."""


def attributes(service: Service) -> Iterator[tuple[str, str]]:
    """Yield name and text of each attribute; the same service always gives the same lines."""
    yield "id", service.id
    yield "written at", str(service.origin)
    for name, describe in _ATTRIBUTES:
        for text in describe(service):
            yield name, text


def _type(service: Service) -> Iterator[str]:
    words = {"INTERNAL": isinstance(service.action, Builtin), "RPC": service.rpc is not None,
             "TCPMUX": service.tcpmux == "plain", "TCPMUXPLUS": service.tcpmux == "plus"}  # fmt: skip
    yield " ".join(word for word, holds in words.items() if holds) or "(program)"


def _flags(service: Service) -> Iterator[str]:
    words = {
        "IDONLY": service.ident_required,
        "SENSOR": service.sensor,
        "NODELAY": any(endpoint.nodelay for endpoint in service.endpoints),
        "KEEPALIVE": any(endpoint.keepalive for endpoint in service.endpoints),
    }
    if found := [word for word, holds in words.items() if holds]:
        yield " ".join(found)


def _protocols(service: Service) -> Iterator[str]:
    yield from dict.fromkeys(endpoint.protocol or "unix" for endpoint in service.endpoints)


def _addresses(service: Service) -> Iterator[str]:
    yield from map(_address, service.endpoints)


def _address(endpoint: Endpoint) -> str:
    facts = [f"sndbuf {endpoint.sndbuf}"] if endpoint.sndbuf else []
    facts += [f"rcvbuf {endpoint.rcvbuf}"] if endpoint.rcvbuf else []
    if not endpoint.protocol:
        owner = "{}:{} ".format(*endpoint.owner) if endpoint.owner else ""
        facts.append(f"{owner}mode {endpoint.mode:04o}")
    return f"{endpoint} ({', '.join(facts)})" if facts else str(endpoint)


def _credentials(service: Service) -> Credentials | None:
    return service.action.credentials


def _user(service: Service) -> Iterator[str]:
    if found := _credentials(service):
        yield f"{found.user} (uid {found.uid})"


def _group(service: Service) -> Iterator[str]:
    if found := _credentials(service):
        yield f"gid {found.gid}"


def _groups(service: Service) -> Iterator[str]:
    if found := _credentials(service):
        yield " ".join(map(str, found.groups)) or "no"


def _nice(service: Service) -> Iterator[str]:
    if found := _credentials(service):
        yield str(found.nice)


def _umask(service: Service) -> Iterator[str]:
    if isinstance(service.action, Program):
        yield f"{service.action.umask:03o}"


def _instances(service: Service) -> Iterator[str]:
    yield _limit(service.limits.instances)


def _per_source(service: Service) -> Iterator[str]:
    limit = service.limits.per_source
    yield f"{limit.value}{service.limits.per_source_prefix} ({limit.origin})" if limit else UNLIMITED


def _limit(limit: Written[int] | Written[float] | None) -> str:
    return f"{limit.value} ({limit.origin})" if limit else UNLIMITED


def _rate(service: Service) -> Iterator[str]:
    if not (cps := service.limits.cps):
        yield UNLIMITED
        return
    window = f" in {cps.value.window} s" if cps.value.window is not None else ""
    yield f"{cps.value.starts}{window}, pause {cps.value.pause} s ({cps.origin})"


def _max_load(service: Service) -> Iterator[str]:
    if service.limits.max_load:
        yield _limit(service.limits.max_load)


def _source_rates(service: Service) -> Iterator[str]:
    yield from (f"{rate.value} ({rate.origin})" for rate in service.limits.source_rates)


def _server(service: Service) -> Iterator[str]:
    match service.action:
        case Program(path=path):
            yield path
        case Builtin(name=name):
            yield f"built-in {name}"
        case Sensor():
            yield "(sensor)"


def _argv(service: Service) -> Iterator[str]:
    if isinstance(service.action, Program):
        yield " ".join(service.action.argv)


def _redirect(service: Service) -> Iterator[str]:
    if isinstance(service.action, Redirect):
        host = service.action.host
        yield f"[{host}]:{service.action.port}" if ":" in host else f"{host}:{service.action.port}"


def _options(service: Service) -> Iterator[str]:
    if isinstance(service.action, Builtin):
        options = service.action.options
        yield from (f"{name} = {getattr(options, name)}" for name in type(options).model_fields)


def _rlimits(service: Service) -> Iterator[str]:
    if isinstance(service.action, Program):
        for limit in service.action.limits:
            yield f"{limit.resource} {UNLIMITED if limit.value is None else limit.value}"


def _libwrap(service: Service) -> Iterator[str]:
    yield service.access.daemon or "(not asked)"


def _rpc(service: Service) -> Iterator[str]:
    if service.rpc:
        yield f"program {service.rpc.number}, versions {service.rpc.lowest}-{service.rpc.highest}"


def _times(service: Service) -> Iterator[str]:
    spans = service.access.times
    yield "always" if spans is None else " ".join(map(str, spans)) or "never"


def _only_from(service: Service) -> Iterator[str]:
    yield _patterns(service.access.only_from, unset="all sites")


def _no_access(service: Service) -> Iterator[str]:
    yield _patterns(service.access.no_access, unset="no site")


def _patterns(patterns: Iterable[AddressPattern] | None, unset: str) -> str:
    if patterns is None:
        return unset
    return " ".join(f"{entry.text}({'NET' if entry.network else 'HOST'})" for entry in patterns) or "no site"


def _address_rule(service: Service) -> Iterator[str]:
    if service.access.most_specific:
        yield "most-specific"


def _paranoid(service: Service) -> Iterator[str]:
    if service.access.paranoid:
        yield f"yes ({service.access.paranoid})"


def _deny_time(service: Service) -> Iterator[str]:
    if (minutes := service.access.deny_minutes) is not None:
        yield "FOREVER" if minutes == _FOREVER else str(minutes)


def _log_type(service: Service) -> Iterator[str]:
    match service.log.target:
        case SyslogTarget(facility=facility, level=level):
            yield f"SYSLOG {facility} {level}"
        case FileTarget(path=path, soft=soft, hard=hard):
            yield " ".join(str(word) for word in ("FILE", path, soft, hard) if word is not None)
        case None:
            yield "(no service log)"


def _on_success(service: Service) -> Iterator[str]:
    yield " ".join(sorted(service.log.on_success)) or "(none)"


def _on_failure(service: Service) -> Iterator[str]:
    yield " ".join(sorted(service.log.on_failure)) or "(none)"


def _banners(service: Service) -> Iterator[str]:
    banners = service.banners
    for name, text in (("always", banners.always), ("success", banners.success), ("fail", banners.failure)):
        if text:
            yield f"{name}: {len(text)} bytes"


def _environment(service: Service) -> Iterator[str]:
    """Names only where a value may be a secret: the dump is for reading, and for sending to others."""
    if isinstance(service.action, Program):
        yield " ".join(name for name, _ in service.action.env) or "(empty)"


def _unsupported(service: Service) -> Iterator[str]:
    yield from (f"{need.feature} ({need.origin})" for need in service.unsupported)


_ATTRIBUTES: Final[tuple[tuple[str, Callable[[Service], Iterator[str]]], ...]] = (
    ("not supported", _unsupported),
    ("type", _type),
    ("flags", _flags),
    ("socket_type", lambda service: iter([str(service.socket_type)])),
    ("protocol", _protocols),
    ("address", _addresses),
    ("wait", lambda service: iter(["yes" if service.wait else "no"])),
    ("user", _user),
    ("group", _group),
    ("groups", _groups),
    ("umask", _umask),
    ("nice", _nice),
    ("instances", _instances),
    ("per_source", _per_source),
    ("cps", _rate),
    ("max_load", _max_load),
    ("rate", _source_rates),
    ("idle_timeout", lambda service: iter([f"{service.limits.idle_timeout:g} s"])),
    ("server", _server),
    ("server argv", _argv),
    ("redirect", _redirect),
    ("option", _options),
    ("rlimit", _rlimits),
    ("rpc", _rpc),
    ("libwrap", _libwrap),
    ("access_times", _times),
    ("only_from", _only_from),
    ("no_access", _no_access),
    ("address_rule", _address_rule),
    ("paranoid", _paranoid),
    ("lookup_timeout", lambda service: iter([f"{service.access.lookup_seconds:g} s"])),
    ("deny_time", _deny_time),
    ("log_type", _log_type),
    ("log_on_success", _on_success),
    ("log_on_failure", _on_failure),
    ("banner", _banners),
    ("environment", _environment),
)
