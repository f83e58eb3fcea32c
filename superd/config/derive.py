"""``derive``: the model as written -> the model as used, one service at a time.

The parts have files of their own: ``derive_endpoints``, ``derive_action``, ``derive_access``, ``derive_limits``,
``derive_log``. Every part reports all it finds; a service with an error is not started.
"""

from collections.abc import Collection
from typing import Final

from superd.config import attributes
from superd.config.context import Context
from superd.config.derive_access import check_shared, derive_access
from superd.config.derive_action import derive_action
from superd.config.derive_addresses import derive_addresses
from superd.config.derive_endpoints import derive_endpoints, socket_type
from superd.config.derive_limits import derive_limits
from superd.config.derive_log import derive_banners, derive_log
from superd.config.derive_rpc import derive_rpc, derive_tcpmux
from superd.config.machine import Machine
from superd.config.model import Service
from superd.config.origin import Origin, Report
from superd.config.values import octal, yes_no
from superd.config.written import Words, WrittenDefaults, WrittenService

TYPES: Final = frozenset({"RPC", "INTERNAL", "UNLISTED", "TCPMUX", "TCPMUXPLUS", "SPECIAL"})
"""Words of ``type``."""

FLAGS: Final = frozenset(
    {"INTERCEPT", "NORETRY", "IDONLY", "NAMEINARGS", "NODELAY", "KEEPALIVE", "NOLIBWRAP", "SENSOR", "REUSE"}
    | {"IPV4", "IPV6", "LABELED"}
)
"""Words of ``flags``, in capitals."""

_UNSUPPORTED_FLAGS: Final = {
    "LABELED": "SELinux labels (flags = LABELED)",
}


def derive(
    written: WrittenService,
    report: Report,
    machine: Machine | None = None,
    *,
    extensions: Collection[str] = (),
) -> Service | None:
    """Turn a service as written into one as used; ``None`` after an error, which is reported.

    ``extensions`` are the names of further built-in services that the configuration allows. The key is the id;
    ``load`` makes it unique.
    """
    context = Context(written, report, machine or Machine(), extensions)
    context.types = _known(context, "type", written.type, TYPES)
    context.flags = _known(context, "flags", written.flags, FLAGS)
    if written.disable is not None and context.value("disable", written.disable, yes_no):
        return None
    _require(context)
    _check_flags(context)
    service = _service(context)
    _check_revival(context)
    return None if context.failed else service


def check_defaults(defaults: WrittenDefaults, report: Report, machine: Machine) -> None:
    """Report what is wrong with the values of defaults, whether or not a service inherits them."""
    shared = {name: getattr(defaults, name) for name in attributes.DEFAULTS if name in attributes.SERVICE}
    written = WrittenService(name="defaults", origin=Origin(""), **shared)
    context = Context(written, report, machine)
    derive_limits(context)
    derive_log(context)
    derive_banners(context)
    check_shared(context)
    derive_addresses(context)
    context.value("umask", written.umask, octal)
    context.value("groups", written.groups, yes_no)
    context.value("v6only", written.v6only, yes_no)


def _known(context: Context, name: str, words: Words | None, known: frozenset[str]) -> frozenset[str]:
    for word in words or ():
        if word.value.upper() not in known:
            hint = "did you mean disable = yes?" if word.value.upper() == "DISABLE" else ""
            context.bad(
                name, word.origin, f"there is no {word.value!r}: {', '.join(sorted(known))}", hint=hint
            )
    return frozenset(word.value.upper() for word in words or ())


def _require(context: Context) -> None:
    """Name every attribute that is missing, as xinetd does."""
    written = context.written
    missing = ["wait"] if written.wait is None else []
    if written.socket_type is None and written.protocol is None:
        missing += ["socket_type", "protocol"]
    if not (context.internal or context.sensor):
        missing += ["user"] if written.user is None else []
        missing += ["server"] if written.server is None and written.redirect is None else []
    context.value("wait", written.wait, yes_no)
    for name in missing:
        context.error(
            "missing-attribute", written.origin, f"service {written.name} needs the attribute {name}"
        )


def _check_flags(context: Context) -> None:
    flags = context.written.flags
    for flag, feature in _UNSUPPORTED_FLAGS.items():
        if flag in context.flags:
            context.missing(feature, context.origin_of(flags, flag))
    if "INTERCEPT" in context.flags:
        origin = context.origin_of(flags, "INTERCEPT")
        if context.waits and not (context.internal or context.sensor):
            context.missing("checking each packet of a wait service (flags = INTERCEPT)", origin)
        else:
            context.warning("intercept-ignored", origin, "INTERCEPT means nothing without wait = yes")


def _check_revival(context: Context) -> None:
    """A bad value switches a service off; in xinetd a ``disable = no`` further down switches it on again."""
    word = context.written.disable
    if word is not None and any(
        bad.file == word.origin.file and bad.line < word.origin.line for bad in context.bad_values
    ):
        text = "disable = no does not start a service with a bad value"
        context.warning("not-revived", word.origin, text, xinetd="starts it without the bad line")


def _service(context: Context) -> Service | None:
    """Derive every part, so that every problem is reported; put them together if nothing failed."""
    written = context.written
    kind = socket_type(context)
    rpc = derive_rpc(context)
    tcpmux = derive_tcpmux(context)
    action = derive_action(context)
    access = derive_access(context)
    limits = derive_limits(context)
    log = derive_log(context)
    banners = derive_banners(context)
    endpoints = derive_endpoints(context, kind) if kind is not None else ()
    if context.failed or action is None or kind is None:
        return None
    name = written.id.value if written.id else written.name
    return Service(
        key=name,
        id=name,
        name=written.name,
        origin=written.origin,
        socket_type=kind,
        wait=context.waits and not context.sensor,
        endpoints=endpoints,
        action=action,
        access=access,
        limits=limits,
        log=log,
        banners=banners,
        rpc=rpc,
        tcpmux=tcpmux,
        ident_required="IDONLY" in context.flags,
        unsupported=tuple(context.unsupported),
    )
