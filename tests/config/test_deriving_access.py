"""From a stanza to the bounds and access rules of the service as used, and what is remarked on."""

import pytest

from helpers.configured import codes, defaults, one, services, stanza
from superd.config.model import Rate, Sensor


def test_limits_default_to_fifty_starts_and_nothing_else() -> None:
    limits = one().limits
    assert (limits.instances, limits.per_source, limits.max_load) == (None, None, None)
    assert limits.cps is not None
    assert limits.cps.value == Rate(starts=50, window=None, pause=10)


def test_limits_know_where_they_were_written() -> None:
    limits = one("instances = 3", "cps = 25 30", "max_load = 2.5").limits
    assert limits.instances is not None
    assert (limits.instances.value, limits.instances.origin.line) == (3, 10)
    assert limits.cps is not None
    assert limits.cps.value == Rate(starts=25, window=None, pause=30)


TFTP = """service tftp
{
    type = INTERNAL UNLISTED
    socket_type = dgram
    protocol = udp
    port = 6969
    wait = yes
    user = nobody
    root = /tmp
    %s
}
"""


@pytest.mark.parametrize(("line", "starts"), [("", None), ("cps = 5 1", 5)])
def test_a_conversation_of_many_requests_has_a_rate_only_if_one_is_written(
    line: str, starts: int | None
) -> None:
    found = services(TFTP % line)["tftp"]
    assert (found.limits.cps and found.limits.cps.value.starts) == starts


@pytest.mark.parametrize("line", ["instances = UNLIMITED", "per_source = unlimited"])
def test_unlimited_is_no_limit(line: str) -> None:
    limits = one(line).limits
    assert limits.instances is None
    assert limits.per_source is None


def test_zero_starts_switch_the_rate_off() -> None:
    assert one("cps = 0 10").limits.cps is None


def test_starts_per_minute_are_inetds_rate() -> None:
    limits = one("rate_per_minute = 40", "source_rate_per_minute = 6", "idle_timeout = 5m").limits
    assert limits.cps is not None
    assert limits.cps.value == Rate(starts=40, window=60, pause=600)
    assert [str(rate.value) for rate in limits.source_rates] == ["6/m burst 6"]
    assert limits.idle_timeout == 300.0


def test_both_rates_of_a_source_hold_and_know_where_they_were_written() -> None:
    rates = one("rate = 10/s burst 20", "source_rate_per_minute = 6").limits.source_rates
    assert [(str(rate.value), rate.origin.line) for rate in rates] == [
        ("10/s burst 20", 10),
        ("6/m burst 6", 11),
    ]


def test_a_service_can_undo_the_rate_of_defaults() -> None:
    found = services(defaults("rate = 1/m") + stanza() + stanza("rate = UNLIMITED", name="free"))
    assert [len(found[name].limits.source_rates) for name in ("s", "free")] == [1, 0]


def test_per_source_has_prefixes() -> None:
    limits = one("per_source = 10/24/56").limits
    assert limits.per_source is not None
    assert limits.per_source.value == 10
    assert (limits.per_source_prefix.ipv4, limits.per_source_prefix.ipv6) == (24, 56)


def test_rules_about_names_are_inherited_and_have_defaults() -> None:
    plain, strict = (
        one().access,
        services(defaults("paranoid = yes", "lookup_timeout = 2", "address_rule = most-specific") + stanza())[
            "s"
        ].access,
    )
    assert (plain.paranoid, plain.lookup_seconds, plain.most_specific) == (None, 5.0, False)
    assert (strict.paranoid is not None, strict.lookup_seconds, strict.most_specific) == (True, 2.0, True)
    assert one("paranoid = no").access.paranoid is None


NAMES = ["only_from = host.example.org", "only_from = .example.org", "no_access = bad.test"]


@pytest.mark.parametrize("line", NAMES)
def test_a_service_with_names_in_its_lists_is_started_with_a_remark(line: str) -> None:
    assert codes(stanza(line)) == ["host-name"]
    assert not services(stanza(line))["s"].unsupported


BOTH = ["no_access = 10.0.0.0/8 2001:db8::/32"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("only_from = 10.1.2.3", ["covered-by-no-access"]),
        ("only_from = 10.0.0.0/8", ["covered-by-no-access"]),
        ("only_from = 2001:db8:1::/48", ["covered-by-no-access"]),
        ("only_from = 192.0.2.1", []),
        ("only_from = 10.0.0.0/7", []),
        ("only_from = 10.1.2.3\n\taddress_rule = most-specific", []),
    ],
)
def test_an_entry_that_no_access_covers_is_remarked_on(line: str, expected: list[str]) -> None:
    assert codes(stanza(*BOTH, line)) == expected


SENSORS: list[tuple[list[str], dict[str, str], list[str]]] = [
    (["deny_time = 5"], {}, []),
    ([], {}, []),
    ([], {"without": "server"}, ["sensor-without-program"]),
    ([], {"without": "user server"}, ["sensor-without-program"]),
    ([], {"server": "/nonexistent"}, ["sensor-without-program"]),
    ([], {"user": "nosuch"}, ["sensor-without-program"]),
    (
        [],
        {"type": "INTERNAL UNLISTED", "name": "telnet", "without": "user server"},
        ["sensor-without-program"],
    ),
    ([], {"type": "INTERNAL UNLISTED", "name": "echo", "without": "user server"}, []),
    (["only_from = 10.0.0.1"], {"wait": "yes"}, []),
    (["deny_time = 5"], {"socket_type": "dgram", "protocol": "udp", "wait": "yes"}, ["sensor-of-datagrams"]),
]


@pytest.mark.parametrize(("lines", "attributes", "expected"), SENSORS)
def test_a_sensor_needs_no_program(lines: list[str], attributes: dict[str, str], expected: list[str]) -> None:
    text = stanza("flags = SENSOR", *lines, **attributes)
    (service,) = services(text).values()
    assert list(dict.fromkeys(codes(text))) == expected
    assert (service.action, service.unsupported, service.wait) == (Sensor(), (), False)
    assert service.access.daemon == ""


def test_a_sensor_bans_clients_with_doubtful_names_too() -> None:
    found = services(defaults("paranoid = yes") + stanza("flags = SENSOR"))["s"]
    assert found.access.paranoid is None


def test_deny_time_without_a_sensor_is_remarked_on() -> None:
    assert codes(stanza("deny_time = 5")) == ["deny-time-ignored"]


def test_idonly_holds_whatever_is_logged() -> None:
    assert "idonly-without-userid" in codes(stanza("flags = IDONLY"))
    assert "idonly-without-userid" not in codes(stanza("flags = IDONLY", "log_on_success = USERID"))


def test_access_times_are_spans_of_minutes() -> None:
    times = one("access_times = 2:00-9:00 12:30-23:59").access.times
    assert [(span.start, span.end) for span in times or ()] == [(120, 540), (750, 1439)]


@pytest.mark.parametrize(
    "text", ["9:00-9:00", "9:00 - 17:00", "9-17", "Mon 9:00-17:00", "9:00-24:00", "0:00-1:00,2:00-3:00"]
)
def test_wrong_access_times_keep_the_service_from_starting(text: str) -> None:
    assert services(stanza(f"access_times = {text}")) == {}


@pytest.mark.parametrize("text", ["22:00-6:00", "Mon-Fri@9:00-17:00"])
def test_times_that_xinetd_does_not_know_are_remarked_on(text: str) -> None:
    assert codes(stanza(f"access_times = {text}")) == ["extended-times"]
    assert len(one(f"access_times = {text}").access.times or ()) == 1
