"""The parsers of single words: what they take, and that they refuse the rest with a sentence."""

from collections.abc import Callable

import pytest

from superd.config import values
from superd.config.model import FileTarget, SyslogTarget

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
