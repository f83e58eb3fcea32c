"""What tcpd would start: ``real_program`` finds the server behind a wrapped line, as tcpd(8) does.

A wrapped line names tcpd as server and the real server as tcpd's argv[0]. superd asks hosts.allow and
hosts.deny itself and starts the real server directly.
"""

import shutil
from pathlib import PurePosixPath
from typing import Final

REAL_DAEMON_DIR: Final = "/usr/sbin"
"""Where Debian's tcpd looks for a server that is named without a directory (its REAL_DAEMON_DIR)."""

SEARCH_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where a server without a slash is looked for in dialects that use PATH; the caller's is not trusted."""


def is_tcpd(server: str) -> bool:
    """Tell whether a server's path is tcpd, wherever it was installed."""
    return PurePosixPath(server).name == "tcpd"


def real_program(argv0: str) -> tuple[str, str]:
    """Give the path of the server that tcpd would start for its argv[0], and its daemon name for hosts.allow.

    Whether that path exists is not looked at. Raises ValueError, with a plain sentence, for a word that tcpd
    could start nothing for.
    """
    daemon = PurePosixPath(argv0).name
    if not daemon or argv0.endswith("/"):
        raise ValueError(f"tcpd is given {argv0!r}, which names no program to start")
    if daemon == "tcpd":
        raise ValueError("tcpd is told to start tcpd: the real server has to follow it")
    path = argv0 if argv0.startswith("/") else f"{REAL_DAEMON_DIR}/{argv0}"
    return path, daemon


def in_search_path(word: str) -> str | None:
    """Look a server without a slash up in ``SEARCH_PATH``; ``None`` when it is in none of its directories."""
    return shutil.which(word, path=SEARCH_PATH)
