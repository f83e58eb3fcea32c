"""The character generator (RFC 864)."""

from superd.service import BuiltinService
from superd_services.chargen.protocol import ChargenDatagram, ChargenStream

SERVICE = BuiltinService(
    name="chargen",
    summary="sends a pattern of printable characters",
    stream=ChargenStream.machine,
    datagram=ChargenDatagram.machine,
    amplifies=True,
)

__all__ = ["SERVICE"]
