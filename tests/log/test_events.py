"""Events are named once, and their common values have one form."""

import re
from typing import Any

import pytest

from superd.access.verdict import ALLOWED, Step, Verdict
from superd.config.origin import Origin
from superd.log import events

NAMES: dict[str, Any] = {name: value for name, value in vars(events).items() if name.isupper()}


def test_every_name_is_given_once_and_follows_its_constant() -> None:
    assert len(set(NAMES.values())) == len(NAMES) > 30
    for value in NAMES.values():
        assert re.fullmatch(r"[a-z]+\.[a-z]+", value)


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (ALLOWED, ""),
        (Verdict(allowed=False, step=Step.ADDRESS, rule="no_access 10.0.0.0/8", origin=Origin("x", 3)),
         "x:3: no_access 10.0.0.0/8"),
        (Verdict(allowed=False, step=Step.ADDRESS, origin=Origin("x", 3)), "x:3"),
        (Verdict(allowed=False, step=Step.LOAD, rule="max_load 2"), "max_load 2"),
    ],
)  # fmt: skip
def test_a_verdict_is_shown_with_the_place_of_its_rule(verdict: Verdict, text: str) -> None:
    assert events.rule(verdict) == text


@pytest.mark.parametrize(
    ("status", "keys"),
    [(0, {"status": 0}), (7 << 8, {"status": 7}), (9, {"signal": 9}), (139, {"signal": 11})],
)
def test_a_wait_status_is_a_status_or_a_signal(status: int, keys: dict[str, int]) -> None:
    assert events.wait_status(status) == keys


def test_connection_ids_are_hexadecimal_and_durations_have_milliseconds() -> None:
    assert events.connection_id(0x1F3A) == "1f3a"
    assert events.seconds(1.23456) == 1.235
    assert events.seconds(-0.1) == 0.0
