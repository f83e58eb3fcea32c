"""The character generator (RFC 864)."""

from pydantic import Field

from superd.service import BuiltinService, DatagramMachine, Options, StreamMachine
from superd_services.chargen.protocol import ChargenDatagram, ChargenStream, LimitedChargenStream


class ChargenOptions(Options):
    """The attributes of chargen; both concern streams. A datagram never has more than 512 bytes."""

    max_bytes: int = Field(default=0, ge=0)
    """Bytes sent on a connection, after which it is closed; 0 for no limit."""
    max_seconds: float = Field(default=0, ge=0, allow_inf_nan=False)
    """Seconds after which a connection is closed; 0 for no limit."""


_UNLIMITED = ChargenStream()


def _stream(options: Options) -> StreamMachine:
    if isinstance(options, ChargenOptions) and (options.max_bytes or options.max_seconds):
        return LimitedChargenStream(options.max_bytes, options.max_seconds)
    return _UNLIMITED


def _datagram(_options: Options) -> DatagramMachine:
    return ChargenDatagram()


SERVICE = BuiltinService(
    name="chargen",
    summary="sends a pattern of printable characters",
    options=ChargenOptions,
    stream=_stream,
    datagram=_datagram,
    amplifies=True,
    measures=True,
)

__all__ = ["SERVICE"]
