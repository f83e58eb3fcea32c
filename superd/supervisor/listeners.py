"""The sockets of all services, kept across reloads: ``Listeners`` makes them, ``Acquired`` is one set.

A reload takes these steps: ``acquire`` binds what is new while everything old stays open; the caller looks at
the failures; then either ``abandon`` closes what was just bound, or ``commit`` closes what nobody uses any
more. A socket whose address is in both configurations is never closed, whatever else has changed about it.
"""

import os
import socket
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from superd.config.model import Endpoint, Family, Service
from superd.config.origin import Origin
from superd.errors import BindError
from superd.net import options, unixfile
from superd.net.bind import ANY, FamilyMissing, bind, overlap
from superd.net.explain import describe, explain
from superd.net.holder import Holders
from superd.processes import Listener

_SAME_SOCKET: Final = ("family", "socket_type", "protocol", "address", "port", "device")
"""The fields of an ``Endpoint`` that can't be changed on a bound socket."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An endpoint that a service does not get, or does not get as written, and why."""

    service: str
    """``Service.key``."""
    endpoint: Endpoint
    origin: Origin
    text: str

    def __str__(self) -> str:
        return f"{self.origin}: service {self.service}: {self.text}"


@dataclass(eq=False, slots=True)
class _Bound:
    """One open socket, with the options it has now."""

    endpoint: Endpoint
    wait: bool
    socket: socket.socket
    file: unixfile.SocketFile | None

    def close(self) -> None:
        if self.file:
            self.file.remove()
        self.socket.close()


@dataclass(frozen=True, slots=True)
class _Claim:
    """Who wants an address, and the socket it got, if any."""

    service: Service
    endpoint: Endpoint
    bound: _Bound | None


@dataclass(slots=True)
class Acquired:
    """The sockets of one configuration; some of them may be those of the one before."""

    sockets: dict[tuple[str, Endpoint], socket.socket] = field(default_factory=dict)
    """By service key and endpoint."""
    failures: list[Failure] = field(default_factory=list)
    skipped: list[Failure] = field(default_factory=list)
    """Optional endpoints of a family that this machine lacks: worth a remark, not an error."""
    claims: dict[Hashable, _Claim] = field(default_factory=dict)
    """By address; for ``commit``."""
    fresh: list[_Bound] = field(default_factory=list)
    """What was bound just now; for ``abandon``."""

    def listeners(self) -> tuple[Listener, ...]:
        """The sockets in the form workers get them, in the order of the configuration."""
        return tuple(Listener(key, endpoint, sock) for (key, endpoint), sock in self.sockets.items())


class Listeners:
    """Owns every listening socket of the daemon."""

    def __init__(self) -> None:
        self._bound: dict[Hashable, _Bound] = {}

    def __len__(self) -> int:
        return len(self._bound)

    def acquire(self, services: Iterable[Service]) -> Acquired:
        """Find or make a socket for every endpoint. Changes no socket that exists; never raises.

        The first service that names an address gets it; a later one that names it too has a failure.
        """
        acquired = Acquired()
        round_ = _Round(self._bound, acquired)
        for service in services:
            for endpoint in service.endpoints:
                round_.acquire(service, endpoint)
        return acquired

    def abandon(self, acquired: Acquired) -> None:
        """Close what this acquisition bound; everything is as it was before."""
        for bound in acquired.fresh:
            bound.close()

    def commit(self, acquired: Acquired) -> list[Failure]:
        """Close what the acquisition does not use, and give kept sockets their new options.

        Returns the options that the system refused. A process that still holds a closed socket goes on
        serving it.
        """
        used = {identity: claim for identity, claim in acquired.claims.items() if claim.bound}
        for identity, bound in self._bound.items():
            if identity not in used:
                bound.close()
        self._bound = {identity: claim.bound for identity, claim in used.items() if claim.bound}
        return [failure for claim in used.values() for failure in _adjust(claim)]

    def close(self) -> None:
        """Close every socket and remove the files of Unix sockets."""
        for bound in self._bound.values():
            bound.close()
        self._bound = {}


