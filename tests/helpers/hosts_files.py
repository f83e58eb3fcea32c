"""hosts.allow and hosts.deny written for a test."""

from collections.abc import Callable
from pathlib import Path

from superd.access.facts import ClientFacts, Question
from superd.access.hosts_access import HostsAccess, HostsVerdict

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


def settle(
    hosts: HostsAccess,
    facts: ClientFacts,
    answer: Callable[[Question], str | bool],
    daemon: str = "sshd",
) -> HostsVerdict:
    """Decide as the daemon does: answer each question, and ask again, until none is left."""
    verdict = hosts.decide(daemon, facts)
    while verdict.question is not None:
        facts = facts.with_answer(verdict.question, answer(verdict.question))
        verdict = hosts.decide(daemon, facts)
    return verdict
