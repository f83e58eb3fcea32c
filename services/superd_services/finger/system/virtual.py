"""People who are no accounts: a directory with a text file for each, which is told as it is: ``read``."""

import os
import re
from typing import Final

from superd_services.finger.people import Report, Text, Unknown
from superd_services.finger.system import files

NAMES_LIMIT: Final = 1000
"""Names listed for an empty query, in their order."""

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,63}")
"""Names of people: no dot comes first, so hidden files stay so."""


def read(path: str, user: str) -> Report:
    """Return the text about a user, or the names of all for an empty one.

    Raises:
        OSError: the directory can't be read.
    """
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _text(directory, user) if user else _names(directory)
    finally:
        os.close(directory)


def _text(directory: int, user: str) -> Report:
    for name in dict.fromkeys((user, user.lower())):
        if _NAME.fullmatch(name) and (found := files.read(directory, name)) is not None:
            return Text(found[0].decode("utf-8", "replace"), found[1])
    return Unknown()


def _names(directory: int) -> Report:
    with os.scandir(directory) as entries:
        names = sorted(
            each.name for each in entries if _NAME.fullmatch(each.name) and _is_text(each, directory)
        )
    return Text("".join(f"{name}\n" for name in names[:NAMES_LIMIT]), len(names) > NAMES_LIMIT)


def _is_text(entry: "os.DirEntry[str]", directory: int) -> bool:
    """Tell whether there would be an answer about that name."""
    return entry.is_file(follow_symlinks=False) and os.access(entry.name, os.R_OK, dir_fd=directory)
