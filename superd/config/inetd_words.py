"""Words of an inetd.conf line: splitting them, and telling a complete entry from a few arguments."""

from collections.abc import Sequence
from typing import Final

from superd.config.dialect import Quotes

BLANKS: Final = " \t"
"""What separates words; every inetd agrees on these two."""

SOCKET_TYPES: Final = frozenset(
    {"stream", "dgram", "raw", "rdm", "seqpacket", "tli", "sunrpc_tcp", "sunrpc_udp"}
)
"""Every socket type word met in any dialect."""

_PROTOCOLS: Final = ("tcp", "udp", "unix", "rpc/", "faith/", "sctp")

ENTRY_FIELDS: Final = ("service", "socket type", "protocol", "wait flag", "user", "server")
"""The columns of a positional entry; arguments follow."""


def at_blanks(text: str) -> list[str]:
    """Split a line at blanks and tabs, and at nothing else that Unicode calls white."""
    return [word for word in text.replace("\t", " ").split(" ") if word]


def split(text: str, quotes: Quotes) -> list[str]:
    """Split a line into words; raises ValueError for a quote that is not closed."""
    if quotes is Quotes.NONE or ('"' not in text and "'" not in text):
        return at_blanks(text)
    words: list[str] = []
    position = 0
    while position < len(text):
        if text[position] in BLANKS:
            position += 1
            continue
        word, position = _word(text, position, quotes)
        words.append(word)
    return words


def _word(text: str, start: int, quotes: Quotes) -> tuple[str, int]:
    word = ""
    position = start
    while position < len(text) and text[position] not in BLANKS:
        opens = text[position] in "'\"" and (quotes is Quotes.SHELL or position == start)
        if not opens:
            word += text[position]
            position += 1
            continue
        close = text.find(text[position], position + 1)
        if close < 0:
            raise ValueError(f"the quote {text[position]} is not closed on its line")
        word += text[position + 1 : close]
        position = close + 1
        if quotes is Quotes.WORD:
            break
    return word, position


def has_columns(words: Sequence[str]) -> bool:
    """Tell whether the second and third word are a socket type and a protocol, as in no other language."""
    fields = words[1:] if words and words[0].endswith(":") else words
    if len(fields) <= len(("service", "socket type")):
        return False
    socket_type = fields[1].split(",")[0].split(":")[0]
    return socket_type in SOCKET_TYPES and fields[2].startswith(_PROTOCOLS)


def looks_complete(words: Sequence[str]) -> bool:
    """Tell whether words look like an entry of their own rather than arguments of the entry above."""
    return has_columns(words) and len(words) >= len(ENTRY_FIELDS)
