"""Say what would happen to a client of a service, and why: which rule decides, and what its program would be given.

The rules are asked by the daemon's own code. No command is run, nothing is logged, no port is bound; what only the
daemon knows (counters, banned clients) is said to be missing. Names are looked up as the daemon would, unless given.
Exit status: 0 every answer is allow (or twist), 1 some client is refused (--batch: some answer is not as expected), 2
wrong usage, unknown service, unreadable or malformed file.
"""

import argparse
from pathlib import Path

from superd.cli.options import HOSTS_ALLOW, HOSTS_DENY, add_dialect


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``superd explain``."""
    option = parser.add_argument
    option(
        "service", nargs="?", metavar="SERVICE", help="its id or name, or the daemon's name in hosts.allow"
    )
    option("client", nargs="?", metavar="CLIENT", help="address, address:port, [v6]:port, host name, or unix")
    option("--name", metavar="NAME", help="the client's verified host name; also unknown or paranoid")
    option("--user", metavar="USER", help="what ident would answer")
    option("--at", metavar="TIME", help="when: 2026-12-31T23:59, or 23:59 today (local time)")
    option("--to", metavar="ADDRESS", help="the address that the client reaches, with a port or without")
    option("--aclexec", choices=["yes", "no"], help="what commands of aclexec say (default: show both)")
    option("--no-lookup", action="store_true", help="ask no name server and no netgroup database")
    option(
        "--batch", type=Path, metavar="FILE", help="compare with a table: service client expected [name=...]"
    )
    option("--json", action="store_true", help="print one JSON array")
    option("-c", "--config", action="append", type=Path, default=[], metavar="FILE_OR_DIR",
           help="configuration file or directory, repeatable")  # fmt: skip
    option(
        "--hosts-allow", type=Path, default=HOSTS_ALLOW, metavar="FILE", help="in place of /etc/hosts.allow"
    )
    option("--hosts-deny", type=Path, default=HOSTS_DENY, metavar="FILE", help="in place of /etc/hosts.deny")
    add_dialect(parser)


def run(args: argparse.Namespace) -> int:
    """Answer, or compare with a table; see above for the exit status. Raises SuperdError."""
    # Imported here: the other verbs need no event loop and no resolver, and start faster without.
    from superd.cli.explain_run import answer  # noqa: PLC0415

    return answer(args)
