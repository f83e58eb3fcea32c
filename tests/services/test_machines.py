"""The machines of the small services, byte by byte, without a socket."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from superd import builtins
from superd.service import (
    Action,
    Close,
    Connected,
    Datagram,
    Drained,
    Eof,
    Peer,
    Received,
    Send,
    SetTimer,
    StreamEvent,
    StreamMachine,
    TimedOut,
)
from superd_services.chargen.protocol import DATAGRAM_LIMIT, pattern
from superd_services.daytime.protocol import daytime
from superd_services.time.protocol import time_since_1900

SIMPLE = ("echo", "discard", "chargen", "daytime", "time")
"""Those that ask the system nothing."""

PEER = Peer("192.0.2.1", 4000, "192.0.2.2", 7)
NOW = 1795291166.75  # 21 November 2026, 19:59:26 UTC
CONNECTED = Connected(PEER, NOW)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def stream(name: str, **options: object) -> StreamMachine:
    service = builtins.find(name)
    assert service is not None
    assert service.stream is not None
    return service.stream(service.options.model_validate(options))


def answers(name: str, *events: StreamEvent, **options: object) -> list[list[Action]]:
    machine = stream(name, **options)
    return [list(machine.handle(event)) for event in events]


def datagram(name: str, *data: bytes, **options: object) -> list[list[bytes]]:
    service = builtins.find(name)
    assert service is not None
    assert service.datagram is not None
    machine = service.datagram(service.options.model_validate(options))
    return [[send.data for send in machine.handle(Datagram(one, PEER, NOW))] for one in data]


@pytest.mark.parametrize(
    ("name", "events", "expected"),
    [
        ("echo", [CONNECTED, Received(b"a"), Drained(), Received(b"\0\xff"), Eof()],
         [[], [Send(b"a")], [], [Send(b"\0\xff")], [Close()]]),
        ("discard", [CONNECTED, Received(b"a"), Received(b"b"), Eof()], [[], [], [], [Close()]]),
        ("daytime", [CONNECTED], [[Send(b"21 NOV 2026 19:59:26 UTC\r\n"), Close()]]),
        ("time", [CONNECTED], [[Send(b"\xee\xac\x76\x9e"), Close()]]),
    ],
)  # fmt: skip
def test_dialogue(name: str, events: list[StreamEvent], expected: list[list[Action]]) -> None:
    assert answers(name, *events) == expected


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("echo", [b"", b"a", bytes(9000)], [[b""], [b"a"], [bytes(9000)]]),
        ("discard", [b"", b"a"], [[], []]),
        ("daytime", [b"", b"what time is it?"], [[b"21 NOV 2026 19:59:26 UTC\r\n"]] * 2),
        ("time", [b""], [[b"\xee\xac\x76\x9e"]]),
    ],
)
def test_datagrams(name: str, data: list[bytes], expected: list[list[bytes]]) -> None:
    assert datagram(name, *data) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-2208988800, b"\0\0\0\0"),
        (0, b"\x83\xaa\x7e\x80"),
        (2085978495, b"\xff\xff\xff\xff"),
        (2085978496, b"\0\0\0\0"),
    ],
)
def test_time_counts_from_1900_and_wraps_in_2036(seconds: int, expected: bytes) -> None:
    assert time_since_1900(seconds) == expected


FORMATS = {
    "xinetd": b"21 NOV 2026 20:59:26 CET\r\n",
    "inetd": b"Sat Nov 21 20:59:26 2026\r\n",
    "rfc867": b"Saturday, November 21, 2026 20:59:26-CET\r\n",
    "iso8601": b"2026-11-21T20:59:26+01:00\r\n",
}


@pytest.mark.parametrize("form", FORMATS)
def test_daytime_has_several_forms_and_any_zone(form: str) -> None:
    options = {"format": form, "time_zone": "Europe/Vienna"}
    assert answers("daytime", CONNECTED, **options) == [[Send(FORMATS[form]), Close()]]
    assert datagram("daytime", b"", **options) == [[FORMATS[form]]]


def test_daytime_knows_summer_time() -> None:
    summer = Connected(PEER, 1782000000)
    ((said, _),) = answers("daytime", summer, time_zone="Europe/Vienna")
    assert said == Send(b"21 JUN 2026 02:00:00 CEST\r\n")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("daytime", {"time_zone": "Europe/Atlantis"}),
        ("daytime", {"time_zone": "../../etc/passwd"}),
        ("daytime", {"time_zone": ""}),
        ("daytime", {"format": "sundial"}),
        ("chargen", {"max_bytes": "-1"}),
        ("chargen", {"max_seconds": "inf"}),
        ("time", {"time_zone": "UTC"}),
    ],
)
def test_options_that_make_no_sense_are_refused(name: str, options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        stream(name, **options)


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        ("UTC", 0, b"01 JAN 1970 00:00:00 UTC\r\n"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", 1782000000, b"21 JUN 2026 02:00:00 CEST\r\n"),
        ("<-03>3", 951782400, b"28 FEB 2000 21:00:00 -03\r\n"),
    ],
)
def test_daytime_is_in_the_local_zone(
    zone: str, now: int, expected: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    assert daytime(now) == expected
    monkeypatch.undo()
    time.tzset()


def test_chargen_starts_like_xinetd_and_turns_by_one() -> None:
    lines = pattern(0, 94).split(b"\r\n")
    assert lines[0] == b"!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgh"
    assert lines[21].endswith(b"}")
    assert lines[22].endswith(b"}!")
    assert lines[92].startswith(b"}!")
    assert lines[93] == lines[0]
    assert all(before[1:] == after[:-1] for before, after in pairwise(lines[:94]))


def test_chargen_sends_one_piece_each_time_the_last_has_left_and_goes_on_after_eof() -> None:
    sent = answers("chargen", CONNECTED, Received(b"x"), Drained(), Eof(), Drained())
    assert [len(actions) for actions in sent] == [1, 0, 1, 0, 1]
    text = b"".join(action.data for actions in sent for action in actions if isinstance(action, Send))
    assert text == pattern(0, len(text) // 74)


@pytest.mark.parametrize("limit", [1, 6881, 6882, 6883, 20000])
def test_chargen_ends_after_exactly_so_many_bytes(limit: int) -> None:
    events: list[StreamEvent] = [CONNECTED, *[Drained()] * 3]
    machine = stream("chargen", max_bytes=str(limit))
    actions: list[Action] = []
    for event in events:
        actions += machine.handle(event)
        if Close() in actions:
            break
    text = b"".join(action.data for action in actions if isinstance(action, Send))
    assert text == pattern(0, 300)[:limit]
    assert actions[-1] == Close()


def test_chargen_ends_when_its_time_is_over() -> None:
    first, again, over = answers("chargen", CONNECTED, Drained(), TimedOut(), max_seconds="2.5")
    assert first[0] == SetTimer(2.5)
    assert isinstance(again[0], Send)
    assert over == [Close()]


def test_chargen_datagrams_are_whole_lines_within_the_limit_and_go_on() -> None:
    sent = [answer for (answer,) in datagram("chargen", *[b""] * 50)]
    assert {len(answer) for answer in sent} == {DATAGRAM_LIMIT // 74 * 74}
    assert b"".join(sent) == pattern(0, 50 * (DATAGRAM_LIMIT // 74))


@given(st.lists(st.binary(min_size=1)))
def test_echo_gives_back_every_byte_however_it_is_cut(pieces: list[bytes]) -> None:
    sent = answers("echo", CONNECTED, *map(Received, pieces), Eof())
    data = b"".join(action.data for actions in sent for action in actions if isinstance(action, Send))
    assert data == b"".join(pieces)
    assert sent[-1] == [Close()]


@given(
    st.sampled_from(SIMPLE),
    st.lists(st.one_of(st.builds(Received, st.binary(min_size=1)), st.just(Drained()))),
)
def test_no_machine_raises_or_says_anything_after_close(name: str, events: list[StreamEvent]) -> None:
    machine = stream(name)
    for event in (CONNECTED, *events, Eof()):
        actions = list(machine.handle(event))
        assert all(isinstance(action, Send | Close) for action in actions)
        closes = [index for index, action in enumerate(actions) if isinstance(action, Close)]
        assert closes in ([], [len(actions) - 1])
        if closes:
            return


@given(st.sampled_from(SIMPLE), st.binary())
def test_at_most_one_answer_and_never_a_longer_one_unless_declared(name: str, data: bytes) -> None:
    service = builtins.find(name)
    assert service is not None
    ((*answer,),) = datagram(name, data)
    assert len(answer) <= 1
    assert service.amplifies or all(len(one) <= len(data) for one in answer)
