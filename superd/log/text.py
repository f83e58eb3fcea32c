"""Making text from outside safe for one line of a log, and time stamps: ``escape``, ``Stamp``."""

import time
from collections.abc import Callable
from typing import Final

TEXT_LIMIT: Final = 1024
"""Characters of one value in a log line: longer than any host name, path or rule that says something."""

_NAMED: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape(text: str, limit: int = TEXT_LIMIT) -> str:
    r"""``text`` with what isn't printable as ``\n``, ``\x1b``, ``\u2028``, cut to ``limit`` characters.

    What Unicode calls not printable includes all control and format characters, so neither a new line nor a
    terminal sequence nor a change of writing direction can come from a peer. A backslash stays as it is.
    """
    if len(text) > limit:
        text = text[: limit - 3] + "..."
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return _NAMED.get(character) or f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class Stamp:
    """Formats times, one result per second: many lines fall into the same second, and time zones are slow."""

    def __init__(self, form: Callable[[time.struct_time], str], *, utc: bool = False) -> None:
        self._form = form
        self._split = time.gmtime if utc else time.localtime
        self._second = -1
        self._text = ""

    def __call__(self, now: float) -> str:
        """The text for ``now``, in seconds since the epoch."""
        second = int(now)
        if second != self._second:
            self._text = self._form(self._split(second))
            self._second = second
        return self._text
