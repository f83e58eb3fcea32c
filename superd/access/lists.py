"""The steps of admission that ask who the client is: its address, its name, its user, hosts.allow and hosts.deny.

A list with names asks for the client's name only when no address in it settles the matter. A name counts when its
forward and reverse look-ups agree; a client without such a name is in no list of names. What holds for a client on
both lists can be had otherwise (``precedence``).
"""

from superd.access.addresses import AddressSet, numeric
from superd.access.checks import Check
from superd.access.facts import NAME, PARANOID, UNKNOWN, USER, ClientFacts, is_good
from superd.access.hosts_access import HostsAccess, Outcome
from superd.access.verdict import Step, Verdict
from superd.config.model import AddressPattern
from superd.config.origin import Origin
from superd.service import Peer


def no_access(patterns: tuple[AddressPattern, ...], origin: Origin) -> Check:
    """Refuse what is listed. A client of a Unix socket has no address, so nothing in the list can mean it."""
    listed = AddressSet(patterns)
    verdicts = _verdicts("no_access", patterns, allowed=False)
    named = listed.needs_names
    unasked = None
    if named is not None:
        unasked = Verdict(False, Step.ADDRESS, f"no_access {named.text}", named.origin, NAME)

    def decide(peer: Peer, facts: ClientFacts | None, _wall: float, _monotonic: float, /) -> Verdict | None:
        if not peer.host:
            return None
        found = _find(listed, peer)
        if found is not None or unasked is None:
            return None if found is None else verdicts[id(found)]
        name = facts.found_name if facts else None
        if name is None:
            return unasked
        found = listed.match_name(name) if is_good(name) else None
        return None if found is None else verdicts[id(found)]

    return Check(Step.ADDRESS, decide, "no_access", origin)


def only_from(patterns: tuple[AddressPattern, ...], origin: Origin) -> Check:
    """Refuse what is not listed, and so every client of a Unix socket, which has no address."""
    listed = AddressSet(patterns)
    verdicts = _verdicts("only_from", patterns, allowed=True)
    refused = Verdict(False, Step.ADDRESS, "only_from", origin)
    unasked = Verdict(False, Step.ADDRESS, "only_from", origin, NAME) if listed.needs_names else None

    def decide(peer: Peer, facts: ClientFacts | None, _wall: float, _monotonic: float, /) -> Verdict | None:
        if not peer.host:
            return refused
        found = _find(listed, peer)
        if found is not None or unasked is None:
            return refused if found is None else verdicts[id(found)]
        name = facts.found_name if facts else None
        if name is None:
            return unasked
        found = listed.match_name(name) if is_good(name) else None
        return refused if found is None else verdicts[id(found)]

    return Check(Step.ADDRESS, decide, "only_from", origin)


def hosts_files(daemon: str, hosts: HostsAccess, origin: Origin) -> Check:
    """Ask hosts.allow and hosts.deny. Clients of Unix sockets have the address "unknown" there."""

    def decide(peer: Peer, facts: ClientFacts | None, _wall: float, _monotonic: float, /) -> Verdict | None:
        found = hosts.decide(daemon, facts or facts_of(peer))
        refused = found.outcome is Outcome.DENIED
        if not (refused or found.rule or found.question):
            return None
        rule = f"{found.rule} ({found.error})" if found.error else found.rule
        step = Step.LIBWRAP if refused else None
        return Verdict(not refused, step, rule, found.origin, found.question, found.effects)

    return Check(Step.LIBWRAP, decide, f"hosts.allow and hosts.deny for {daemon}", origin)


def paranoid(origin: Origin) -> Check:
    """Refuse a client whose name and address disagree; one without a name may come in (tcpd(8), PARANOID)."""
    words = "paranoid = yes"
    refused = Verdict(False, Step.ADDRESS, words, origin)
    unasked = Verdict(False, Step.ADDRESS, words, origin, NAME)

    def decide(peer: Peer, facts: ClientFacts | None, _wall: float, _monotonic: float, /) -> Verdict | None:
        if not peer.host:
            return None
        name = facts.found_name if facts else None
        if name is None:
            return unasked
        return refused if name == PARANOID else None

    return Check(Step.ADDRESS, decide, words, origin)


def ident(origin: Origin) -> Check:
    """``flags = IDONLY``: refuse a client of whom no ident server says who it is (RFC 1413)."""
    words = "flags = IDONLY"
    refused = Verdict(False, Step.IDENT, words, origin)
    unasked = Verdict(False, Step.IDENT, words, origin, USER)

    def decide(peer: Peer, facts: ClientFacts | None, _wall: float, _monotonic: float, /) -> Verdict | None:
        if not peer.host:
            return refused
        user = facts.found_user if facts else None
        if user is None:
            return unasked
        return refused if user == UNKNOWN else None

    return Check(Step.IDENT, decide, words, origin)


def facts_of(peer: Peer) -> ClientFacts:
    """What a connection says by itself."""
    return ClientFacts(peer.host, peer.port, server_address=peer.local_host, server_port=peer.local_port)


def _find(listed: AddressSet, peer: Peer) -> AddressPattern | None:
    version, number = numeric(peer.host)
    return listed.find(number, version)


def _verdicts(attribute: str, patterns: tuple[AddressPattern, ...], *, allowed: bool) -> dict[int, Verdict]:
    step = None if allowed else Step.ADDRESS
    return {
        id(pattern): Verdict(allowed, step, f"{attribute} {pattern.text}", pattern.origin)
        for pattern in patterns
    }
