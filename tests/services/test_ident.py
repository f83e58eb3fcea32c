"""ident (RFC 1413) byte by byte: what is asked, what is said, and to whom."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from helpers.transcript import CLIENT, NOW, answers, played, same
from superd import builtins
from superd.service import Call, Close, Connected, Eof, Peer, Raised, Received, Returned, Send, StreamEvent
from superd_services.ident.machine import Ends, IdentMachine, Owner
from superd_services.ident.options import IdentOptions
from superd_services.ident.protocol import (
    LINE_LIMIT,
    NO_PORTS,
    USER_ID_LIMIT,
    Failure,
    Query,
    failure,
    parse,
    user_id,
)

JOE = Owner(1000, "joe")
OWNERS = {
    (CLIENT.host, 23, CLIENT.local_host, 6193): JOE,
    (CLIENT.host, 24, CLIENT.local_host, 6193): Owner(4711, ""),
    (CLIENT.host, 25, CLIENT.local_host, 6193): Owner(1001, "shy", hidden=True),
    (CLIENT.host, 26, CLIENT.local_host, 6193): Owner(0, "root"),
    ("192.0.2.99", 27, CLIENT.local_host, 6193): JOE,
}
"""By remote address and port, local address and port."""


def find(ends: Ends) -> Owner | None:
    """What the system knows in these tests."""
    return OWNERS.get((ends.host, ends.port, ends.local_host, ends.local_port))


def machine(find: Callable[[Ends], Owner | None] = find, **options: object) -> IdentMachine:
    return IdentMachine(IdentOptions.model_validate(options), find, lambda: "abcdefghijkl")


DIALOGUES = {
    "the owner of a connection is named, and another may be asked about": """
        S. timer 60
        C: 6193, 23
        S: 6193 , 23 : USERID : UNIX : joe
        S. timer 60
        C: 6193 , 24
        S: 6193 , 24 : ERROR : NO-USER
        S. timer 60
        ! eof
        S. close
    """,
    "a connection to somebody else is nobody's business": """
        S. timer 60
        C: 6193,27
        S: 6193 , 27 : ERROR : NO-USER
        S. timer 60
    """,
    "a user who does not want to be named is hidden": """
        S. timer 60
        C: 6193,25
        S: 6193 , 25 : ERROR : HIDDEN-USER
        S. timer 60
    """,
    "ports are checked before anybody is looked for": """
        S. timer 60
        C: 0,23
        S: 0 , 23 : ERROR : INVALID-PORT
        S. timer 60
        C: 6193,65536
        S: 6193 , 65536 : ERROR : INVALID-PORT
        S. timer 60
        C: 6193 23
        S: 0 , 0 : ERROR : INVALID-PORT
        S. timer 60
        C: -1,23
        S: 0 , 0 : ERROR : INVALID-PORT
        S. timer 60
        C:
        S: 0 , 0 : ERROR : INVALID-PORT
        S. timer 60
    """,
    "a query may come in pieces": """
        S. timer 60
        C~ 61
        C~ 93, 2
        C: 3
        S: 6193 , 23 : USERID : UNIX : joe
        S. timer 60
    """,
    "a query without a line end is none": """
        S. timer 60
        C~ 6193,23
        ! eof
        S. close
    """,
    "a client that asks nothing is sent away": """
        S. timer 60
        ! timeout
        S. close
    """,
}


@pytest.mark.parametrize("script", DIALOGUES.values(), ids=DIALOGUES)
def test_dialogue(script: str) -> None:
    assert played(machine(), script) == same(script)


@pytest.mark.parametrize(
    ("options", "query", "reply"),
    [
        ({"reply": "uid"}, "6193,23", "6193 , 23 : USERID : UNIX : 1000"),
        ({"reply": "uid"}, "6193,24", "6193 , 24 : USERID : UNIX : 4711"),
        ({"reply": "uid"}, "6193,25", "6193 , 25 : ERROR : HIDDEN-USER"),
        ({"reply": "random"}, "1,2", "1 , 2 : USERID : OTHER : abcdefghijkl"),
        ({"reply": "fake", "fake_user": "nemo"}, "1,2", "1 , 2 : USERID : UNIX : nemo"),
        ({"reply": "hidden"}, "1,2", "1 , 2 : ERROR : HIDDEN-USER"),
        ({"reply": "hidden"}, "0,2", "0 , 2 : ERROR : INVALID-PORT"),
        ({"hidden_users": ["root"]}, "6193,26", "6193 , 26 : ERROR : HIDDEN-USER"),
        ({"hidden_users": ["root"]}, "6193,23", "6193 , 23 : USERID : UNIX : joe"),
        ({"hide_errors": "yes"}, "6193,9", "6193 , 9 : ERROR : UNKNOWN-ERROR"),
        ({"hide_errors": "yes"}, "6193,25", "6193 , 25 : ERROR : UNKNOWN-ERROR"),
        ({"hide_errors": "yes", "reply": "hidden"}, "1,2", "1 , 2 : ERROR : UNKNOWN-ERROR"),
        ({"system": "OTHER"}, "6193,23", "6193 , 23 : USERID : OTHER : joe"),
        ({"charset": "UTF-8"}, "6193,23", "6193 , 23 : USERID : UNIX , UTF-8 : joe"),
    ],
)
def test_options_decide_what_is_said(options: dict[str, object], query: str, reply: str) -> None:
    assert f"S: {reply}" in played(machine(find, **options), f"C: {query}").splitlines()


@pytest.mark.parametrize(
    "options",
    [
        {"reply": "fake"},
        {"fake_user": "nemo"},
        {"reply": "fake", "fake_user": "two\nlines"},
        {"reply": "fake", "fake_user": ""},
        {"reply": "fake", "fake_user": "x" * (USER_ID_LIMIT + 1)},
        {"system": "A:B"},
        {"system": "UNIX,US-ASCII"},
        {"system": "x" * 65},
        {"charset": "a b"},
        {"queries": "0"},
        {"query_timeout": "nan"},
        {"reply": "everything"},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        IdentOptions.model_validate(options)


@pytest.mark.parametrize("reply", ["random", "hidden"])
def test_nobody_is_looked_for_when_the_answer_is_known(reply: str) -> None:
    def never(ends: Ends) -> Owner | None:
        raise AssertionError(ends)

    assert "UNKNOWN" not in played(machine(never, reply=reply), "C: 6193,23")


def test_what_goes_wrong_in_the_system_is_an_unknown_error() -> None:
    def broken(_ends: Ends) -> Owner | None:
        raise OSError("no netlink")

    assert "S: 6193 , 23 : ERROR : UNKNOWN-ERROR" in played(machine(broken), "C: 6193,23")


def test_over_a_unix_socket_there_are_no_addresses_to_ask_about() -> None:
    unix = Peer("", 0, "/run/ident", 0)
    assert "S: 6193 , 23 : ERROR : UNKNOWN-ERROR" in played(machine(), "C: 6193,23", unix)


class TestWhileTheSystemIsAsked:
    """The machine itself, with a call that takes its time."""

    def begun(self, machine: IdentMachine, data: bytes = b"6193,23\r\n") -> Call:
        list(machine.handle(Connected(CLIENT, NOW)))
        (call,) = machine.handle(Received(data))
        assert isinstance(call, Call)
        return call

    def test_the_next_query_waits_its_turn(self) -> None:
        asked = machine()
        first = self.begun(asked)
        assert list(asked.handle(Received(b"6193,24\r\n"))) == []
        said, _timer, second = asked.handle(Returned(first.work()))
        assert said == Send(b"6193 , 23 : USERID : UNIX : joe\r\n")
        assert isinstance(second, Call)

    def test_the_end_of_the_client_does_not_cost_it_the_answer(self) -> None:
        asked = machine()
        call = self.begun(asked)
        assert list(asked.handle(Eof())) == []
        said, _timer, last = asked.handle(Returned(call.work()))
        assert (said, last) == (Send(b"6193 , 23 : USERID : UNIX : joe\r\n"), Close())

    def test_who_asks_more_at_once_than_anybody_needs_gets_one_more_answer(self) -> None:
        asked = machine()
        call = self.begun(asked, b"6193,23\r\n" * 120)
        *_, last = asked.handle(Returned(call.work()))
        assert last == Close()


def test_a_connection_may_ask_so_often() -> None:
    script = "\n".join(["C: 6193,23"] * 5)
    seen = played(machine(queries="3"), script).splitlines()
    assert seen.count("S: 6193 , 23 : USERID : UNIX : joe") == 3
    assert seen[-1] == "S. close"


@pytest.mark.parametrize("data", [b"1" * LINE_LIMIT, b" " * LINE_LIMIT + b"1,2\r\n"])
def test_an_endless_line_ends_the_connection(data: bytes) -> None:
    *_, last = answers(machine(), [Connected(CLIENT, NOW), Received(data)])
    assert last == [Close()]


@pytest.mark.parametrize(
    ("line", "query"),
    [
        (b"6193,23", Query(6193, 23)),
        (b"6193, 23\r", Query(6193, 23)),
        (b"\t 6193 \t,\t 23 \r", Query(6193, 23)),
        (b"00001,00002", Query(1, 2)),
        (b"99999,1", Query(99999, 1)),
        (b"000001,2", NO_PORTS),
        (b"1,2,3", NO_PORTS),
        (b"1,2 x", NO_PORTS),
        (b"+1,2", NO_PORTS),
        (b"1.0,2", NO_PORTS),
        ("1,\N{ARABIC-INDIC DIGIT TWO}".encode(), NO_PORTS),
        (b"1,2\r\r", NO_PORTS),
    ],
)
def test_a_query_is_two_numbers_and_a_comma(line: bytes, query: Query) -> None:
    assert parse(line) == query


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("joe", b"joe"),
        ("j\udc80e", b"j\x80e"),
        ("two\r\nlines\0", b"twolines"),
        ("x" * 600, b"x" * USER_ID_LIMIT),
    ],
)
def test_a_name_is_sent_as_one_line(name: str, sent: bytes) -> None:
    assert user_id(Query(1, 2), "UNIX", name) == b"1 , 2 : USERID : UNIX : " + sent + b"\r\n"


def test_the_errors_are_those_of_the_rfc() -> None:
    said = {failure(Query(1, 2), kind).removeprefix(b"1 , 2 : ERROR : ").rstrip() for kind in Failure}
    assert said == {b"INVALID-PORT", b"NO-USER", b"HIDDEN-USER", b"UNKNOWN-ERROR"}


@given(st.lists(st.binary(min_size=1) | st.sampled_from([b"1,2\r\n", b"6193,23\n", b",", b"\r\n"])))
def test_whatever_is_sent_each_line_has_one_well_formed_reply(pieces: list[bytes]) -> None:
    events: list[StreamEvent] = [Connected(CLIENT, NOW), *map(Received, pieces), Eof()]
    actions = [action for each in answers(machine(queries="1000"), events) for action in each]
    said = b"".join(action.data for action in actions if isinstance(action, Send))
    replies = said.split(b"\r\n")[:-1]
    assert all(reply.count(b" : ") in (2, 3) for reply in replies)
    assert actions[-1] == Close()
    sent = b"".join(pieces)
    if len(sent) < LINE_LIMIT:
        assert len(replies) == sent.count(b"\n")


@given(st.binary(max_size=200), st.integers(1, 7))
def test_how_a_query_is_cut_makes_no_difference(data: bytes, size: int) -> None:
    def said(pieces: list[bytes]) -> bytes:
        events: list[StreamEvent] = [Connected(CLIENT, NOW), *map(Received, pieces), Eof()]
        each = (action for actions in answers(machine(), events) for action in actions)
        return b"".join(action.data for action in each if isinstance(action, Send))

    whole = b"6193,23\r\n" + data
    assert said([whole[start : start + size] for start in range(0, len(whole), size)]) == said([whole])


def test_a_call_that_was_given_up_is_an_unknown_error() -> None:
    def given_up(_call: Call) -> StreamEvent:
        return Raised(TimeoutError())

    assert "S: 6193 , 23 : ERROR : UNKNOWN-ERROR" in played(machine(), "C: 6193,23", do=given_up)


def test_the_service_is_a_stream_service() -> None:
    service = builtins.find("ident")
    assert service is not None
    assert service.stream is not None
    assert service.datagram is None
