"""The tags of bootptab(5): ``TAGS`` says how the value of each is read, and which option of RFC 2132 it becomes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from superd_services.bootps.bootptab import values
from superd_services.bootps.bootptab.values import Resolver, Value


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag. ``alone``: it may stand without a value, which then is empty; ``inherited``: by ``tc``."""

    read: Callable[[str, Resolver], Value]
    option: int | None = None
    alone: bool = False
    inherited: bool = True


def _present(text: str, _resolve: Resolver) -> bool:
    if text:
        raise ValueError("takes no value")
    return True


def _raw(text: str, _resolve: Resolver) -> str:
    return text


TAGS: Final[Mapping[str, Tag]] = {
    "bf": Tag(values.words),
    "bs": Tag(values.count_or_auto, 13, alone=True),
    "cs": Tag(values.addresses, 8),
    "df": Tag(values.words, 14),
    "dl": Tag(values.count),
    "dn": Tag(values.words, 15),
    "ds": Tag(values.addresses, 6),
    "ef": Tag(values.words, 18),
    "gw": Tag(values.addresses, 3),
    "ha": Tag(_raw, inherited=False),
    "hd": Tag(values.words),
    "hn": Tag(_present, 12, alone=True),
    "ht": Tag(values.hardware_type),
    "im": Tag(values.addresses, 10),
    "ip": Tag(values.one_address, inherited=False),
    "lg": Tag(values.addresses, 7),
    "lp": Tag(values.addresses, 9),
    "ms": Tag(values.count),
    "mw": Tag(values.count),
    "ns": Tag(values.addresses, 5),
    "nt": Tag(values.addresses, 42),
    "ra": Tag(values.one_address),
    "rl": Tag(values.addresses, 11),
    "rp": Tag(values.words, 17),
    "sa": Tag(values.one_address),
    "sm": Tag(values.mask, 1),
    "sw": Tag(values.one_address, 16),
    "td": Tag(values.words),
    "to": Tag(values.offset, 2, alone=True),
    "ts": Tag(values.addresses, 4),
    "vm": Tag(values.format_of_area),
    "yd": Tag(values.words, 40),
    "ys": Tag(values.addresses, 41),
}

PROTOCOL_OPTIONS: Final = frozenset({50, 51, 52, 53, 54, 55, 57, 82})
"""Options that DHCP sets by itself, whatever an entry says (``dl`` sets 51)."""

ORDER: Final = (
    "sm", "gw", "bs", "ef", "to", "sw", "rp", "df", "ds", "dn", "ys", "yd", "ns", "rl", "ts", "nt", "hn",
    "lp", "im", "cs", "lg",
)  # fmt: skip
"""The order of options in a vendor area, the most needed first, as CMU bootpd has it."""
