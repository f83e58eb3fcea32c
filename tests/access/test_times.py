"""access_times: which words are spans, and which minutes are in them."""

import pytest

from superd.access import times
from superd.config.model import EVERY_DAY
from superd.config.origin import Origin

ORIGIN = Origin("xinetd.conf", 7)


@pytest.mark.parametrize(
    ("word", "start", "end"),
    [
        ("8:30-17:00", 510, 1020),
        ("22:00-6:00", 1320, 360),
        ("23:59-0:00", 1439, 0),
        ("0:0-23:59", 0, 1439),
        ("9:5-9:6", 545, 546),
        ("8:-9:", 480, 540),
        (":-1:", 0, 60),
    ],
)
def test_a_span_is_read_in_minutes_of_the_day(word: str, start: int, end: int) -> None:
    span = times.parse(word, ORIGIN)
    assert (span.start, span.end, span.origin) == (start, end, ORIGIN)


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("Mon-Fri@", "not a time span"),
        ("@8:00-9:00", "days are Mon, Tue"),
        ("Monday@8:00-9:00", "days are Mon, Tue"),
        ("Mon-@8:00-9:00", "days are Mon, Tue"),
        ("-Mon@8:00-9:00", "days are Mon, Tue"),
        ("Mon,,Tue@8:00-9:00", "days are Mon, Tue"),
        ("Mon-Wed-Fri@8:00-9:00", "days are Mon, Tue"),
        ("Mon@Tue@8:00-9:00", "days are Mon, Tue"),
        ("22:00-6:00@Mon", "not a time span"),
        ("8:00-8:00", "starts when it ends"),
        ("8:00-24:00", "hours go from 0 to 23"),
        ("8:60-9:00", "minutes from 0 to 59"),
        ("8-17", "not a time span"),
        ("8:00-9:00,10:00-11:00", "not a time span"),
        ("8:00 -9:00", "not a time span"),
        ("-1:00-2:00", "not a time span"),
        ("", "not a time span"),
    ],
)
def test_other_words_are_refused_with_a_sentence(word: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        times.parse(word, ORIGIN)


@pytest.mark.parametrize(
    ("minute", "inside"), [(509, False), (510, True), (1020, True), (1021, False), (1100, True)]
)
def test_the_end_minute_belongs_to_the_span(minute: int, inside: bool) -> None:
    spans = [times.parse("8:30-17:00", ORIGIN), times.parse("18:00-19:00", ORIGIN)]
    assert (times.within(spans, 2, minute) is not None) == inside


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Mon", (0,)),
        ("Mon-Fri", (0, 1, 2, 3, 4)),
        ("sat,SUN", (5, 6)),
        ("Mon,Wed-Fri", (0, 2, 3, 4)),
        ("Sat-Mon", (0, 5, 6)),
        ("Tue-Tue", (1,)),
        ("Mon-Sun", EVERY_DAY),
    ],
)
def test_days_are_lists_and_ranges(text: str, days: tuple[int, ...]) -> None:
    assert times.parse(f"{text}@8:00-9:00", ORIGIN).days == days


MONDAY, FRIDAY, SATURDAY, SUNDAY = 0, 4, 5, 6


@pytest.mark.parametrize(
    ("word", "day", "clock", "inside"),
    [
        ("22:00-6:00", MONDAY, "21:59", False),
        ("22:00-6:00", MONDAY, "22:00", True),
        ("22:00-6:00", MONDAY, "6:00", True),
        ("22:00-6:00", MONDAY, "6:01", False),
        ("Mon-Fri@8:00-17:00", FRIDAY, "17:00", True),
        ("Mon-Fri@8:00-17:00", SATURDAY, "12:00", False),
        ("Sat,Sun@22:00-6:00", SATURDAY, "5:00", False),
        ("Sat,Sun@22:00-6:00", SATURDAY, "23:00", True),
        ("Sat,Sun@22:00-6:00", SUNDAY, "5:00", True),
        ("Sat,Sun@22:00-6:00", MONDAY, "6:00", True),
        ("Sat,Sun@22:00-6:00", MONDAY, "22:00", False),
        ("Sun@22:00-6:00", SUNDAY, "3:00", False),
    ],
)
def test_a_span_past_midnight_belongs_to_the_day_it_began(
    word: str, day: int, clock: str, inside: bool
) -> None:
    hour, minute = map(int, clock.split(":"))
    span = times.parse(word, ORIGIN)
    assert times.within([span], day, 60 * hour + minute) == (span if inside else None)


@pytest.mark.parametrize(
    ("word", "text", "remark"),
    [
        ("8:5-9:06", "8:05-9:06", ""),
        ("22:00-6:00", "22:00-6:00", "22:00-6:00 runs past midnight"),
        ("mon,tue,wed@8:00-9:00", "Mon-Wed@8:00-9:00", "Mon-Wed@8:00-9:00 holds on some days only"),
        ("Sun,Mon,Wed@8:00-9:00", "Mon,Wed,Sun@8:00-9:00", "Mon,Wed,Sun@8:00-9:00 holds on some days only"),
    ],
)
def test_a_span_is_written_as_it_was_understood(word: str, text: str, remark: str) -> None:
    span = times.parse(word, ORIGIN)
    assert (str(span), times.remark(span)) == (text, remark)
