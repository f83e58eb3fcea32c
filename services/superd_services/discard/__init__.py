"""The discard service (RFC 863)."""

from superd.service import BuiltinService
from superd_services.discard.protocol import DiscardDatagram, DiscardStream

SERVICE = BuiltinService(
    name="discard",
    summary="reads and throws away",
    stream=DiscardStream.machine,
    datagram=DiscardDatagram.machine,
    measures=True,
)

__all__ = ["SERVICE"]
