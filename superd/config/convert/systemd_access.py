"""only_from and no_access as ``IPAddressAllow=`` and ``IPAddressDeny=`` (systemd.resource-control(5)).

systemd filters packets by address, knows no names, and lets its allow list win over its deny list. What can't be said
there closes the service instead of opening it.
"""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from superd.access import addresses
from superd.config.convert.words import flag, value
from superd.config.written import Words, WrittenService

Network = IPv4Network | IPv6Network

_CLOSED: Final = "IPAddressDeny=any"


def access(service: WrittenService) -> tuple[list[str], list[str]]:
    """Give the directives of the socket, and remarks about what they can't say.

    They hold for accepted connections, too. On the service they would filter what the server sends to others.
    """
    directives, remarks = _lists(service)
    if service.only_from is not None or service.no_access is not None:
        remarks.append("systemd drops the packets of refused peers without an answer or a line in the log")
    remarks += _libwrap(service)
    return directives, remarks


def _lists(service: WrittenService) -> tuple[list[str], list[str]]:
    if service.only_from is None and service.no_access is None:
        return [], []
    denied, unknown = _networks(service.no_access)
    if unknown:
        text = f"no_access {' '.join(unknown)}: systemd filters addresses only; closed to everybody until you decide"
        return [_CLOSED], [text]
    if service.only_from is None:
        return ([f"IPAddressDeny={_join(denied)}"] if denied else []), []
    allowed, unknown = _networks(service.only_from)
    left = _subtract(allowed, denied)
    remarks = (
        [f"only_from {' '.join(unknown)}: systemd filters addresses only; not allowed"] if unknown else []
    )
    return [_CLOSED, *([f"IPAddressAllow={_join(left)}"] if left else [])], remarks


def _networks(words: Words | None) -> tuple[list[Network], list[str]]:
    """The networks of a list, and its words that are no networks."""
    networks: list[Network] = []
    unknown: list[str] = []
    for word in words or ():
        try:
            found = [pattern.network for pattern in addresses.parse(word.value, word.origin, {})]
        except ValueError:
            found = [None]
        networks += [network for network in found if network is not None]
        unknown += [word.value] if None in found else []
    return networks, unknown


def _subtract(allowed: Iterable[Network], denied: Iterable[Network]) -> list[Network]:
    """Take the denied networks out of the allowed ones: in xinetd a peer on both lists is refused."""
    left = list(allowed)
    for away in denied:
        left = [part for network in left for part in _without(network, away)]
    return left


def _without(network: Network, away: Network) -> list[Network]:
    if isinstance(network, IPv4Network) and isinstance(away, IPv4Network) and network.overlaps(away):
        return list(network.address_exclude(away)) if away.subnet_of(network) else []
    if isinstance(network, IPv6Network) and isinstance(away, IPv6Network) and network.overlaps(away):
        return list(network.address_exclude(away)) if away.subnet_of(network) else []
    return [network]


def _join(networks: Iterable[Network]) -> str:
    return " ".join(str(network) for network in networks)


def _libwrap(service: WrittenService) -> list[str]:
    if service.libwrap is not None:
        return [
            f"libwrap {value(service.libwrap)}: tcpd stands in front of the server and asks hosts.allow and hosts.deny"
        ]
    if flag(service, "NOLIBWRAP") or service.redirect is not None:
        return []
    return [
        "xinetd asked hosts.allow and hosts.deny; systemd does not (put /usr/sbin/tcpd in front of the server)"
    ]
