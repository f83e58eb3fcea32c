"""A service answered in process: which one, and its own options, checked against its model."""

from collections.abc import Mapping
from typing import get_origin

from pydantic import ValidationError

from superd import builtins
from superd.config import attributes, option_errors
from superd.config.context import Context
from superd.config.derive_credentials import derive_credentials
from superd.config.model import Builtin
from superd.config.origin import Origin
from superd.config.written import Words
from superd.errors import ConfigError
from superd.service import BuiltinService, Options

_LATER = frozenset({"tcpmux"})
"""Built-ins of xinetd that this version does not have yet."""


def derive_builtin(context: Context) -> Builtin | None:
    """Derive the built-in; ``None`` after an error, which is reported."""
    written = context.written
    if "NAMEINARGS" in context.flags:
        origin = context.origin_of(written.flags, "NAMEINARGS")
        text = "NAMEINARGS means nothing for a built-in service; it is ignored"
        context.warning("internal-arguments-flag", origin, text, xinetd="does not start the service")
    credentials = derive_credentials(context)
    if written.server is not None and context.machine.obstacle(written.server.value):
        text = f"{written.server.value} does not exist; a built-in service needs no server"
        context.warning(
            "internal-server-missing", written.server.origin, text, xinetd="does not start the service"
        )
    if written.name.lower() in _LATER:
        context.missing(f"the built-in {written.name}", written.origin)
        return Builtin(name=written.name, options=Options(), credentials=credentials)
    service = _find(context)
    if service is None:
        return None
    options = _options(context, service)
    if options is None:
        return None
    for problem in service.problems(options) if service.problems else ():
        context.warning("service-file", Origin(problem.path, problem.line), problem.text)
    return Builtin(name=service.name, options=options, credentials=credentials)


def _find(context: Context) -> BuiltinService | None:
    name = context.written.name
    if name not in context.extensions:
        name = name.lower()
    try:
        service = builtins.find(name, context.extensions)
    except ConfigError as error:
        context.error("extension-unusable", context.written.origin, str(error))
        return None
    offered = service is not None and (
        service.stream if context.streams else service.datagram or service.transfers or service.links
    )
    if service is None or not offered:
        kind = context.written.socket_type.value if context.written.socket_type else ""
        text = f"there is no built-in service {name}" + (f" for {kind} sockets" if service else "")
        known = "" if service else attributes.closest(name, builtins.BUILTINS)
        context.error(
            "unknown-builtin", context.written.origin, text, hint=f"did you mean {known}?" if known else ""
        )
        return None
    return service


def _options(context: Context, service: BuiltinService) -> Options | None:
    fields = service.options.model_fields
    given = {}
    for name, words in context.written.options.items():
        if name in fields:
            given[name] = _plain(words, fields[name].annotation)
        elif attributes.report_unknown(name, _origin(context, words), context.report, others=list(fields)):
            context.failed = True
    try:
        return service.options.model_validate(given)
    except ValidationError as error:
        _report(context, error, context.written.options)
        return None


def _plain(words: Words, annotation: object) -> str | list[str]:
    """Give a field that holds several values all words, any other one the words as they were written."""
    values = [word.value for word in words]
    return values if get_origin(annotation) in {tuple, list, set, frozenset} else " ".join(values)


def _report(context: Context, error: ValidationError, options: Mapping[str, Words]) -> None:
    for detail in error.errors(include_url=False):
        name, *place = detail["loc"] or (context.written.name,)
        words = options.get(str(name), ())
        at = place[0] if place and isinstance(place[0], int) else 0
        context.bad(
            str(name),
            _origin(context, words[at:]),
            option_errors.reason(detail),
            hint=option_errors.hint(detail),
        )


def _origin(context: Context, words: Words) -> Origin:
    return words[0].origin if words else context.written.origin
