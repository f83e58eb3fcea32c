"""tcp_wrappers' language: hosts_access(5) and hosts_options(5).

``lines`` and ``rules`` turn a file into compiled rules, ``patterns`` and ``options`` their words; ``index``
and ``table`` find the rule that decides, ``walk`` reaches its options; ``engine`` keeps both files up to date.
``HostsAccess.decide`` is the question that admission asks; a launcher uses ``walk`` for what it carries out.
"""

from superd.access.hosts_access.engine import HostsAccess
from superd.access.hosts_access.facts import Applied, Effect, HostsVerdict, Outcome

__all__ = ["Applied", "Effect", "HostsAccess", "HostsVerdict", "Outcome"]
