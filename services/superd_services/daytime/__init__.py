"""The daytime service (RFC 867)."""

from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator

from superd.service import BuiltinService, Options
from superd_services.daytime.protocol import DaytimeDatagram, DaytimeStream, Format, zone


def _installed(name: str) -> str:
    zone(name)
    return name


class DaytimeOptions(Options):
    """The attributes of daytime."""

    format: Format = Format.XINETD
    """The form of the line: ``xinetd``, ``inetd``, ``rfc867`` or ``iso8601``."""
    time_zone: Annotated[str, AfterValidator(_installed)] | None = None
    """A name such as ``Europe/Vienna`` or ``UTC``; without it, the machine's zone."""


def _stream(options: Options) -> DaytimeStream:
    return _shared(options.format, options.time_zone) if isinstance(options, DaytimeOptions) else _PLAIN


@lru_cache(maxsize=64)
def _shared(form: Format, name: str | None) -> DaytimeStream:
    return DaytimeStream(form, zone(name) if name else None)


def _datagram(options: Options) -> DaytimeDatagram:
    chosen = options if isinstance(options, DaytimeOptions) else DaytimeOptions()
    return DaytimeDatagram(chosen.format, zone(chosen.time_zone) if chosen.time_zone else None)


_PLAIN = _shared(Format.XINETD, None)

SERVICE = BuiltinService(
    name="daytime",
    summary="tells the date and time as text",
    options=DaytimeOptions,
    stream=_stream,
    datagram=_datagram,
    amplifies=True,
)

__all__ = ["SERVICE"]
