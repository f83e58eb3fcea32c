"""What a client's name for a file means: ``spoken``, before the map file's rules, ``Name``, after them; ``roots``.

Every name is relative to a root, with or without a slash before it. The system's own checks (``system.jail``) don't
depend on anything done here.
"""

import re
from ipaddress import ip_address
from typing import Final

from superd_services.tftp.files import Refused
from superd_services.tftp.options import TftpOptions
from superd_services.tftp.packet import ErrorCode

_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")


def spoken(options: TftpOptions, name: bytes) -> bytes:
    """Return the name with slashes and small letters, as far as configured; what is no ASCII letter has no case."""
    if options.backslashes:
        name = name.replace(b"\\", b"/")
    return name.lower() if options.lowercase else name


class Name:
    """A name in its ``parts``: at least one, and none is empty, ``.`` or ``..``.

    Raises:
        Refused: it goes upwards, has control characters, or can't be that of a file.
    """

    __slots__ = ("absolute", "parts")

    def __init__(self, name: bytes) -> None:
        found = name.split(b"/")
        if _CONTROL.search(name):
            raise Refused(ErrorCode.ACCESS, "Access violation", "control characters in the name")
        if b".." in found:
            raise Refused(ErrorCode.ACCESS, "Access violation", "the name goes upwards (..)")
        if found[-1] in {b"", b"."}:
            raise Refused(ErrorCode.NOT_FOUND, "File not found", "the name is empty, or that of a directory")
        self.absolute = name.startswith(b"/")
        self.parts = tuple(part for part in found if part not in {b"", b"."})

    def below(self, root: str) -> bytes:
        """Return the path relative to a root; an absolute name may begin with the root's own."""
        above = tuple(part.encode() for part in root.split("/") if part)
        inside = self.absolute and len(self.parts) > len(above) and self.parts[: len(above)] == above
        return b"/".join(self.parts[len(above) :] if inside else self.parts)


def roots(options: TftpOptions, host: str) -> tuple[str, ...]:
    """Return the roots of the client with this address: those of the longest network that it is in, or ``root``."""
    address = ip_address(host)
    fitting = [(network, path) for network, path in options.client_root if address in network]
    longest = max((network.prefixlen for network, _ in fitting), default=0)
    return tuple(path for network, path in fitting if network.prefixlen == longest) or options.root
