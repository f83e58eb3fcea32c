"""POSIX extended regular expressions, as the C library has them (regex(3), regex(7)): ``Regex``.

Map files were written for these. Python's own differ: in which of several alternatives wins, in classes such as
``[[:alpha:]]``, and in that a bad one holds up every thread of the process while it matches.
"""

import ctypes
from functools import cache
from typing import Final

GROUPS: Final = 10
"""The whole match and the nine groups that a replacement can name."""

_EXTENDED: Final = 1
_ICASE: Final = 2
_NOTBOL: Final = 1
_NO_MATCH: Final = 1
_SIZE: Final = 256
"""Bytes kept for a regex_t: four times glibc's."""
_MESSAGE: Final = 256
"""Bytes of an error's description; glibc's longest have about 40."""


class _Match(ctypes.Structure):
    """A regmatch_t of glibc: where a group begins and ends; -1 if it has no part in the match."""

    _fields_ = (("start", ctypes.c_int), ("end", ctypes.c_int))


_libc = ctypes.CDLL(None)
_Matches = _Match * GROUPS
_libc.regcomp.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
_libc.regexec.argtypes = (
    ctypes.c_void_p,
    ctypes.c_char_p,
    ctypes.c_size_t,
    ctypes.POINTER(_Match),
    ctypes.c_int,
)
_libc.regerror.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t)
_libc.regerror.restype = ctypes.c_size_t


class Regex:
    """A compiled expression; never freed, because those of a configuration live as long as the process.

    Raises:
        ValueError: it is none; the text is the C library's.
    """

    __slots__ = ("_buffer",)

    def __init__(self, pattern: bytes, *, ignore_case: bool = False) -> None:
        self._buffer = ctypes.create_string_buffer(_SIZE)
        error = _libc.regcomp(self._buffer, pattern, _EXTENDED | (_ICASE if ignore_case else 0))
        if error:
            text = ctypes.create_string_buffer(_MESSAGE)
            _libc.regerror(error, self._buffer, text, _MESSAGE)
            raise ValueError(text.value.decode("ascii", "replace"))

    def search(self, text: bytes, *, begins: bool = True) -> tuple[tuple[int, int], ...] | None:
        """Return where the groups of the first match are, (-1, -1) for those without; ``None`` if there is no match.

        ``begins``: whether ``^`` matches before the first byte. The text has no NUL.
        """
        found = _Matches()
        if _libc.regexec(self._buffer, text, GROUPS, found, 0 if begins else _NOTBOL) == _NO_MATCH:
            return None
        return tuple((group.start, group.end) for group in found)


@cache
def compiled(pattern: bytes, ignore_case: bool) -> Regex:
    """Return the one compiled form of an expression; forked processes have it already.

    Raises:
        ValueError: it is none.
    """
    return Regex(pattern, ignore_case=ignore_case)
