"""tcp_wrappers' language: hosts_access(5) and hosts_options(5).

``lines`` and ``rules`` turn a file into compiled rules, ``patterns`` and ``options`` their words; ``index``
and ``table`` find the rule that decides; ``engine`` keeps both files up to date. ``HostsAccess.decide`` is
the only question that the rest of superd asks.
"""

from superd.access.hosts_access.engine import HostsAccess
from superd.access.hosts_access.facts import ClientFacts, HostsVerdict, Need, Outcome

__all__ = ["ClientFacts", "HostsAccess", "HostsVerdict", "Need", "Outcome"]
