"""Texts that are fit to be sent: ``printable`` and ``encode`` (RFC 1288 section 3.3).

What users and other hosts wrote could otherwise move the cursor, set the title or answer for the person at a terminal.
"""

import re
from typing import Final

from superd_services.finger.options import Charset

_NOT_ASCII: Final = re.compile(r"[^\t\n\x20-\x7e]")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_LINE_END: Final = re.compile(r"\r\n|\r")
_SUBSTITUTE: Final = "?"


def printable(text: str, charset: Charset = Charset.UTF8) -> str:
    """Replace what is not printable; newlines and tabs stay, and all line ends become newlines.

    Not printable are control characters of both sets, those that change the direction of writing, separators other than
    the space, and what is no character (Unicode categories C and Z).
    """
    text = _LINE_END.sub("\n", text)
    if charset is Charset.ASCII:
        return _NOT_ASCII.sub(_SUBSTITUTE, text)
    if text.isascii():
        return _CONTROLS.sub(_SUBSTITUTE, text)
    return "".join(one if one.isprintable() or one in "\t\n" else _SUBSTITUTE for one in text)


LINE_LIMIT: Final = 256
"""Characters of a field, a name say, at most."""


def one_line(text: str) -> str:
    """Make it one line without tabs and of a bounded length."""
    return " ".join(text.split())[:LINE_LIMIT]


def encode(text: str, charset: Charset) -> bytes:
    """Return the bytes to send: printable, lines ended by CR LF."""
    return printable(text, charset).replace("\n", "\r\n").encode()
