"""What clients say and what they are answered, byte by byte, with a small world instead of the system."""

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superd.service import (
    Action,
    Call,
    Close,
    Connected,
    Eof,
    Peer,
    Raised,
    Received,
    Returned,
    Send,
    SetTimer,
    StreamEvent,
    TimedOut,
)
from superd_services.finger.machine import FingerMachine
from superd_services.finger.options import FingerOptions
from superd_services.finger.people import Note, People, Person, Report, Text, Unknown
from superd_services.finger.query import QUERY_LIMIT, Query
from superd_services.finger.render import ANSWER_LIMIT

NOW = 1795291166.0
CONNECTED = Connected(Peer("192.0.2.1", 4000, "192.0.2.2", 79), NOW)
ALICE = Person("alice", "Alice Liddell", notes={"project": None, "plan": Note("Follow the rabbit.\n")})
OPEN = FingerOptions(list=True, forward_to=("rabbit.example",))
CLOSED = FingerOptions()


def world(_options: FingerOptions, query: Query, _now: float) -> Report:
    """Alice is here, and another host repeats what it was asked."""
    if query.hosts:
        return Text(f"asked: {query.forwarded().decode()}")
    return People((ALICE,)) if query.user in {"", "alice"} else Unknown()


def play(options: FingerOptions, *events: StreamEvent) -> Iterator[Action]:
    """Feed events to a machine, do its calls at once, and give what it does, until it closes."""
    machine = FingerMachine(options, world)
    waiting: list[StreamEvent] = [CONNECTED, *events]
    while waiting:
        for action in machine.handle(waiting.pop(0)):
            yield action
            if isinstance(action, Close):
                return
            if isinstance(action, Call):
                waiting.insert(0, Returned(action.work()))


def answer(options: FingerOptions, *pieces: bytes, eof: bool = True) -> bytes:
    """What a client reads that sends these pieces, and then closes its half."""
    actions = tuple(play(options, *map(Received, pieces), *([Eof()] if eof else [])))
    assert not pieces or isinstance(actions[-1], Close)
    return b"".join(action.data for action in actions if isinstance(action, Send))


LONG = b"Login: alice                            Name: Alice Liddell\r\nPlan:\r\nFollow the rabbit.\r\n"
SHORT = (
    b"Login        Name                   Tty          Idle  Login Time   Office\r\n"
    b"alice        Alice Liddell\r\n"
)
NOBODY = b": no such user.\r\n"
REFUSED = b"Finger forwarding service denied\r\n"

DIALOGUES = [
    # options  the client sends           it is answered
    (OPEN, b"\r\n", SHORT),
    (OPEN, b"\n", SHORT),
    (OPEN, b"  \r\n", SHORT),
    (OPEN, b"/W\r\n", LONG),
    (OPEN, b"alice\r\n", LONG),
    (OPEN, b"alice\n", LONG),
    (OPEN, b"alice", LONG),
    (OPEN, b"/W alice\r\n", LONG),
    (OPEN, b"/w  alice \r\n", LONG),
    (OPEN, b"alice /W\r\n", LONG),
    (OPEN, b"alice\r\nbob\r\n", LONG),
    (OPEN, b"bob\r\n", b"bob" + NOBODY),
    (OPEN, b"-l\r\n", b"-l" + NOBODY),
    (OPEN, b"../../etc/passwd\r\n", b"../../etc/passwd" + NOBODY),
    (OPEN, b"\x1b]0;title\x07\r\n", b"?]0;title?" + NOBODY),
    (OPEN, b"al\0ice\r\n", b"al?ice" + NOBODY),
    (OPEN, b"\xff\xfb\x06\r\n", b"???" + NOBODY),
    (OPEN, b"x" * QUERY_LIMIT + b"\r\n", b"Query too long\r\n"),
    (OPEN, b"x" * 100_000, b"Query too long\r\n"),
    (OPEN, b"bob@rabbit.example\r\n", b"asked: bob\r\n"),
    (OPEN, b"/W bob@hole@Rabbit.Example\r\n", b"asked: /W bob@hole\r\n"),
    (OPEN, b"@rabbit.example\r\n", b"asked: \r\n"),
    (OPEN, b"bob@rabbit.example@elsewhere\r\n", REFUSED),
    (OPEN, b"@" * 50 + b"rabbit.example\r\n", REFUSED),
    (OPEN, b"bob@\r\n", REFUSED),
    (CLOSED, b"\r\n", b"Finger online user list denied\r\n"),
    (CLOSED, b"/W\r\n", b"Finger online user list denied\r\n"),
    (CLOSED, b"alice\r\n", LONG),
    (CLOSED, b"bob@rabbit.example\r\n", REFUSED),
    (CLOSED, b"0@\r\n", REFUSED),
    (CLOSED, b".@\r\n", REFUSED),
]  # fmt: skip


