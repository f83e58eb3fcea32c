"""What the records of an answer mean: ``pointer_of``, ``forward_of``; values in, values out.

An answer may hold anything. Only records that belong to the question count: those of the name that was asked
for, or of the name that CNAME records lead to from there (RFC 1034 section 3.6.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from superd.lookup.verify import Forward, Pointer, is_host_name

ADDRESSES_LIMIT: Final = 1024
"""Addresses of one name that are looked at; an answer has room for 4,000."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of class IN: ``kind`` is A, AAAA, CNAME or PTR; ``ttl`` is in seconds."""

    owner: str
    kind: str
    data: str
    ttl: int


def pointer_of(asked: str, records: Sequence[Record]) -> Pointer | None:
    """The first of the PTR records of ``asked``; ``None`` if that is no host name, as for getnameinfo(3) in glibc."""
    owner, ttl = _follow(asked, records)
    for record in records:
        if record.kind == "PTR" and record.owner.lower() == owner.lower():
            return Pointer(record.data, min(ttl, record.ttl)) if _is_name(record.data) else None
    return None


def forward_of(asked: str, kind: str, records: Sequence[Record]) -> Forward | None:
    """The addresses of ``asked``, a name or that name in a domain of the search list, and its canonical name."""
    first = next((record.owner for record in records), asked)
    canonical, ttl = _follow(first, records)
    found = [
        record for record in records if record.kind == kind and record.owner.lower() == canonical.lower()
    ]
    if not found or not _is_name(canonical):
        return None
    addresses = tuple(record.data for record in found[:ADDRESSES_LIMIT])
    return Forward(canonical, addresses, min(ttl, *(record.ttl for record in found)))


def _follow(owner: str, records: Sequence[Record]) -> tuple[str, float]:
    """Where the CNAME records lead, in the order in which they stand, and the lowest of their TTLs."""
    ttl = float("inf")
    for record in records:
        if record.kind == "CNAME" and record.owner.lower() == owner.lower():
            owner, ttl = record.data, min(ttl, record.ttl)
    return owner, ttl


def _is_name(text: str) -> bool:
    """The empty name is the root's, which the C library takes for a name as well."""
    return not text or is_host_name(text)
