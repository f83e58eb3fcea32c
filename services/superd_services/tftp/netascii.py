"""netascii (RFC 764, RFC 1350 section 1): on the wire a line ends with CR LF, and a bare CR is CR NUL."""

from typing import Final

_CR: Final = b"\r"


def encode(data: bytes) -> bytes:
    """Turn a piece of a file into netascii; each byte stands for itself, so pieces can be cut anywhere."""
    return data.replace(_CR, b"\r\0").replace(b"\n", b"\r\n")


class Decoder:
    """Turns netascii back, in pieces that may end between a CR and what belongs to it.

    A CR before anything else is kept as it is.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    def decode(self, data: bytes) -> bytes:
        """Decode a piece; a CR at its end is held back."""
        data = self._held + data
        self._held = _CR if data.endswith(_CR) else b""
        whole = data[: len(data) - len(self._held)]
        return whole.replace(b"\r\n", b"\n").replace(b"\r\0", _CR)

    def end(self) -> bytes:
        """Return what was held back when nothing follows."""
        held, self._held = self._held, b""
        return held
