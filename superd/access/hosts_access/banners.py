"""The texts of the ``banners`` option (hosts_options(5)): ``read`` and ``render``."""

import os
from typing import Final

from superd.access.hosts_access import files
from superd.access.hosts_access.expand import expand
from superd.access.hosts_access.inquiry import Inquiry

BANNER_LIMIT: Final = 16384
"""Bytes read of one banner; the same as for a service's own banners."""


def read(directory: str, daemon: str) -> str:
    """Return the banner of a daemon as Latin-1 text, empty without one or when it can't be read.

    The daemon's name must be a plain file name: it can come from the configuration only, but then from any line.
    """
    if "/" in daemon or daemon in {"", ".", ".."}:
        return ""
    try:
        return files.read(os.path.join(directory, daemon), BANNER_LIMIT)  # noqa: PTH118  no Path per connection
    except (OSError, ValueError):
        return ""


def render(text: str, inquiry: Inquiry) -> str | None:
    """Expand each line and end it with CR LF; leading NULs stay as they are, for what telnet makes of them.

    ``None`` when a fact is missing. Raises ValueError when a line becomes too long.
    """
    start = len(text) - len(text.lstrip("\0"))
    made = [text[:start]]
    for line in text[start:].splitlines(keepends=True):
        expanded = expand(line, inquiry)
        if expanded is None:
            return None
        made.append(expanded.removesuffix("\n") + "\r\n" if expanded.endswith("\n") else expanded)
    return "".join(made)
