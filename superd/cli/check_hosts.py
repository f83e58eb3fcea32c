"""The hosts.allow and hosts.deny that ``superd check`` looks at: ``HostsFiles``."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from superd.access.hosts_access.check import Checker
from superd.access.hosts_access.table import Table
from superd.cli.options import HOSTS_ALLOW, HOSTS_DENY
from superd.config.model import Service
from superd.config.origin import Report


@dataclass(frozen=True, slots=True)
class HostsFiles:
    """The two files, ``None`` for one that is not looked at; ``named``: how many of them the caller named."""

    allow: Path | None
    deny: Path | None
    named: int

    @classmethod
    def of(cls, args: argparse.Namespace, services: Sequence[Service] | None) -> "HostsFiles":
        """Take the named files, and where services ask hosts.allow and hosts.deny the daemon's as well."""
        allow, deny = (
            option or next((path for path in args.files if path.name == name), None)
            for option, name in ((args.hosts_allow, "hosts.allow"), (args.hosts_deny, "hosts.deny"))
        )
        named = (allow is not None) + (deny is not None)
        if any(service.access.daemon for service in services or ()):
            allow, deny = allow or HOSTS_ALLOW, deny or HOSTS_DENY
        return cls(allow, deny, named)

    def check(self, report: Report, services: Sequence[Service] | None, *, explicit: bool) -> list[Table]:
        """Report what deserves a look, and return what was read."""
        found = Checker(report, services, explicit=explicit).files(self.allow, self.deny)
        return [table for table in found if table is not None]


def is_hosts_file(path: Path) -> bool:
    """Whether a file is known by its name as one of the two."""
    return path.name in {"hosts.allow", "hosts.deny"}
