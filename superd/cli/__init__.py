"""The command line: one module per verb, each with ``add_arguments(parser)`` and ``run(args) -> exit status``.

Exit status of every verb: 0 fine, 1 the configuration (or the daemon) has errors, 2 wrong usage or unreadable files.
"""

import argparse
import sys
from collections.abc import Sequence

from superd import __version__
from superd.cli import check, convert, explain, list_services, run
from superd.cli.terminal import flush
from superd.errors import SuperdError

_VERBS = {
    "run": (run, "start the daemon"),
    "check": (check, "report every problem in configuration files"),
    "explain": (explain, "say what would happen to a client, and why"),
    "list": (list_services, "show what would run"),
    "convert": (convert, "write inetd.conf as xinetd.d files, or either as systemd units"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit status."""
    try:
        try:
            arguments = _parser().parse_args(argv)
            return int(arguments.verb(arguments))
        finally:
            flush()
    except SuperdError as error:
        sys.stderr.write(f"superd: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="superd", description="A super-server for inetd and xinetd configurations."
    )
    parser.add_argument("--version", action="version", version=f"superd {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for name, (module, summary) in _VERBS.items():
        verb = verbs.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(verb)
        verb.set_defaults(verb=module.run)
    return parser
