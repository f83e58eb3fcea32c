"""Admission: ``Gate`` walks the steps for one service and says who may come in, and which rule says so.

The order is xinetd's: rate, load, time, instances, per source, then the addresses (no_access before
only_from), then hosts.allow and hosts.deny. A gate knows the service's live connections and rates, but no
clock and no socket.

This version looks no names up. A rule that needs one is decided in the safe way: in no_access and
hosts.deny it counts as matching, in only_from and hosts.allow as not matching; the refusal says so.
"""

import time
from collections.abc import Callable
from typing import Protocol

from superd.access import times
from superd.access.addresses import AddressSet, numeric
from superd.access.hosts_access import ClientFacts, HostsAccess, HostsVerdict, Outcome
from superd.access.limits import Counters, SourceRates, Window
from superd.access.verdict import ALLOWED, Step, Verdict
from superd.config.model import AddressPattern, Rate, Service, TimeSpan
from superd.config.origin import Origin
from superd.config.written import Written
from superd.service import Peer

_NO_NAME = "the client's host name is not looked up in this version"


class _Check(Protocol):
    """One step for one service; ``None``: nothing to say."""

    def __call__(self, peer: Peer, wall: float, monotonic: float, /) -> Verdict | None:
        """Decide about a peer; ``wall`` and ``monotonic`` are the two clocks in seconds."""


class Gate:
    """Admission to one service. ``paused_until`` is on the monotonic clock: when a rate's pause is over."""

    def __init__(
        self, service: Service, hosts: HostsAccess | None, load_average: Callable[[], float]
    ) -> None:
        self.counters = Counters()
        self.paused_until = 0.0
        self._checks = tuple(self._configured(service, hosts, load_average))

    def decide(self, peer: Peer, wall: float, monotonic: float) -> Verdict:
        """Walk all steps in order; counts the attempt for the rates, but not as a live connection."""
        verdict = ALLOWED
        for check in self._checks:
            found = check(peer, wall, monotonic)
            if found is not None:
                if not found.allowed:
                    return found
                verdict = found
        return verdict

    def enter(self, host: str) -> None:
        """Count an admitted connection as live."""
        self.counters.enter(host)

    def leave(self, host: str) -> None:
        """A connection that entered has ended."""
        self.counters.leave(host)

    def _configured(
        self, service: Service, hosts: HostsAccess | None, load_average: Callable[[], float]
    ) -> list[_Check]:
        limits, access, checks = service.limits, service.access, list[_Check]()
        if limits.cps is not None:
            checks.append(_rate(self, limits.cps))
        if limits.max_load is not None:
            checks.append(_load(limits.max_load, load_average))
        if access.times is not None:
            checks.append(_times(access.times, service.origin))
        if limits.instances is not None:
            checks.append(_instances(self.counters, limits.instances))
        if limits.per_source is not None:
            checks.append(_per_source(self.counters, limits.per_source))
        if limits.source_rate is not None:
            checks.append(_source_rate(limits.source_rate))
        if access.no_access:
            checks.append(_no_access(access.no_access))
        if access.only_from is not None:
            checks.append(_only_from(access.only_from, access.only_from_origin or service.origin))
        if access.daemon and hosts is not None:
            checks.append(_hosts(access.daemon, hosts))
        return checks


def _rate(gate: Gate, written: Written[Rate]) -> _Check:
    rate = written.value
    words = f"cps = {rate.starts} {rate.pause}"
    if rate.window is not None:
        words = f"at most {rate.starts} starts in {rate.window} seconds, then a pause of {rate.pause}"
    refused = Verdict(False, Step.RATE, words, written.origin)
    window = Window(rate)

    def check(_peer: Peer, _wall: float, monotonic: float, /) -> Verdict | None:
        if monotonic < gate.paused_until:
            return refused
        if not window.trips(monotonic):
            return None
        gate.paused_until = monotonic + rate.pause
        return refused

    return check


def _load(written: Written[float], load_average: Callable[[], float]) -> _Check:
    refused = Verdict(False, Step.LOAD, f"max_load = {written.value:g}", written.origin)
    return lambda _peer, _wall, _monotonic: refused if load_average() >= written.value else None


