"""Writing values into unit files so that they mean there what they meant before (systemd.syntax(7))."""

import re
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:=,@+-]+")


class Unconvertible(Exception):
    """A service that systemd can't run; the text says why."""


def quote(text: str, specials: str = "%$") -> str:
    """Quote one word of a list: specifiers and variables are doubled, control characters escaped."""
    doubled = "".join(letter * 2 if letter in specials else letter for letter in text)
    if _PLAIN.fullmatch(text):
        return doubled
    escaped = doubled.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(letter if letter.isprintable() else _code(letter) for letter in escaped) + '"'


def _code(letter: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))


def word(text: str) -> str:
    """Write a value that may only be one word, where nothing can be quoted.

    Raises Unconvertible for a blank, a control character, or a backslash, which would join the next line to it.
    """
    if not text or " " in text or "\\" in text or not text.isprintable():
        raise Unconvertible(f"{text!r} can't be written into a unit as one word")
    return text.replace("%", "%%")
