"""The server column and the arguments after it: built-in, program, or program behind tcpd."""

from pathlib import PurePosixPath
from typing import Final

from superd.config import inetd_auth, tcpd
from superd.config.dialect import Argv, Facts, Quotes
from superd.config.inetd_fields import FieldError
from superd.config.origin import Report
from superd.config.written import Word, Words, WrittenService

INTERNAL: Final = "internal"
"""The server column of a built-in."""


def set_program(service: WrittenService, server: Word, args: Words, facts: Facts, report: Report) -> None:
    """Fill ``type``, ``flags``, ``server``, ``server_args`` and ``libwrap``. Raises FieldError."""
    flags = service.flags or ()
    service.flags = (*flags, _at(server, "NOLIBWRAP"))
    if server.value == INTERNAL:
        service.type = (_at(server, "INTERNAL"), *(service.type or ()))
        if service.name in inetd_auth.NAMES:
            inetd_auth.set_options(service, server, args, report)
        else:
            _warn_internal_arguments(service, args, report)
        return
    _check(service, server, args, facts)
    _warn_arguments(args, facts, report)
    argv = args or (_at(server, _default_argv0(server.value, facts)),)
    if tcpd.is_tcpd(server.value):
        path, argv = _behind_tcpd(service, server, args)
        service.flags = flags
    else:
        path = _at(server, _found(server.value, facts))
    service.flags = (*service.flags, _at(server, "NAMEINARGS"))
    service.server = path
    service.server_args = argv


def _at(word: Word, value: str) -> Word:
    return Word(value=value, origin=word.origin)


def _behind_tcpd(service: WrittenService, server: Word, args: Words) -> tuple[Word, Words]:
    """Put the real server in tcpd's place; tcpd passes its own argv on, with the bare name first."""
    if not args:
        raise FieldError("tcpd-without-program", f"{server.value} is given no server to start")
    try:
        path, daemon = tcpd.real_program(args[0].value)
    except ValueError as error:
        raise FieldError("tcpd-without-program", str(error)) from error
    service.libwrap = _at(args[0], daemon)
    return _at(args[0], path), (_at(args[0], daemon), *args[1:])


def _default_argv0(server: str, facts: Facts) -> str:
    return server if facts.missing_argv is Argv.PATH else PurePosixPath(server).name


def _check(service: WrittenService, server: Word, args: Words, facts: Facts) -> None:
    user = service.user.value if service.user else ""
    if "/" not in server.value and server.value == user and args and args[0].value.startswith("/"):
        raise FieldError(
            "server-is-user", f"{user!r} stands in the user and in the server column", "drop one of them"
        )
    if not server.value.startswith("/") and not (facts.path_lookup and "/" not in server.value):
        raise FieldError("relative-server", f"the server {server.value!r} is not an absolute path")
    if facts.percent_address and any("%A" in word.value for word in args):
        raise FieldError("percent-address", "the argument %A, the client's address, is not supported")


def _found(server: str, facts: Facts) -> str:
    """The server's path, looked up where the dialect does that. Raises FieldError."""
    if not facts.path_lookup or server.startswith("/"):
        return server
    path = tcpd.in_search_path(server)
    if path is None:
        raise FieldError(
            "relative-server", f"there is no {server!r} in {tcpd.SEARCH_PATH}", "write its whole path"
        )
    return path


def _warn_internal_arguments(service: WrittenService, args: Words, report: Report) -> None:
    words = [word.value for word in args]
    if words and words != [service.name]:
        text = f"arguments of the built-in {service.name} are not used: {' '.join(words)}"
        report.warning("internal-arguments", args[0].origin, text)


def _warn_arguments(args: Words, facts: Facts, report: Report) -> None:
    for word in args:
        if word.value.startswith("#") and not facts.trailing_comments:
            text = f"{word.value!r} and what follows are arguments of the server, not a comment"
            report.warning("hash-argument", word.origin, text, hint="comments need a line of their own")
            return
        if word.value.startswith(('"', "'")) and facts.quotes is Quotes.NONE:
            text = f"the quote in {word.value!r} is passed to the server as it stands"
            report.warning(
                "literal-quote", word.origin, text, hint="freebsd, netbsd and inetutils read quotes"
            )
            return