def _times(spans: tuple[TimeSpan, ...], origin: Origin) -> _Check:
    refused = Verdict(False, Step.TIME, "access_times", spans[0].origin if spans else origin)

    def check(_peer: Peer, wall: float, _monotonic: float, /) -> Verdict | None:
        now = time.localtime(wall)
        return refused if times.within(spans, 60 * now.tm_hour + now.tm_min) is None else None

    return check


def _instances(counters: Counters, written: Written[int]) -> _Check:
    refused = Verdict(False, Step.INSTANCES, f"instances = {written.value}", written.origin)
    return lambda _peer, _wall, _monotonic: refused if counters.total >= written.value else None


def _per_source(counters: Counters, written: Written[int]) -> _Check:
    """Bound each address; a client of a Unix socket has none and is not bounded."""
    refused = Verdict(False, Step.PER_SOURCE, f"per_source = {written.value}", written.origin)
    most = written.value
    return lambda peer, _wall, _monotonic: refused if peer.host and counters.of(peer.host) >= most else None


def _source_rate(written: Written[int]) -> _Check:
    words = f"at most {written.value} connections per minute from one address"
    refused = Verdict(False, Step.PER_SOURCE, words, written.origin)
    rates = SourceRates(written.value)
    return lambda peer, _wall, now: refused if peer.host and rates.exceeded(peer.host, now) else None


def _no_access(patterns: tuple[AddressPattern, ...]) -> _Check:
    """Refuse what is listed. A client of a Unix socket has no address, so nothing in the list can mean it."""
    listed = AddressSet(patterns)
    verdicts = {id(pattern): _by_address("no_access", pattern, allowed=False) for pattern in patterns}
    unsure = listed.needs_names
    doubtful = None
    if unsure is not None:
        doubtful = Verdict(False, Step.ADDRESS, f"no_access {unsure.text} ({_NO_NAME})", unsure.origin)

    def check(peer: Peer, _wall: float, _monotonic: float, /) -> Verdict | None:
        if not peer.host:
            return None
        version, number = numeric(peer.host)
        found = listed.find(number, version)
        return doubtful if found is None else verdicts[id(found)]

    return check


def _only_from(patterns: tuple[AddressPattern, ...], origin: Origin) -> _Check:
    """Refuse what is not listed, and so every client of a Unix socket, which has no address."""
    listed = AddressSet(patterns)
    verdicts = {id(pattern): _by_address("only_from", pattern, allowed=True) for pattern in patterns}
    words = "only_from" if listed.needs_names is None else f"only_from ({_NO_NAME})"
    refused = Verdict(False, Step.ADDRESS, words, origin)

    def check(peer: Peer, _wall: float, _monotonic: float, /) -> Verdict | None:
        if not peer.host:
            return refused
        version, number = numeric(peer.host)
        found = listed.find(number, version)
        return refused if found is None else verdicts[id(found)]

    return check


def _by_address(attribute: str, pattern: AddressPattern, *, allowed: bool) -> Verdict:
    step = None if allowed else Step.ADDRESS
    return Verdict(allowed, step, f"{attribute} {pattern.text}", pattern.origin)


def _hosts(daemon: str, hosts: HostsAccess) -> _Check:
    """Ask hosts.allow and hosts.deny. Clients of Unix sockets have the address "unknown" there."""

    def check(peer: Peer, _wall: float, _monotonic: float, /) -> Verdict | None:
        facts = ClientFacts(peer.host, peer.port, server_address=peer.local_host, server_port=peer.local_port)
        found = hosts.decide(daemon, facts)
        if found.allowed:
            return Verdict(True, None, found.rule, found.origin) if found.rule else None
        return Verdict(False, Step.LIBWRAP, f"{found.rule}{_why(found)}", found.origin)

    return check


def _why(verdict: HostsVerdict) -> str:
    """What a refusal has to add to the rule's text."""
    if verdict.outcome is Outcome.DELEGATED:
        return " (twist is not carried out in this version, and the service must not be used instead)"
    if verdict.doubt is not None:
        return f" ({verdict.doubt} needs {verdict.needs}, which this version does not ask for)"
    return f" ({verdict.error})" if verdict.error else ""
