"""Files that exist only as templates, and are made for each client: ``parse``, and ``Virtual``.

A template is any text with words between at signs: ``@address@`` (the client's), ``@hex@`` (the same as 8 or 32
hexadecimal digits), ``@server@`` (the address the client asked), ``@mac@`` and ``@bootif@`` (the client's hardware
address, plain and as PXELINUX writes it); ``@@`` is an at sign. No boot loader's own language uses such words.
"""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from superd.service import Peer
from superd_services.tftp.addresses import hexadecimal, plain

_WORD: Final = re.compile(rb"@([a-z_]*)@")
_KNOWN: Final = (b"", b"address", b"bootif", b"hex", b"mac", b"server")
_OF_HARDWARE: Final = (b"@bootif@", b"@mac@")


@dataclass(frozen=True, slots=True)
class Virtual:
    """``pattern``: its names, relative to the root, in the language of fnmatch(3); ``*`` matches ``/``, too."""

    pattern: str
    path: str
    text: bytes = field(repr=False)

    def is_named(self, name: bytes) -> bool:
        """Tell whether a name, relative to the root, is one of its."""
        return fnmatchcase(name.decode("utf-8", "surrogateescape"), self.pattern)

    @property
    def needs_hardware(self) -> bool:
        """Whether the client's hardware address is in it."""
        return any(word in self.text for word in _OF_HARDWARE)

    def render(self, peer: Peer, hardware: str) -> bytes:
        """Return what this client gets; ``hardware`` is its hardware address, with colons, if it is needed."""
        values = {
            "": "@",
            "address": plain(peer.host),
            "bootif": f"01-{hardware.replace(':', '-')}",  # 01: Ethernet (RFC 1700, hardware types)
            "hex": hexadecimal(peer.host),
            "mac": hardware,
            "server": plain(peer.local_host),
        }
        return _WORD.sub(lambda found: values[found[1].decode()].encode(), self.text)


def parse(pattern: str, path: str, text: bytes) -> Virtual:
    """Make a virtual file of a template's text.

    Raises:
        ValueError: the template has a word that nothing is known to stand for; told with file and line.
    """
    for number, line in enumerate(text.split(b"\n"), 1):
        for word in _WORD.findall(line):
            if word not in _KNOWN:
                known = " ".join(f"@{each.decode()}@" for each in _KNOWN)
                raise ValueError(f"{path}:{number}: @{word.decode()}@ stands for nothing (known: {known})")
    return Virtual(pattern, path, text)
