"""The words of access_times: ``[days@]h:m-h:m`` -> ``TimeSpan``, and which span holds a minute of the local week.

xinetd.conf(5) has ``h:m-h:m`` within one day. Days, and spans that run past midnight, are superd's:
``Mon-Fri@8:00-17:00``, ``Sat,Sun@22:00-6:00``.
"""

import re
from collections.abc import Iterable

from superd.config.model import DAYS, EVERY_DAY, TimeSpan
from superd.config.origin import Origin

_SPAN = re.compile(r"([0-9]{0,9}):([0-9]{0,9})-([0-9]{0,9}):([0-9]{0,9})", re.ASCII)
_NUMBERS = {name.lower(): number for number, name in enumerate(DAYS)}


def parse(word: str, origin: Origin) -> TimeSpan:
    """Read one word: hours 0-23, minutes 0-59, a missing number is 0; days are Mon to Sun, lists and ranges.

    Raises ValueError with a plain sentence.
    """
    days, at, clock = word.rpartition("@")
    found = _SPAN.fullmatch(clock)
    if not found:
        raise ValueError(f"{word!r} is not a time span like 8:30-17:00 or Mon-Fri@8:30-17:00")
    hour, minute, last_hour, last_minute = (int(number or 0) for number in found.groups())
    if max(hour, last_hour) > 23 or max(minute, last_minute) > 59:
        raise ValueError(
            f"{word!r}: hours go from 0 to 23 and minutes from 0 to 59 (23:59 holds the last minute)"
        )
    start, end = 60 * hour + minute, 60 * last_hour + last_minute
    if start == end:
        raise ValueError(f"{word!r} starts when it ends")
    return TimeSpan(start=start, end=end, origin=origin, days=_days(word, days) if at else EVERY_DAY)


def _days(word: str, text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = part.partition("-")
        if first not in _NUMBERS or (dash and last not in _NUMBERS):
            raise ValueError(f"{word!r}: days are {', '.join(DAYS)}, as in Mon-Fri or Sat,Sun")
        begin = _NUMBERS[first]
        length = (_NUMBERS[last] - begin) % 7 if dash else 0
        found |= {(begin + step) % 7 for step in range(length + 1)}
    return tuple(sorted(found))


def remark(span: TimeSpan) -> str:
    """Say what xinetd does not know about a span; empty when it knows it all."""
    if span.days != EVERY_DAY:
        return f"{span} holds on some days only"
    return f"{span} runs past midnight" if span.end < span.start else ""


def within(spans: Iterable[TimeSpan], day: int, minute: int) -> TimeSpan | None:
    """Return the first span that holds a minute (0-1439) of a day of the week (Monday is 0)."""
    for span in spans:
        overnight = span.end < span.start
        if minute >= span.start and (overnight or minute <= span.end) and day in span.days:
            return span
        if overnight and minute <= span.end and (day - 1) % 7 in span.days:
            return span
    return None