class _Round:
    """One acquisition on its way."""

    def __init__(self, kept: dict[Hashable, _Bound], acquired: Acquired) -> None:
        self._kept = kept
        self._acquired = acquired
        self._holders = Holders()
        self._by_port: dict[tuple[Family, int], dict[str, list[_Bound]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for bound in kept.values():
            self._note(bound)

    def acquire(self, service: Service, endpoint: Endpoint) -> None:
        identity = _identity(service, endpoint)
        if first := self._acquired.claims.get(identity):
            self._share(first, service, endpoint)
            return
        bound = self._kept.get(identity) or self._bind(service, endpoint)
        self._acquired.claims[identity] = _Claim(service, endpoint, bound)
        if bound:
            self._acquired.sockets[service.key, endpoint] = bound.socket

    def _share(self, first: _Claim, service: Service, endpoint: Endpoint) -> None:
        """An address named twice: within one service it is the same socket, between two an error."""
        if first.service.key != service.key:
            owner = f"service {first.service.key} ({first.service.origin})"
            self._fail(service, endpoint, f"{describe(endpoint)}: already used by {owner}")
        elif first.bound:
            self._acquired.sockets[service.key, endpoint] = first.bound.socket

    def _bind(self, service: Service, endpoint: Endpoint) -> _Bound | None:
        try:
            bound = _open(service, endpoint, self._beside(endpoint), self._holders)
        except FamilyMissing as missing:
            self._acquired.skipped.append(Failure(service.key, endpoint, service.origin, str(missing)))
            return None
        except BindError as error:
            self._fail(service, endpoint, str(error))
            return None
        self._acquired.fresh.append(bound)
        self._note(bound)
        return bound

    def _beside(self, endpoint: Endpoint) -> list[socket.socket]:
        """Our sockets whose addresses overlap with this one; few are compared, because there may be thousands."""
        by_address = self._by_port[endpoint.family, endpoint.port]
        near = by_address if endpoint.address in ANY else (endpoint.address, *ANY)
        candidates = [bound for address in near for bound in by_address.get(address, ())]
        return [bound.socket for bound in candidates if overlap(bound.endpoint, endpoint)]

    def _note(self, bound: _Bound) -> None:
        if bound.endpoint.port:
            by_address = self._by_port[bound.endpoint.family, bound.endpoint.port]
            by_address[bound.endpoint.address].append(bound)

    def _fail(self, service: Service, endpoint: Endpoint, text: str) -> None:
        self._acquired.failures.append(Failure(service.key, endpoint, service.origin, text))


def _identity(service: Service, endpoint: Endpoint) -> Hashable:
    """What makes it the same socket in two configurations. A port that the kernel picks is one service's."""
    picked = service.key if endpoint.port == 0 and endpoint.family is not Family.UNIX else ""
    return (*(getattr(endpoint, name) for name in _SAME_SOCKET), picked)


def _open(service: Service, endpoint: Endpoint, beside: Sequence[socket.socket], holders: Holders) -> _Bound:
    sock = bind(endpoint, service.wait, beside=beside, holders=holders)
    if endpoint.family is not Family.UNIX:
        return _Bound(endpoint, service.wait, sock, None)
    try:
        return _Bound(endpoint, service.wait, sock, unixfile.identify(endpoint.address))
    except OSError as error:
        sock.close()
        raise BindError(explain(endpoint, error, holders)) from error


def _adjust(claim: _Claim) -> Iterable[Failure]:
    """Apply what has changed about a kept socket."""
    bound, endpoint, wait = claim.bound, claim.endpoint, claim.service.wait
    if bound is None or (bound.endpoint, bound.wait) == (endpoint, wait):
        return
    try:
        options.apply(bound.socket, endpoint, wait)
        options.apply_buffers(bound.socket, endpoint)
        if endpoint.family is Family.UNIX:
            unixfile.protect(endpoint, bound.endpoint.owner[0] if bound.endpoint.owner else os.geteuid())
        else:
            options.reset_buffers(bound.socket, endpoint)
        bound.endpoint, bound.wait = endpoint, wait
    except OSError as error:
        yield Failure(claim.service.key, endpoint, claim.service.origin, explain(endpoint, error, Holders()))
    except BindError as error:
        yield Failure(claim.service.key, endpoint, claim.service.origin, str(error))
