"""Short spellings for endpoints and services of tests that bind sockets."""

from superd.config.model import Builtin, Endpoint, Family, Service, SocketType
from superd.config.origin import Origin
from superd.service import Options


def inet(
    port: int,
    address: str = "127.0.0.1",
    kind: SocketType = SocketType.STREAM,
    *,
    device: str = "",
    optional: bool = False,
    nodelay: bool = False,
    keepalive: bool = False,
    sndbuf: int | None = None,
    rcvbuf: int | None = None,
) -> Endpoint:
    """An endpoint of TCP, or of UDP for datagrams; IPv6 when the address has a colon."""
    return Endpoint(
        family=Family.INET6 if ":" in address else Family.INET,
        socket_type=kind,
        protocol="udp" if kind is SocketType.DGRAM else "tcp",
        address=address,
        port=port,
        device=device,
        optional=optional,
        nodelay=nodelay,
        keepalive=keepalive,
        sndbuf=sndbuf,
        rcvbuf=rcvbuf,
    )


def unix(
    path: object,
    kind: SocketType = SocketType.STREAM,
    mode: int = 0o666,
    owner: tuple[int, int] | None = None,
) -> Endpoint:
    """An endpoint at a path."""
    return Endpoint(
        family=Family.UNIX, socket_type=kind, protocol="", address=str(path), mode=mode, owner=owner
    )


def service(key: str, *endpoints: Endpoint, wait: bool = False, line: int = 1) -> Service:
    """A built-in service with these endpoints, written at ``test.conf``."""
    return Service(
        key=key,
        id=key,
        name=key,
        origin=Origin("test.conf", line),
        socket_type=endpoints[0].socket_type if endpoints else SocketType.STREAM,
        wait=wait,
        endpoints=endpoints,
        action=Builtin(name="echo", options=Options()),
    )
