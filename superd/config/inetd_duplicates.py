"""One service per address, name, protocol and family: ``Table`` lets a later entry replace an earlier one.

``tcp`` takes both families in Debian's reading, and files written elsewhere put ``tcp`` and ``tcp6`` side by
side for IPv4 and IPv6. The entry that names its family keeps it, and the other is narrowed to what is left.
"""

from typing import Final

from superd.config.inetd_fields import literal_family
from superd.config.origin import Report
from superd.config.written import Word, WrittenService

_FAMILIES: Final = ("IPv4", "IPv6")

Claim = tuple[str, str]
"""An address (empty: any) and a family that a service listens on."""


class Table:
    """The services of a configuration in the order of their entries, without duplicates."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._services: list[WrittenService] = []
        self._holders: dict[tuple[str, ...], dict[Claim, WrittenService]] = {}

    def services(self) -> list[WrittenService]:
        """Every service that is left."""
        return list(self._services)

    def add(self, service: WrittenService) -> None:
        """Add a service; what it replaces is dropped with a warning. Disabled services claim nothing."""
        if service.disable is None:
            self._claim(service)
        self._services.append(service)

    def _claim(self, service: WrittenService) -> None:
        held = self._holders.setdefault(_key(service), {})
        wanted = _claims(service)
        kept = [claim for claim in wanted if not _yields(service, held.get(claim))]
        for holder in _distinct([held[claim] for claim in kept or wanted if claim in held]):
            self._shrink(holder, held, taken=kept or wanted, by=service)
        if kept and len(kept) < len(wanted):
            self._warn_yielding(service, [held[claim] for claim in wanted if claim not in kept])
            _narrow(service, kept)
        held.update(dict.fromkeys(kept or wanted, service))

    def _warn_yielding(self, service: WrittenService, holders: list[WrittenService]) -> None:
        for holder in _distinct(holders):
            if _action(holder) != _action(service):
                text = f"{holder.origin} keeps {'/'.join(_family(holder) or ())} for itself; this entry has the rest"
                self._report.warning(
                    "family-kept", service.origin, text, hint="Debian's inetd lets the later one win"
                )

    def _shrink(
        self,
        holder: WrittenService,
        held: dict[Claim, WrittenService],
        taken: list[Claim],
        by: WrittenService,
    ) -> None:
        left = [claim for claim, owner in held.items() if owner is holder and claim not in taken]
        if left:
            _narrow(holder, left)
            return
        self._services = [one for one in self._services if one is not holder]
        name = holder.id.value if holder.id else holder.name
        text = f"this entry replaces the one for {name} at {holder.origin}"
        self._report.warning("duplicate-entry", by.origin, text, hint="remove one of them")


def _key(service: WrittenService) -> tuple[str, ...]:
    version = service.rpc_version.value if service.rpc_version else ""
    kinds = [word.value for word in service.type or () if word.value.startswith("TCPMUX")]
    where = service.bind.value if service.bind and _family(service) is None else ""
    return (service.name, service.protocol.value if service.protocol else "", version, where, *kinds)


def _family(service: WrittenService) -> tuple[str, ...] | None:
    """The families of a service; ``None`` for Unix sockets, which have none."""
    if service.protocol is not None and service.protocol.value == "unix":
        return None
    named = tuple(word.value for word in service.flags or () if word.value in _FAMILIES)
    return named or _FAMILIES


def _action(service: WrittenService) -> tuple[object, ...]:
    """What a service does, wherever it listens."""
    words = (service.user, service.wait, service.server, *(service.server_args or ()))
    return tuple(word.value if word else None for word in words)


def _claims(service: WrittenService) -> list[Claim]:
    families = _family(service)
    if families is None:
        return [("", "")]
    addresses = service.bind.value.split(",") if service.bind else [""]
    return [
        (address, family)
        for address in addresses
        for family in families
        if literal_family(address) in ("", family)
    ]


def _yields(service: WrittenService, holder: WrittenService | None) -> bool:
    """Tell whether a later entry for both families leaves one to an earlier entry that names it."""
    return holder is not None and _family(service) == _FAMILIES and _family(holder) not in (None, _FAMILIES)


def _distinct(services: list[WrittenService]) -> list[WrittenService]:
    return list({id(service): service for service in services}.values())


def _narrow(service: WrittenService, claims: list[Claim]) -> None:
    """Leave a service only some of what it listened on."""
    families = {family for _, family in claims}
    flags = tuple(word for word in service.flags or () if word.value not in _FAMILIES)
    if len(families) == 1:
        flags = (Word(value=families.pop(), origin=service.origin), *flags)
    service.flags = flags
    addresses = ",".join(dict.fromkeys(address for address, _ in claims))
    if service.bind is not None and addresses:
        service.bind = Word(value=addresses, origin=service.bind.origin)
