"""What people keep in their homes: ``notes``."""

import os
from collections.abc import Iterable
from typing import Final

from superd_services.finger.people import Note
from superd_services.finger.system import files

NOFINGER: Final = ".nofinger"
"""A file of this name says that its owner does not want to be known (finger(1))."""


def notes(home: str, uid: int, wanted: Iterable[str]) -> dict[str, Note | None] | None:
    """Read the wanted files, given without their dots; ``None``: the owner does not want to be known.

    A home that one may not look into counts as if it held ``.nofinger``, because it may; one that does not exist holds
    nothing.
    """
    if not home.startswith("/"):
        return dict.fromkeys(wanted)
    try:
        directory = files.open_directory(home)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return dict.fromkeys(wanted)
    except OSError:
        return None
    try:
        if files.exists(directory, NOFINGER):
            return None
        return {name: _note(directory, name, uid) for name in wanted}
    except OSError:
        return None
    finally:
        os.close(directory)


def _note(directory: int, name: str, uid: int) -> Note | None:
    found = files.read(directory, f".{name}", uid)
    return None if found is None else Note(found[0].decode("utf-8", "replace"), found[1])
