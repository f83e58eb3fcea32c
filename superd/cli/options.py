"""Options that several verbs have: ``add_dialect``, ``HOSTS_ALLOW``, ``HOSTS_DENY``."""

import argparse
from pathlib import Path
from typing import Final

from superd.config.dialect import Dialect

HOSTS_ALLOW: Final = Path("/etc/hosts.allow")
HOSTS_DENY: Final = Path("/etc/hosts.deny")
"""hosts_access(5): what the daemon asks unless told otherwise."""


def add_dialect(parser: argparse.ArgumentParser) -> None:
    """Declare ``--dialect``."""
    parser.add_argument(
        "--dialect",
        type=Dialect,
        choices=list(Dialect),
        default=Dialect.DEBIAN,
        help="whose inetd.conf it is",
    )
