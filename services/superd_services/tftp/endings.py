"""How transfers end before their time: what the client is told, and what the log."""

import errno
from collections.abc import Iterable
from typing import Final

from superd.service import Finish, Outcome, Send, TransferAction
from superd_services.tftp import packet
from superd_services.tftp.files import Refused
from superd_services.tftp.packet import ErrorCode, Malformed

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_ABORTS: Final = frozenset({ErrorCode.UNDEFINED, ErrorCode.OPTIONS})
"""Codes with which a client that only wanted a size breaks off: EDK2 sends 8, PXE ROMs 0."""


def refuse(
    code: ErrorCode, text: str, reason: str = "", outcome: Outcome = Outcome.REFUSED
) -> tuple[Send, Finish]:
    """Tell the client why not, and end."""
    return Send(packet.error(code, text)), Finish(outcome, reason or text)


def failed(error: Exception) -> Iterable[TransferAction]:
    """Answer what a file raised; what can't be explained is raised again, as a fault of ours."""
    if isinstance(error, Refused | Malformed):
        return refuse(error.code, error.text, str(error))
    if isinstance(error, TimeoutError | BlockingIOError):
        return refuse(ErrorCode.UNDEFINED, "No answer now, try again later", str(error), Outcome.FAILED)
    if not isinstance(error, OSError):
        raise error
    code, text = _words(error)
    return refuse(code, text, error.strerror or str(error), Outcome.FAILED)


def _words(error: OSError) -> tuple[ErrorCode, str]:
    if isinstance(error, FileNotFoundError):
        return ErrorCode.NOT_FOUND, "File not found"
    if isinstance(error, PermissionError):
        return ErrorCode.ACCESS, "Access denied"
    if error.errno in _FULL:
        return ErrorCode.DISK_FULL, "Disk full"
    return ErrorCode.UNDEFINED, "The file can't be read or written"


def aborted(data: bytes, *, probe: bool) -> Finish:
    """The client sent an ERROR; ``probe``: it can have learnt by now what it wanted to know."""
    code, text = packet.parse_error(data)
    if probe and code in _ABORTS:
        return Finish(Outcome.PROBED)
    return Finish(Outcome.FAILED, f"the client broke off: error {code} {text}".rstrip())
