"""``address_rule = most-specific``: what holds for a client who is on both lists, only_from and no_access.

xinetd.conf(5) promises that the better match wins; the program always refuses, which is the rule without this
attribute. Here an entry of only_from beats one of no_access if it says more exactly who is meant:

- one address, or a host's name, beats any network or domain;
- of two networks the smaller one wins, of two domains the longer one.

Everything else is a draw, and a draw is refused: equal entries, an address against a name, a network against a domain.
"""

from superd.access.addresses import AddressSet, numeric
from superd.access.checks import Check
from superd.access.facts import NAME, ClientFacts, is_good
from superd.access.verdict import Step, Verdict
from superd.config.model import AddressPattern
from superd.config.origin import Origin
from superd.service import Peer


def most_specific(
    no_access: tuple[AddressPattern, ...], only_from: tuple[AddressPattern, ...], origin: Origin
) -> Check:
    """Both lists in one step; ``origin`` is where only_from was written."""
    words = "only_from and no_access, address_rule = most-specific"
    denied, admitted = AddressSet(no_access), AddressSet(only_from)
    unlisted = Verdict(False, Step.ADDRESS, "only_from", origin)
    named = denied.needs_names is not None or admitted.needs_names is not None
    unasked = Verdict(False, Step.ADDRESS, words, origin, NAME)

    def decide(peer: Peer, facts: ClientFacts | None, _wall: float, _monotonic: float, /) -> Verdict | None:
        if not peer.host:
            return unlisted
        name = facts.found_name if facts else None
        against, entries = _entries(denied, peer.host, name), _entries(admitted, peer.host, name)
        winner = _winner(entries, against)
        settled = any(map(_is_one_host, against)) or (winner is not None and denied.needs_names is None)
        if named and name is None and not settled:
            return unasked
        if winner is not None:
            return Verdict(True, None, f"only_from {winner.text}", winner.origin)
        return _refusal(entries, against) or unlisted

    return Check(Step.ADDRESS, decide, words, origin)


def beats(one: AddressPattern, other: AddressPattern) -> bool:
    """Whether an entry says more exactly than another one who is meant."""
    if _is_one_host(one) or _is_one_host(other):
        return not _is_one_host(other)
    if one.network is not None and other.network is not None:
        return one.network.prefixlen > other.network.prefixlen
    return bool(one.name and other.name) and len(one.name) > len(other.name)


def _is_one_host(entry: AddressPattern) -> bool:
    if entry.network is not None:
        return entry.network.prefixlen == entry.network.max_prefixlen
    return not entry.name.startswith(".")


def _entries(listed: AddressSet, host: str, name: str | None) -> list[AddressPattern]:
    """The most exact address and the most exact name of a list that hold a client."""
    version, number = numeric(host)
    by_name = listed.match_name(name) if name is not None and is_good(name) else None
    return [entry for entry in (listed.find(number, version), by_name) if entry is not None]


def _winner(entries: list[AddressPattern], against: list[AddressPattern]) -> AddressPattern | None:
    """The entry of only_from that beats everything against the client."""
    return next((entry for entry in entries if all(beats(entry, each) for each in against)), None)


def _refusal(entries: list[AddressPattern], against: list[AddressPattern]) -> Verdict | None:
    """Name the entry of no_access that nothing beats; when each is beaten by something else, the first."""
    if not against:
        return None
    unbeaten = (each for each in against if not any(beats(entry, each) for entry in entries))
    rule = next(unbeaten, against[0])
    return Verdict(False, Step.ADDRESS, f"no_access {rule.text}", rule.origin)
