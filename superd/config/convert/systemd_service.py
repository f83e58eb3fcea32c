"""The ``[Service]`` section: the program, its credentials, environment and limits (systemd.exec(5))."""

from pathlib import PurePosixPath
from typing import Final

from superd.config.convert.systemd_words import Unconvertible, quote, word
from superd.config.convert.words import flag, value, values
from superd.config.written import WrittenService

PROXY: Final = "/usr/lib/systemd/systemd-socket-proxyd"
"""What systemd passes connections on with."""

TCPD: Final = "/usr/sbin/tcpd"
"""Stands in front of servers whose access hosts.allow and hosts.deny decide."""

_LIMITS: Final = {
    "rlimit_as": "LimitAS",
    "rlimit_cpu": "LimitCPU",
    "rlimit_data": "LimitDATA",
    "rlimit_files": "LimitNOFILE",
    "rlimit_rss": "LimitRSS",
    "rlimit_stack": "LimitSTACK",
}
_RENAMED: Final = {"user": "User", "group": "Group", "umask": "UMask", "nice": "Nice"}


def service_section(service: WrittenService) -> list[str]:
    """The lines of the section. Raises Unconvertible for a server that systemd can't start."""
    found = [f"ExecStart={_command(service)}"]
    if service.redirect is None:
        found += [f"Standard{stream}=socket" for stream in ("Input", "Output", "Error")]
    for ours, theirs in _RENAMED.items():
        if written := value(getattr(service, ours)):
            found.append(f"{theirs}={word(written)}")
    found += [f"Environment={quote(pair, '%')}" for pair in values(service.env)]
    if service.passenv:
        found.append(f"PassEnvironment={' '.join(map(word, values(service.passenv)))}")
    for ours, theirs in _LIMITS.items():
        if written := value(getattr(service, ours)):
            found.append(
                f"{theirs}={'infinity' if written.upper() == 'UNLIMITED' else word(written.upper())}"
            )
    return found


def _command(service: WrittenService) -> str:
    """The command line; ``-`` because a server's exit status is no failure, ``@`` because argv[0] is given."""
    if service.redirect is not None:
        host, port = (each.value for each in service.redirect)
        return f"{PROXY} {quote(f'[{host}]:{port}' if ':' in host else f'{host}:{port}')}"
    path = value(service.server)
    if not path.startswith("/"):
        raise Unconvertible(f"the server {path!r} is not an absolute path")
    argv = values(service.server_args)
    if not flag(service, "NAMEINARGS"):
        argv = [PurePosixPath(path).name, *argv]
    daemon = value(service.libwrap)
    if daemon:
        if PurePosixPath(path).name != daemon:
            raise Unconvertible(f"tcpd asks for the server's own name, not for libwrap = {daemon}")
        path, argv = TCPD, [path, *argv[1:]]
    return f"-@{quote(path)} {' '.join(map(quote, argv))}"
