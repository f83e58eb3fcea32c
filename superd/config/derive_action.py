"""What a service does: a built-in, a program, a redirection or, as a sensor, nothing."""

from typing import Final

from superd.config import tcpd, values
from superd.config.context import Context
from superd.config.derive_builtin import derive_builtin
from superd.config.derive_credentials import derive_credentials
from superd.config.derive_sensor import derive_sensor
from superd.config.model import Builtin, Program, Redirect, ResourceLimit, Sensor
from superd.config.written import Word

_RESOURCES: Final = (
    ("AS", "rlimit_as"),
    ("CPU", "rlimit_cpu"),
    ("DATA", "rlimit_data"),
    ("NOFILE", "rlimit_files"),
    ("RSS", "rlimit_rss"),
    ("STACK", "rlimit_stack"),
)


def derive_action(context: Context) -> Program | Builtin | Redirect | Sensor | None:
    """Derive the action; ``None`` after an error, which is reported."""
    if context.sensor:
        return derive_sensor(context)
    if context.internal:
        return derive_builtin(context)
    if context.written.redirect is not None:
        return _redirect(context)
    return _program(context)


def behind_tcpd(context: Context) -> tuple[str, str] | None:
    """Return path and daemon name of what tcpd would start; ``None`` when tcpd is not the server."""
    written = context.written
    if written.server is None or not tcpd.is_tcpd(written.server.value) or not written.server_args:
        return None
    if "NAMEINARGS" not in context.flags:
        return None
    try:
        return tcpd.real_program(written.server_args[0].value)
    except ValueError:
        return None


def _redirect(context: Context) -> Redirect | None:
    written = context.written
    host, port = written.redirect or ()
    if context.waits:
        context.error("redirect-wait", host.origin, f"redirected service {written.name} must not wait")
    if not context.streams:
        context.error("redirect-protocol", host.origin, "only tcp can be redirected")
    if "NAMEINARGS" in context.flags:
        context.error("redirect-arguments", host.origin, "NAMEINARGS means nothing for a redirected service")
    context.missing("redirect", host.origin)
    number = context.value("redirect", port, lambda text: _target_port(context, text))
    credentials = derive_credentials(context)
    if number is None or credentials is None:
        return None
    return Redirect(host=host.value, port=number, credentials=credentials)


def _target_port(context: Context, text: str) -> int:
    named = None if text[:1].isdigit() else context.machine.port(text, "tcp")
    return values.integer(text, 1, values.PORT_LIMIT) if named is None else named


def _program(context: Context) -> Program | None:
    written = context.written
    path, argv = _command(context)
    credentials = derive_credentials(context)
    limits = _limits(context)
    environment = _environment(context)
    umask = context.value("umask", written.umask, values.octal)
    if not context.streams and not context.waits:
        origin = written.wait.origin if written.wait else written.origin
        text = "wait = no: a program for each peer, whose datagrams it reads and writes, without addresses"
        context.warning("datagram-nowait", origin, text, xinetd="starts programs without end")
    if path is None or credentials is None:
        return None
    return Program(
        path=path,
        argv=argv,
        env=environment,
        credentials=credentials,
        umask=context.machine.umask if umask is None else umask,
        limits=limits,
    )


def _command(context: Context) -> tuple[str | None, tuple[str, ...]]:
    server = context.written.server
    args = tuple(word.value for word in context.written.server_args or ())
    if server is None:
        return None, ()
    if "NAMEINARGS" in context.flags and not args:
        origin = context.origin_of(context.written.flags, "NAMEINARGS")
        context.error("name-without-arguments", origin, "NAMEINARGS needs server_args")
        return None, ()
    if tcpd.is_tcpd(server.value):
        return _wrapped(context, server, args)
    _check_server(context, server, server.value)
    if "NAMEINARGS" in context.flags:
        _warn_late(context)
        return server.value, args
    return server.value, (server.value.rpartition("/")[2], *args)


def _warn_late(context: Context) -> None:
    """Point out a flag that comes too late for xinetd, which looks for it while it reads server_args."""
    flag = context.origin_of(context.written.flags, "NAMEINARGS")
    args = context.written.server_args
    if args and flag.line > args[0].origin.line:
        text = "NAMEINARGS stands behind server_args"
        context.warning("late-arguments-flag", flag, text, xinetd="crashes at each connection")


def _wrapped(context: Context, server: Word, args: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """Start what tcpd would start; hosts.allow and hosts.deny are asked here."""
    found = behind_tcpd(context)
    if found is None:
        text = "tcpd needs flags = NAMEINARGS, and the server it shall start as the first of server_args"
        context.error("tcpd-without-program", server.origin, text, xinetd="starts it, and tcpd then fails")
        return None, ()
    path, daemon = found
    word = (context.written.server_args or (server,))[0]
    obstacle = context.machine.obstacle(path)
    if obstacle:
        text = f"server {path}, which tcpd is to start, {obstacle}"
        context.error("tcpd-without-program", word.origin, text, xinetd="starts tcpd, which then fails")
    if context.written.dialect == "xinetd" and context.machine.obstacle(server.value):
        text = f"{server.value} does not exist; its work is done here"
        context.warning("tcpd-missing", server.origin, text, xinetd="does not start the service")
    return path, (daemon, *args[1:])


def _check_server(context: Context, word: Word, path: str) -> None:
    if not path.startswith("/"):
        context.error("relative-server", word.origin, f"server {path} is not an absolute path")
        return
    obstacle = context.machine.obstacle(path)
    if obstacle == "is a directory":
        context.error(
            "server-directory", word.origin, f"server {path} {obstacle}", xinetd="starts, and fails later"
        )
    elif obstacle:
        context.error("server-missing", word.origin, f"server {path} {obstacle}")


def _limits(context: Context) -> tuple[ResourceLimit, ...]:
    found = []
    for resource, name in _RESOURCES:
        word: Word | None = getattr(context.written, name)
        value = context.value(name, word, values.cpu_limit if resource == "CPU" else values.limit)
        if word is None or (value is None and word.value.upper() != "UNLIMITED"):
            continue
        if value == 0:
            context.warning("limit-zero", word.origin, f"{name} = 0 sets no limit, as in xinetd")
            continue
        found.append(ResourceLimit.model_validate({"resource": resource, "value": value}))
    return tuple(found)


def _environment(context: Context) -> tuple[tuple[str, str], ...]:
    """Merge passenv, or all of the daemon's environment, with env."""
    own = context.machine.environment
    if context.written.passenv is None:
        found = dict(own)
    else:
        names = {word.value: word for word in context.written.passenv}
        found = {name: own[name] for name in names if name in own}
        for name in names.keys() - found.keys():
            text = f"passenv: {name} is not set"
            hint = "values are given with env" if "/" in name or "=" in name else ""
            context.warning("passenv-unset", names[name].origin, text, hint=hint)
    for word in context.written.env or ():
        pair = context.value("env", word, values.setting)
        if pair is not None:
            found[pair[0]] = pair[1]
    return tuple(found.items())
