"""The list of those who touched a sensor: whom it holds, until when, and how many."""

import pytest

from superd.access import bans
from superd.access.bans import FOREVER, Ban, Bans
from superd.config.origin import Origin

HERE = Origin("superd.conf", 4)


def ban(host: str, until: float = 100.0) -> Ban:
    return Ban(host, until, "trap", HERE)


@pytest.mark.parametrize(
    ("touched", "client", "banned"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "", False),
    ],
)
def test_a_client_is_banned_with_all_who_count_as_one_with_it(
    touched: str, client: str, banned: bool
) -> None:
    assert (Bans([ban(touched)]).find(client, 0.0) is not None) == banned


@pytest.mark.parametrize(("now", "banned"), [(0.0, True), (99.999, True), (100.0, False), (1e9, False)])
def test_a_ban_ends_exactly(now: float, banned: bool) -> None:
    assert (Bans([ban("192.0.2.1")]).find("192.0.2.1", now) is not None) == banned


@pytest.mark.parametrize(
    ("first", "second", "until"), [(100.0, 200.0, 200.0), (200.0, 100.0, 200.0), (FOREVER, 1.0, FOREVER)]
)
def test_touching_again_makes_a_ban_longer_and_never_shorter(
    first: float, second: float, until: float
) -> None:
    banned = Bans([ban("192.0.2.1", first)])
    assert banned.add(ban("192.0.2.1", second)).until == until
    assert [each.until for each in banned] == [until]


def test_what_is_over_is_forgotten() -> None:
    banned = Bans([ban("192.0.2.1", 50.0), ban("192.0.2.2", 100.0), ban("192.0.2.3", FOREVER)])
    assert [str(each) for each in banned.expire(99.0)] == ["192.0.2.1"]
    assert [str(each) for each in banned.expire(100.0)] == ["192.0.2.2"]
    assert len(banned) == 1


def test_the_list_is_bounded_and_keeps_who_touched_a_sensor_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bans, "BANS_LIMIT", 2)
    banned = Bans([ban("192.0.2.1"), ban("192.0.2.2"), ban("192.0.2.1"), ban("192.0.2.3")])
    assert [each.host for each in banned] == ["192.0.2.1", "192.0.2.3"]


def test_who_has_no_address_is_not_banned() -> None:
    with pytest.raises(ValueError, match="without an address"):
        Bans().add(ban(""))
