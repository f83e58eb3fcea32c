"""The time service (RFC 868)."""

from superd.service import BuiltinService
from superd_services.time.protocol import TimeDatagram, TimeStream

SERVICE = BuiltinService(
    name="time",
    summary="tells the time as a binary number",
    stream=TimeStream.machine,
    datagram=TimeDatagram.machine,
    amplifies=True,
)

__all__ = ["SERVICE"]
