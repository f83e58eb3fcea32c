"""hosts.allow and hosts.deny written for a test."""

from pathlib import Path

from superd.access.hosts_access import HostsAccess

DENY_ALL = "ALL: ALL\n"


def files(folder: Path, allow: str | None, deny: str | None) -> HostsAccess:
    """Write the two files, ``None`` for one that is missing, and open them."""
    paths = folder / "hosts.allow", folder / "hosts.deny"
    for path, text in zip(paths, (allow, deny), strict=True):
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(text, encoding="latin-1")
    return HostsAccess(*paths)
