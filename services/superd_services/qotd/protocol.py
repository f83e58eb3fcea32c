"""Quotes (RFC 865): ``split`` reads those of a file, ``choose`` takes one at random or that of the day."""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

QUOTE_LIMIT: Final = 511
"""Bytes of a quote as it is sent: RFC 865 wants fewer than 512."""

SEPARATOR: Final = "%"
"""A line of its own between two quotes (fortune(6), strfile(1))."""

Quotes = Sequence[bytes]
"""Quotes as they are sent; never empty."""


class Choice(StrEnum):
    """Words for the option ``choice``."""

    RANDOM = "random"
    DAILY = "daily"


def split(content: bytes) -> list[bytes]:
    """Read the quotes of a file: the whole of it, or what stands between lines of ``%``.

    They come back as they are sent, with CR LF; empty and too long ones are left out. UTF-8 may pass, control
    characters may not: a terminal shows what is sent.
    """
    found = [_encoded(lines) for lines in _blocks(content.decode("utf-8", "replace"))]
    return [quote for quote in found if 0 < len(quote) <= QUOTE_LIMIT]


def _blocks(text: str) -> Iterable[list[str]]:
    block: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if line.rstrip() == SEPARATOR:
            yield block
            block = []
        else:
            block.append("".join(filter(str.isprintable, line.expandtabs())).rstrip())
    yield block


def _encoded(lines: Sequence[str]) -> bytes:
    text = "\n".join(lines).strip("\n")
    return "".join(f"{line}\r\n" for line in text.split("\n")).encode() if text else b""


def of_the_day(quotes: Quotes, now: float) -> bytes:
    """Choose by the local date: each day has the next quote, so none comes again before all have been."""
    return quotes[datetime.fromtimestamp(now).astimezone().toordinal() % len(quotes)]


def choose(choice: Choice, quotes: Quotes, now: float) -> bytes:
    """Choose a quote; ``now`` is the wall clock in seconds since the epoch."""
    return of_the_day(quotes, now) if choice is Choice.DAILY else random.choice(quotes)  # noqa: S311 - no secret
