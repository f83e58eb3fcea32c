"""The parsers of single words: what they take, and that they refuse the rest with a sentence."""

from collections.abc import Callable

import pytest

from superd.config import values
from superd.config.model import FileTarget, SourcePrefix, SourceRate, SyslogTarget

VALID: list[tuple[Callable[[str], object], str, object]] = [
    (values.yes_no, "YES", True),
    (values.yes_no, "no", False),
    (values.integer, "+5", 5),
    (values.integer, "-5", -5),
    (values.count, "unlimited", None),
    (values.count, "0", 0),
    (values.size, "8388608", 8388608),
    (values.size, "20k", 20480),
    (values.size, "3M", 3 * 1024 * 1024),
    (values.limit, "Unlimited", None),
    (values.octal, "022", 0o022),
    (values.octal, "777", 0o777),
    (values.load_average, "2.5", (2.5, "")),
    (values.load_average, "-1", (-1.0, "")),
    (values.load_average, "2.5xyz", (2.5, "xyz")),
    (values.seconds, "90", 90.0),
    (values.seconds, "1.5m", 90.0),
    (values.versions, "2", (2, 2)),
    (values.versions, "1-3", (1, 3)),
    (values.deny_minutes, "FOREVER", -1),
    (values.deny_minutes, "never", 0),
    (values.deny_minutes, "5", 5),
    (values.deny_minutes, "-1", -1),
    (values.per_source, "10", (10, SourcePrefix())),
    (values.per_source, "10/24", (10, SourcePrefix(ipv4=24))),
    (values.per_source, "0/32/128", (0, SourcePrefix(ipv6=128))),
    (values.per_source, "unlimited", None),
    (values.address_rule, "Deny", False),
    (values.address_rule, "most-specific", True),
    (values.lookup_seconds, "1m", 60.0),
    (values.setting, "A=b=c", ("A", "b=c")),
    (values.setting, "A=", ("A", "")),
]


@pytest.mark.parametrize(("parse", "text", "value"), VALID)
def test_a_word_is_read(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


INVALID: list[tuple[Callable[[str], object], str]] = [
    (values.yes_no, "true"),
    (values.integer, "3.5"),
    (values.integer, "0x50"),
    (values.integer, "99999999999"),
    (values.integer, "٣"),
    (values.count, "-1"),
    (values.positive, "0"),
    (values.size, "10X"),
    (values.size, "10G"),
    (values.size, "-1"),
    (values.octal, "999"),
    (values.octal, "1777"),
    (values.load_average, "abc"),
    (values.load_average, "0"),
    (values.load_average, "nan"),
    (values.seconds, "0"),
    (values.seconds, "1d"),
    (values.versions, "5-2"),
    (values.deny_minutes, "soon"),
    (values.deny_minutes, "-2"),
    (values.per_source, "10/"),
    (values.per_source, "10/33"),
    (values.per_source, "10/0"),
    (values.per_source, "10/24/129"),
    (values.per_source, "10/24/64/1"),
    (values.per_source, "/24"),
    (values.per_source, "UNLIMITED/24"),
    (values.address_rule, "specific"),
    (values.lookup_seconds, "61"),
    (values.lookup_seconds, "0"),
    (values.setting, "FOO"),
    (values.setting, "=x"),
]


@pytest.mark.parametrize(("parse", "text"), INVALID)
def test_a_word_is_refused_with_a_sentence(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        parse(text)


TARGETS = [
    ("syslog daemon", SyslogTarget(facility="daemon", level="info")),
    ("SYSLOG LOCAL3 Notice", SyslogTarget(facility="local3", level="notice")),
    ("FILE /var/log/x", FileTarget(path="/var/log/x")),
    ("FILE /var/log/x 1k", FileTarget(path="/var/log/x", soft=1024, hard=1024 + 5 * 1024)),
    ("FILE /var/log/x 1000k", FileTarget(path="/var/log/x", soft=1024000, hard=1024000 + 10240)),
    ("FILE /var/log/x 100m", FileTarget(path="/var/log/x", soft=104857600, hard=104857600 + 20 * 1024)),
    ("FILE /var/log/x 1k 2k", FileTarget(path="/var/log/x", soft=1024, hard=2048)),
]


@pytest.mark.parametrize(("text", "target"), TARGETS)
def test_log_type_is_read(text: str, target: object) -> None:
    assert values.target(tuple(text.split())) == target


@pytest.mark.parametrize(
    "text",
    [
        "NONE x",
        "/var/log/x y",
        "SYSLOG cron",
        "SYSLOG daemon loud",
        "FILE /x abc",
        "FILE /x 2k 1k",
        "SYSLOG",
        "FILE",
    ],
)
def test_a_wrong_log_type_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        values.target(tuple(text.split()))


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10/s", SourceRate(count=10, period=1, burst=10)),
        ("10/s burst 20", SourceRate(count=10, period=1, burst=20)),
        ("3/m BURST 1", SourceRate(count=3, period=60, burst=1)),
        ("5/h", SourceRate(count=5, period=3600, burst=5)),
        ("1/d", SourceRate(count=1, period=86400, burst=1)),
        ("Unlimited", None),
    ],
)
def test_a_rate_is_read(text: str, rate: SourceRate | None) -> None:
    assert values.source_rate(tuple(text.split())) == rate


@pytest.mark.parametrize(
    "text",
    ["10", "10/w", "/s", "0/s", "-1/s", "10/s burst", "10/s burst 0", "10/s 20", "10/s peak 20", "1.5/s"],
)
def test_a_wrong_rate_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        values.source_rate(tuple(text.split()))
