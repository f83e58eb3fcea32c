"""The Trivial File Transfer Protocol (RFC 1350)."""

from superd.service import BuiltinService
from superd_services.tftp.options import TftpOptions
from superd_services.tftp.requests import Tftp
from superd_services.tftp.system.store import Store

SERVICE = BuiltinService(
    name="tftp",
    summary="gives files to machines that start from the network",
    options=TftpOptions,
    transfers=Tftp.factory(Store),
    own_worker=True,
)

__all__ = ["SERVICE"]
