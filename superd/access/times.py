"""The words of access_times: ``h:m-h:m`` -> ``TimeSpan``, and which span holds a minute of the local day."""

import re
from collections.abc import Iterable

from superd.config.model import TimeSpan
from superd.config.origin import Origin

_SPAN = re.compile(r"([0-9]{0,9}):([0-9]{0,9})-([0-9]{0,9}):([0-9]{0,9})", re.ASCII)


def parse(word: str, origin: Origin) -> TimeSpan:
    """Read one word as xinetd.conf(5) has it: hours 0-23, minutes 0-59, a missing number is 0.

    Raises ValueError with a plain sentence.
    """
    found = _SPAN.fullmatch(word)
    if not found:
        raise ValueError(f"{word!r} is not a time span like 8:30-17:00")
    hour, minute, last_hour, last_minute = (int(number or 0) for number in found.groups())
    if max(hour, last_hour) > 23 or max(minute, last_minute) > 59:
        raise ValueError(
            f"{word!r}: hours go from 0 to 23 and minutes from 0 to 59 (23:59 holds the last minute)"
        )
    start, end = 60 * hour + minute, 60 * last_hour + last_minute
    if start > end:
        raise ValueError(f"{word!r} runs past midnight: write two spans, as in 22:00-23:59 0:00-6:00")
    if start == end:
        raise ValueError(f"{word!r} starts when it ends")
    return TimeSpan(start=start, end=end, origin=origin)


def within(spans: Iterable[TimeSpan], minute: int) -> TimeSpan | None:
    """Return the first span that holds a minute of the day (0-1439); the end minute belongs to it."""
    for span in spans:
        if span.start <= minute <= span.end:
            return span
    return None
