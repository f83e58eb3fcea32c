"""The echo service (RFC 862)."""

from superd.service import BuiltinService
from superd_services.echo.protocol import EchoDatagram, EchoStream

SERVICE = BuiltinService(
    name="echo",
    summary="sends back what it receives",
    stream=EchoStream.machine,
    datagram=EchoDatagram.machine,
    measures=True,
)

__all__ = ["SERVICE"]
