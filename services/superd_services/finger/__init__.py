"""The finger service (RFC 1288)."""

from superd.service import BuiltinService
from superd_services.finger.machine import FingerMachine
from superd_services.finger.options import FingerOptions
from superd_services.finger.system import look_up

SERVICE = BuiltinService(
    name="finger",
    summary="tells about the users of this machine",
    options=FingerOptions,
    stream=FingerMachine.factory(look_up),
)

__all__ = ["SERVICE"]
