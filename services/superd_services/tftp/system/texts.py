"""Map files and templates, read with the configuration: ``read_map`` and ``read_virtual``.

So their mistakes are found by ``superd check``, a reload reads them again, and the worker, which has lost its
privileges, needs no access to them.
"""

from pathlib import Path
from typing import Final

from superd_services.tftp import maps, virtual

TEXT_LIMIT: Final = 1 << 20
"""Bytes of a map file or template; each is held in memory."""


def read_map(path: object) -> object:
    """Make a map file's rules of its path; anything but a text is returned as it is.

    Raises:
        ValueError: it can't be read, or there are mistakes in it.
    """
    return maps.parse(path, _read(path)) if isinstance(path, str) else path


def read_virtual(word: object) -> object:
    """Make a virtual file of ``name=template``; anything but a text is returned as it is.

    Raises:
        ValueError: it is written otherwise, the template can't be read, or there are mistakes in it.
    """
    if not isinstance(word, str):
        return word
    name, equals, path = word.partition("=/")
    if not (name and equals):
        raise ValueError(f"{word}: written as name=template, with the whole path of the template")
    return virtual.parse(name.lstrip("/"), f"/{path}", _read(f"/{path}"))


def _read(path: str) -> bytes:
    if not path.startswith("/"):
        raise ValueError("an absolute path")
    try:
        with Path(path).open("rb") as file:
            text = file.read(TEXT_LIMIT + 1)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    if len(text) > TEXT_LIMIT:
        raise ValueError(f"{path}: more than {TEXT_LIMIT} bytes")
    return text
