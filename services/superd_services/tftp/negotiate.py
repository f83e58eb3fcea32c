"""What a client's options come to: ``negotiate`` (RFC 2347, 2348, 2349, 7440, and tftp-hpa's own).

An option is granted, passed over, or a reason to refuse the request. Nothing is ever granted that was not asked for:
UEFI clients give up then.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from superd_services.tftp.packet import ErrorCode, Malformed, Request

BLKSIZE_DEFAULT: Final = 512
BLKSIZE_MIN: Final = 8
BLKSIZE_MAX: Final = 65464

BLKSIZE2_MAX: Final = 32768
"""tftp-hpa's blksize2 is a power of two up to this."""

TIMEOUT_MAX: Final = 255
UTIMEOUT_MIN: Final = 10_000
"""Microseconds: tftp-hpa's figure; a shorter time-out would be an attack on the network."""

WINDOWSIZE_MAX: Final = 65535
WINDOWSIZE_GRANTED: Final = 32767
"""Blocks of a window: in larger ones old and new block numbers can't be told apart."""

OPTIONS: Final = ("blksize", "blksize2", "timeout", "utimeout", "tsize", "windowsize", "rollover")
"""Every option that is known here."""

_DIGITS_LIMIT: Final = 20
"""Digits that a number may have; each value beyond 64 bits means the same."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What may be granted. ``payload``: bytes of the largest datagram for this client; ``refused``: option names."""

    blksize_max: int = BLKSIZE_MAX
    windowsize_max: int = 64
    window_bytes: int = 65536
    refused: frozenset[str] = frozenset()
    timeout: float = 1.0
    rollover: int = 0
    payload: int = BLKSIZE_MAX + 4


@dataclass(slots=True)
class Agreed:
    """What holds for one transfer. ``timeout`` in seconds; ``answer`` are the options of the OACK, empty for none."""

    blksize: int = BLKSIZE_DEFAULT
    windowsize: int = 1
    timeout: float = 1.0
    rollover: int = 0
    answer: list[tuple[bytes, bytes]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The granted options in one word, for the log."""
        return ",".join(
            f"{name.decode('ascii', 'replace').lower()}={value.decode()}" for name, value in self.answer
        )


def negotiate(request: Request, terms: Terms, size: int | None) -> Agreed:
    """Decide on each option; ``size`` is what tsize is answered with, ``None`` when it is not known.

    Raises:
        Malformed: an option has a value that it can't have.
    """
    agreed = Agreed(timeout=terms.timeout, rollover=terms.rollover)
    granted: dict[str, int] = {}
    asked = dict(_known(request, terms))
    if "blksize" in asked:
        asked.pop("blksize2", None)
    for name, value in asked.items():
        answer = size if name == "tsize" else _GRANT[name](value, agreed, terms)
        if answer is not None:
            granted[name] = answer
    if "windowsize" in granted:
        # Last, because what fits into a window depends on the block size, wherever that stands in the request.
        granted["windowsize"] = agreed.windowsize = _fitting(agreed, terms)
    for written, _ in request.options:
        name = _name(written)
        if name in granted:
            agreed.answer.append((written, b"%d" % granted[name]))
    return agreed


def announced_size(request: Request, refused: Iterable[str]) -> int | None:
    """Return the size that a writer announces. Raises Malformed."""
    return dict(_known(request, Terms(refused=frozenset(refused)))).get("tsize")


def _known(request: Request, terms: Terms) -> Iterable[tuple[str, int]]:
    for written, value in request.options:
        name = _name(written)
        if name in OPTIONS and name not in terms.refused:
            yield name, _number(name, value)


def _name(written: bytes) -> str:
    return written.decode("latin-1").lower()


def _number(name: str, value: bytes) -> int:
    if not value.isdigit():
        raise _bad(name)
    return int(value) if len(value) <= _DIGITS_LIMIT else 10**_DIGITS_LIMIT


def _bad(name: str) -> Malformed:
    return Malformed(ErrorCode.OPTIONS, f"Bad value of option {name}")


def _largest(terms: Terms) -> int:
    return max(min(terms.blksize_max, terms.payload - 4, BLKSIZE_MAX), BLKSIZE_MIN)


def _blksize(value: int, agreed: Agreed, terms: Terms) -> int | None:
    if value < BLKSIZE_MIN:
        raise _bad("blksize")
    agreed.blksize = min(value, _largest(terms))
    return agreed.blksize


def _blksize2(value: int, agreed: Agreed, terms: Terms) -> int | None:
    if value < BLKSIZE_MIN:
        raise _bad("blksize2")
    agreed.blksize = 1 << (min(value, _largest(terms), BLKSIZE2_MAX).bit_length() - 1)
    return agreed.blksize


def _timeout(value: int, agreed: Agreed, _terms: Terms) -> int | None:
    if not 1 <= value <= TIMEOUT_MAX:
        raise _bad("timeout")
    agreed.timeout = float(value)
    return value


def _utimeout(value: int, agreed: Agreed, _terms: Terms) -> int | None:
    if not UTIMEOUT_MIN <= value <= TIMEOUT_MAX * 1_000_000:
        raise _bad("utimeout")
    agreed.timeout = value / 1_000_000
    return value


def _windowsize(value: int, agreed: Agreed, terms: Terms) -> int | None:
    if not 1 <= value <= WINDOWSIZE_MAX:
        raise _bad("windowsize")
    agreed.windowsize = min(value, terms.windowsize_max, WINDOWSIZE_GRANTED)
    return agreed.windowsize


def _fitting(agreed: Agreed, terms: Terms) -> int:
    return max(min(agreed.windowsize, terms.window_bytes // agreed.blksize), 1)


def _rollover(value: int, agreed: Agreed, _terms: Terms) -> int | None:
    if value not in {0, 1}:
        raise _bad("rollover")
    agreed.rollover = value
    return value


_GRANT: Final[dict[str, Callable[[int, Agreed, Terms], int | None]]] = {
    "blksize": _blksize,
    "blksize2": _blksize2,
    "timeout": _timeout,
    "utimeout": _utimeout,
    "windowsize": _windowsize,
    "rollover": _rollover,
}