@pytest.mark.parametrize(("options", "sent", "expected"), DIALOGUES, ids=lambda value: repr(value)[:30])
def test_a_query_in_one_piece(options: FingerOptions, sent: bytes, expected: bytes) -> None:
    assert answer(options, sent) == expected


@pytest.mark.parametrize(("options", "sent", "expected"), DIALOGUES, ids=lambda value: repr(value)[:30])
def test_a_query_byte_by_byte(options: FingerOptions, sent: bytes, expected: bytes) -> None:
    assert answer(options, *(sent[at : at + 1] for at in range(min(len(sent), 2 * QUERY_LIMIT)))) == expected


def test_nothing_is_said_to_a_client_that_says_nothing() -> None:
    assert list(play(OPEN, Eof())) == [SetTimer(OPEN.request_timeout), Close()]


def test_a_client_that_takes_too_long_for_its_query_is_closed() -> None:
    actions = list(play(FingerOptions(request_timeout=3), Received(b"al"), TimedOut(), Received(b"ice\r\n")))
    assert actions == [SetTimer(3.0), Close()]


def test_the_time_for_the_query_does_not_run_while_it_is_looked_up() -> None:
    actions = list(play(OPEN, Received(b"alice\r\n")))
    assert [type(action) for action in actions] == [SetTimer, SetTimer, Call, Send, Close]
    assert actions[1] == SetTimer(0)


def test_what_comes_while_the_answer_is_looked_up_is_ignored() -> None:
    machine = FingerMachine(OPEN, world)
    machine.handle(CONNECTED)
    machine.handle(Received(b"alice\r\n"))
    assert list(machine.handle(Received(b"x" * 100_000))) == []
    assert list(machine.handle(Eof())) == []


@pytest.mark.parametrize("error", [TimeoutError(), BlockingIOError(), PermissionError()])
def test_what_can_not_be_answered_now_is_said(error: OSError) -> None:
    machine = FingerMachine(OPEN, world)
    machine.handle(Received(b"alice\r\n"))
    sent, close = machine.handle(Raised(error))
    assert sent == Send(b"No answer now, try again later\r\n")
    assert close == Close()


def test_a_fault_is_left_to_the_daemon_to_log() -> None:
    machine = FingerMachine(OPEN, world)
    machine.handle(Received(b"alice\r\n"))
    with pytest.raises(ZeroDivisionError):
        machine.handle(Raised(ZeroDivisionError()))


def check(text: bytes) -> None:
    """An answer is bounded, lines end with CR LF, and nothing else in it is a control character."""
    assert len(text) <= 2 * ANSWER_LIMIT
    assert text == b"" or text.endswith(b"\r\n")
    plain = text.replace(b"\r\n", b"")
    assert all(byte == 9 or 32 <= byte < 127 for byte in plain)


@given(
    st.lists(st.one_of(st.binary(min_size=1), st.sampled_from([b"/W", b" ", b"@", b"\r", b"\n", b"alice"])))
)
def test_any_bytes_in_any_pieces_get_one_proper_answer(pieces: list[bytes]) -> None:
    whole = answer(OPEN, *pieces)
    check(whole)
    assert whole == answer(OPEN, *([b"".join(pieces)] if pieces else []))
    assert bool(whole) == bool(pieces)


ANYTHING = st.text(st.characters(codec=None), max_size=300)


def _reports() -> st.SearchStrategy[Report]:
    note = st.none() | st.builds(Note, ANYTHING, st.booleans())
    notes = st.dictionaries(st.sampled_from(["forward", "pgpkey", "project", "plan"]), note)
    texts = dict.fromkeys(("login", "name", "office", "phone", "home_phone", "home", "shell"), ANYTHING)
    persons = st.lists(st.builds(Person, **texts, notes=notes), max_size=3).map(tuple)
    return st.one_of(st.builds(People, persons, st.booleans()), st.builds(Text, ANYTHING, st.booleans()))


@given(_reports(), st.sampled_from([b"", b"/W", b"alice"]))
def test_whatever_is_known_is_told_in_printable_characters(report: Report, query: bytes) -> None:
    def known(*_: object) -> Report:
        return report

    machine = FingerMachine(OPEN, known)
    actions: Iterable[Action] = machine.handle(Received(query + b"\r\n"))
    (call,) = (action for action in actions if isinstance(action, Call))
    sent, _ = machine.handle(Returned(call.work()))
    assert isinstance(sent, Send)
    check(sent.data or b"\r\n")


def test_an_answer_is_cut_at_its_limit() -> None:
    machine = FingerMachine(OPEN, world)
    machine.handle(Received(b"alice\r\n"))
    sent, _ = machine.handle(Returned(Text("x" * (10 * ANSWER_LIMIT))))
    assert isinstance(sent, Send)
    assert sent.data == b"x" * ANSWER_LIMIT + b"\r\n[cut]\r\n"
