"""access_times: which words are spans, and which minutes are in them."""

import pytest

from superd.access import times
from superd.config.origin import Origin

ORIGIN = Origin("xinetd.conf", 7)


@pytest.mark.parametrize(
    ("word", "start", "end"),
    [
        ("8:30-17:00", 510, 1020),
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
        ("22:00-6:00", "runs past midnight"),
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
    assert (times.within(spans, minute) is not None) == inside
