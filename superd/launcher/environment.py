"""What a program finds in its environment: the configured variables, and the facts of its connection.

The configured ones (``Program.env``) come first. The facts are set after them and win, as xinetd's REMOTE_HOST does;
a name of ours that was configured or inherited is removed even where the fact is unknown, so that no program takes
a stale value for the address of its client. (What ``setenv`` in hosts.allow adds comes later: ``ruled``.)

=====================  ===================================================================================
REMOTE_HOST            numeric address of the client, as xinetd sets it; ``<no address>``, as there, for a
                       stream service with ``wait``, whose client is not known yet; unset for Unix sockets
REMOTE_ADDR            the same address; unset where unknown
REMOTE_PORT            the client's port
LOCAL_ADDR LOCAL_PORT  where it reached us; for Unix sockets LOCAL_ADDR is the path
SERVICE                the service's id
PROTO                  ``TCP``, ``UDP`` or ``UNIX``: UCSPI (cr.yp.to/proto/ucspi.txt); IPv6 is ``TCP`` too
TCPREMOTEIP (PORT)     UCSPI's names for the same facts, also TCPLOCALIP, TCPLOCALPORT; with UDP for
                       datagrams; UNIXLOCALPATH for Unix sockets
=====================  ===================================================================================

The facts come from a worker, which a client may have taken over: they are numeric addresses and ports of at most
65535, or the worker broke the protocol.
"""

import contextlib
import re
import socket
from collections.abc import Iterable
from typing import Final

from superd.access.addresses import numeric
from superd.config.model import Family, Service
from superd.errors import ProtocolViolation
from superd.privsep.messages import Command, Launch, RuledLaunch

Request = Launch | RuledLaunch | Command
"""What names a connection."""

NO_ADDRESS: Final = "<no address>"
"""xinetd's REMOTE_HOST for a client it does not know."""

_TRANSPORTS: Final = ("TCP", "UDP")

_ENDS: Final = ("REMOTEIP", "REMOTEPORT", "LOCALIP", "LOCALPORT")

NAMES: Final = frozenset(
    {
        "REMOTE_HOST",
        "REMOTE_ADDR",
        "REMOTE_PORT",
        "LOCAL_ADDR",
        "LOCAL_PORT",
        "SERVICE",
        "PROTO",
        "UNIXLOCALPATH",
    }
    | {transport + end for transport in _TRANSPORTS for end in _ENDS}
)
"""Every name this module sets; what was configured under one of them is not passed on."""

_UNSPECIFIED: Final = frozenset({"0.0.0.0", "::"})
"""Where a datagram socket listens that is bound to every address: no fact about a client."""

_shape = re.compile(r"[0-9a-fA-F:.]{2,45}(?:%[0-9A-Za-z_.@-]{1,15})?").fullmatch
"""Shape of a numeric address, with IFNAMSIZ - 1 characters of scope."""


class Environment:
    """The environments of one service's programs; ``configured`` are names and values."""

    __slots__ = ("_base", "_local_ip", "_local_port", "_paths", "_remote_ip", "_remote_port")

    def __init__(self, service: Service, configured: Iterable[tuple[str, str]]) -> None:
        self._paths = frozenset(end.address for end in service.endpoints if end.family is Family.UNIX)
        transport = "UNIX" if self._paths else "UDP" if service.socket_type == "dgram" else "TCP"
        self._base = {name: value for name, value in configured if name not in NAMES}
        self._base |= {"SERVICE": service.id, "PROTO": transport}
        self._remote_ip, self._remote_port = f"{transport}REMOTEIP", f"{transport}REMOTEPORT"
        self._local_ip, self._local_port = f"{transport}LOCALIP", f"{transport}LOCALPORT"

    def of(self, launch: Request) -> dict[str, str]:
        """Build the environment for one connection.

        Raises:
            ProtocolViolation: its facts are no addresses and ports.
        """
        if self._paths:
            return self._of_path(launch)
        variables = self._base.copy()
        variables["REMOTE_HOST"] = NO_ADDRESS
        if launch.peer_host:
            host, port = _checked(launch.peer_host, launch.peer_port)
            variables["REMOTE_HOST"] = variables["REMOTE_ADDR"] = variables[self._remote_ip] = host
            variables["REMOTE_PORT"] = variables[self._remote_port] = port
        if launch.local_host and launch.local_host not in _UNSPECIFIED:
            host, port = _checked(launch.local_host, launch.local_port)
            variables["LOCAL_ADDR"] = variables[self._local_ip] = host
            variables["LOCAL_PORT"] = variables[self._local_port] = port
        return variables

    def _of_path(self, launch: Request) -> dict[str, str]:
        if launch.peer_host:
            raise ProtocolViolation(f"{type(launch).__name__} has an address for a client of a Unix socket")
        if launch.local_host not in self._paths | {""}:
            raise ProtocolViolation(
                f"{type(launch).__name__} names a Unix socket that the service does not have"
            )
        path = (
            {"LOCAL_ADDR": launch.local_host, "UNIXLOCALPATH": launch.local_host} if launch.local_host else {}
        )
        return self._base | path


def _checked(host: str, port: int) -> tuple[str, str]:
    try:
        numeric(host)
    except ValueError:
        port = -1
    if not 0 <= port <= 65535 or not (_shape(host) or _of_interface(host)):
        raise ProtocolViolation("a launch holds something that is no numeric address and port")
    return host, str(port)


def _of_interface(host: str) -> bool:
    """Accept a scope of unusual characters (``br+lan``) if this machine has an interface of that name."""
    address, _, scope = host.partition("%")
    with contextlib.suppress(OSError, ValueError):
        return bool(scope and _shape(address) and socket.if_nametoindex(scope))
    return False
