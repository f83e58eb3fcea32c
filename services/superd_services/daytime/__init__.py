"""The daytime service (RFC 867)."""

from superd.service import BuiltinService
from superd_services.daytime.protocol import DaytimeDatagram, DaytimeStream

SERVICE = BuiltinService(
    name="daytime",
    summary="tells the date and time as text",
    stream=DaytimeStream.machine,
    datagram=DaytimeDatagram.machine,
    amplifies=True,
)

__all__ = ["SERVICE"]
