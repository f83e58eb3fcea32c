"""Services that differ only in what they log."""

from superd.config.model import Builtin, Service, ServiceLog, SocketType
from superd.config.origin import Origin
from superd.service import Options


def service(log: ServiceLog, key: str = "echo-stream") -> Service:
    """A built-in service without addresses."""
    return Service(
        key=key,
        id=key,
        name="echo",
        origin=Origin("services.conf", 1),
        socket_type=SocketType.STREAM,
        wait=False,
        endpoints=(),
        action=Builtin(name="echo", options=Options()),
        log=log,
    )
