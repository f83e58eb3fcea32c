"""Options that several verbs have: ``add_dialect``."""

import argparse

from superd.config.dialect import Dialect


def add_dialect(parser: argparse.ArgumentParser) -> None:
    """Declare ``--dialect``."""
    parser.add_argument(
        "--dialect",
        type=Dialect,
        choices=list(Dialect),
        default=Dialect.DEBIAN,
        help="whose inetd.conf it is",
    )
