"""Admission: ``Gate`` walks the steps for one service and says who may come in, and which rule says so.

The order is xinetd's: rate, load, time, instances, per source, then the addresses (no_access before
only_from), then hosts.allow and hosts.deny, then ident. Before them all come the steps that refuse one client for what
it did itself (a ban, its own ``rate``): one that comes too often must not make the service pause for everybody by
``cps``. PARANOID is asked behind the addresses, because whom they refuse needs no look-up.

A gate knows the service's live connections and rates, but no clock, no socket and no resolver: a verdict with a
question is to be asked for again when the answer is there.
"""

from collections.abc import Callable, Iterator

from superd.access import checks, lists, precedence
from superd.access.bans import Bans
from superd.access.checks import Check, Decide
from superd.access.facts import ClientFacts
from superd.access.hosts_access import HostsAccess
from superd.access.limits import Counters
from superd.access.prefixes import counted_by
from superd.access.verdict import ALLOWED, Verdict
from superd.config.model import Access, Limits, Service
from superd.config.origin import Origin
from superd.service import Peer


class Gate:
    """Admission to one service. ``paused_until`` is on the monotonic clock: when a rate's pause is over.

    ``checks`` are its steps in their order. ``bans`` goes on being filled; without it nobody is banned.
    """

    def __init__(
        self,
        service: Service,
        hosts: HostsAccess | None,
        load_average: Callable[[], float],
        bans: Bans | None = None,
    ) -> None:
        limits = service.limits
        self.counters = Counters(counted_by(limits.per_source_prefix) if limits.per_source else None)
        self.paused_until = 0.0
        self.checks = (
            *(() if bans is None else (checks.banned(bans),)),
            *self._limits(limits, service.access, load_average, service.origin),
            *_rules(service, hosts),
        )
        self._steps = tuple(check.decide for check in self.checks)
        self._again = tuple(check.decide for check in self.checks if not check.once)

    def decide(self, peer: Peer, wall: float, monotonic: float) -> Verdict:
        """Walk all steps in order; counts the attempt for the rates, but not as a live connection."""
        return _walk(self._steps, peer, None, wall, monotonic)

    def resume(self, peer: Peer, facts: ClientFacts, wall: float, monotonic: float) -> Verdict:
        """Decide again about a client of whom more is known; others may have come in meanwhile."""
        return _walk(self._again, peer, facts, wall, monotonic)

    def enter(self, host: str) -> None:
        """Count an admitted connection as live."""
        self.counters.enter(host)

    def leave(self, host: str) -> None:
        """A connection that entered has ended."""
        self.counters.leave(host)

    def _limits(
        self, limits: Limits, access: Access, load_average: Callable[[], float], origin: Origin
    ) -> Iterator[Check]:
        """The steps that count and measure."""
        for written in limits.source_rates:
            yield checks.source_rate(written)
        if limits.cps is not None:
            yield checks.rate(self, limits.cps)
        if limits.max_load is not None:
            yield checks.load(limits.max_load, load_average)
        if access.times is not None:
            yield checks.hours(access.times, origin)
        if limits.instances is not None:
            yield checks.instances(self.counters, limits.instances)
        if limits.per_source is not None:
            yield checks.per_source(self.counters, limits.per_source, limits.per_source_prefix)


def _rules(service: Service, hosts: HostsAccess | None) -> Iterator[Check]:
    """The steps that ask who the client is."""
    access = service.access
    only_from_origin = access.only_from_origin or service.origin
    if access.most_specific and access.no_access and access.only_from is not None:
        yield precedence.most_specific(access.no_access, access.only_from, only_from_origin)
    else:
        if access.no_access:
            yield lists.no_access(access.no_access, access.no_access[0].origin)
        if access.only_from is not None:
            yield lists.only_from(access.only_from, only_from_origin)
    if access.paranoid is not None:
        yield lists.paranoid(access.paranoid)
    if access.daemon and hosts is not None:
        yield lists.hosts_files(access.daemon, hosts, service.origin)
    if service.ident_required:
        yield lists.ident(service.origin)


def _walk(
    steps: tuple[Decide, ...], peer: Peer, facts: ClientFacts | None, wall: float, monotonic: float
) -> Verdict:
    """Ask the steps in order until one refuses; of those that allow, the last one's rule is the one that counts."""
    verdict = ALLOWED
    for decide in steps:
        found = decide(peer, facts, wall, monotonic)
        if found is not None:
            if not found.allowed:
                return found
            verdict = found
    return verdict
