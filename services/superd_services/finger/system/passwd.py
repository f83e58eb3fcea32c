"""Accounts by their real names: ``by_real_name``, from /etc/passwd.

Not from getpwent(3): a directory service would have to be read whole for each question, and Python holds its global
lock meanwhile, so the worker would stand still.
"""

import os
import pwd
from collections.abc import Iterator
from threading import Lock
from typing import Final

from superd_services.finger.system.gecos import parse

ACCOUNTS: Final = "/etc/passwd"

SIZE_LIMIT: Final = 16 << 20
"""Bytes of the file that are read: some 200,000 accounts."""

_FIELDS: Final = 7


class RealNames:
    """The accounts of one file, read again when it has changed. Several threads may ask."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = Lock()
        self._read_at: tuple[int, int, int] | None = None
        self._by_word: dict[str, list[pwd.struct_passwd]] = {}

    def find(self, name: str) -> Iterator[pwd.struct_passwd]:
        """Give the accounts whose real name has all words of ``name``, in any case."""
        words = name.casefold().split()
        if not words:
            return
        for account in self._words().get(words[0], ()):
            if set(words) <= _words_of(account):
                yield account

    def _words(self) -> dict[str, list[pwd.struct_passwd]]:
        with self._lock, open(self._path, "rb") as file:  # noqa: PTH123 - its stat and its text must be of one file
            facts = os.fstat(file.fileno())
            version = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
            if version != self._read_at:
                self._by_word = _index(file.read(SIZE_LIMIT).decode("utf-8", "surrogateescape"))
                self._read_at = version
            return self._by_word


def _index(text: str) -> dict[str, list[pwd.struct_passwd]]:
    found: dict[str, list[pwd.struct_passwd]] = {}
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) == _FIELDS and fields[2].isdecimal() and fields[3].isdecimal():
            account = pwd.struct_passwd((*fields[:2], int(fields[2]), int(fields[3]), *fields[4:]))
            for word in _words_of(account):
                found.setdefault(word, []).append(account)
    return found


def _words_of(account: pwd.struct_passwd) -> set[str]:
    return set(parse(account.pw_gecos, account.pw_name).name.casefold().split())


_NAMES: Final = RealNames(ACCOUNTS)
by_real_name: Final = _NAMES.find
