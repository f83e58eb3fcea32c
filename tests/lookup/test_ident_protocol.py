"""Ident answers: one line, about the right ports, with a name that is safe to use; and anything else is unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superd.access.facts import UNKNOWN
from superd.lookup.ident_protocol import REPLY_LIMIT, USER_LIMIT, Answer, Failure, Reply, query

PORTS = (6193, 23)
NAMED = b"6193, 23 : USERID : UNIX : "


def feed(*pieces: bytes) -> Answer | None:
    """The answer to pieces that come one after the other."""
    reply = Reply(*PORTS)
    for piece in pieces:
        if answer := reply.receive(piece):
            return answer
    return None


def test_the_question_is_the_peers_port_and_ours() -> None:
    assert query(6193, 23) == b"6193,23\r\n"


NAMES = [
    (b"6193, 23 : USERID : UNIX : stjohns\r\n", "stjohns", "UNIX : stjohns"),
    (b"6193,23:USERID:UNIX:stjohns\n", "stjohns", "UNIX:stjohns"),
    (b" 6193\t, 023 :USERID: UNIX,UTF-8 :bob\r\n", "bob", "UNIX,UTF-8 :bob"),
    (b"6193, 23 : USERID : OTHER : [abc] def\r\n", "[abc]", "OTHER : [abc] def"),
    (b"6193, 23 : USERID : UNIX :  al ice  \r\n", "al", "UNIX :  al ice  "),
    (b"6193, 23 : USERID : UNIX : a:b\r\n", "a:b", "UNIX : a:b"),
    (b"6193, 23 : USERID : : bob\r\n", "bob", ": bob"),
    (NAMED + b"bob\r\nSTART: x\r\n", "bob", "UNIX : bob"),
    (NAMED + b"bo\x1b[2J\x7fb\r\n", "bo_[2J_b", "UNIX : bo\x1b[2J\x7fb"),
    (NAMED + "jörg\r\n".encode(), "j__rg", "UNIX : jörg"),
    (NAMED + b"j\xf6rg\r\n", "j_rg", r"UNIX : j\xf6rg"),
    (NAMED + b"a" * 512 + b"\r\n", "a" * USER_LIMIT, "UNIX : " + "a" * 512),
]


@pytest.mark.parametrize(("line", "user", "text"), NAMES)
def test_a_name_is_the_first_word_and_the_log_gets_what_the_server_wrote(
    line: bytes, user: str, text: str
) -> None:
    assert feed(line) == Answer(user, text=text)


BAD = [
    (b"6193, 23 : ERROR : NO-USER\r\n", "says NO-USER: no user has such a connection"),
    (b"6193,23:ERROR:HIDDEN-USER\r\n", "says HIDDEN-USER: the user does not want to be named"),
    (b"6193,23:ERROR:INVALID-PORT \n", "says INVALID-PORT: a port number is not valid"),
    (b"6193,23:ERROR:UNKNOWN-ERROR\n", "says UNKNOWN-ERROR: the user could not be found out"),
    (b"6193,23:ERROR:XOURS\n", "says XOURS"),
    (b"6193,23:ERROR:no such word\n", "none that RFC 1413 knows"),
    (b"23, 6193 : USERID : UNIX : bob\r\n", "about another connection: '23, 6193 : USERID"),
    (b"6193, 24 : ERROR : NO-USER\r\n", "about another connection"),
    (b"9999999999999999999999, 23 : USERID : UNIX : bob\r\n", "about another connection"),
    (b"+6193, 23 : USERID : UNIX : bob\r\n", "none that RFC 1413 knows"),
    (b"6193, 23 : userid : UNIX : bob\r\n", "none that RFC 1413 knows"),
    (b"6193, 23 : USERIDS : UNIX : bob\r\n", "none that RFC 1413 knows"),
    (b"6193, 23 : USERID :: bob\r\n", "none that RFC 1413 knows"),
    (b"6193, 23 : USERID : UNIX\r\n", "none that RFC 1413 knows"),
    (NAMED + b"\r\n", "none that RFC 1413 knows"),
    (NAMED + b"root\0x\r\n", "none that RFC 1413 knows"),
    (b"USERID : UNIX : bob\r\n", "none that RFC 1413 knows"),
    (b"\r\n", "none that RFC 1413 knows"),
    (b"\x1b[2J\xff\r\n", r"knows: '\x1b[2Jÿ'"),
]


@pytest.mark.parametrize(("line", "why"), BAD)
def test_any_other_line_names_nobody_and_says_why(line: bytes, why: str) -> None:
    answer = feed(line)
    assert answer is not None
    assert (answer.user, answer.text, answer.failure) == (UNKNOWN, "", Failure.BAD)
    assert why in answer.why


@pytest.mark.parametrize("name", ["unknown", "Unknown", "UNKNOWN"])
def test_a_user_called_unknown_is_unknown_but_somebody_was_named(name: str) -> None:
    answer = feed(NAMED + name.encode() + b"\r\n")
    assert answer == Answer(UNKNOWN, f"the ident server calls the user {name!r}", f"UNIX : {name}")


@pytest.mark.parametrize("line", [line for line, *_ in NAMES] + [line for line, _ in BAD])
def test_the_segments_of_an_answer_do_not_matter(line: bytes) -> None:
    assert feed(*(line[place : place + 1] for place in range(len(line)))) == feed(line)


def test_a_line_may_be_as_long_as_the_rfc_says_and_no_longer() -> None:
    longest = NAMED + b"a" * (REPLY_LIMIT - len(NAMED))
    assert feed(longest) is None
    for end in (b"\r\n", b"\n"):
        answer = feed(longest, end)
        assert answer is not None
        assert answer.user == "a" * USER_LIMIT
    for ending in (b"aa", b"aa\n", b"\raa"):
        answer = feed(longest, ending)
        assert answer is not None
        assert answer.failure is Failure.RECEIVING
        assert "more than 1000 bytes" in answer.why


@pytest.mark.parametrize(
    ("piece", "when"), [(b"", "without an answer"), (NAMED + b"bob", "in the middle of its answer")]
)
def test_an_answer_without_an_end_names_nobody(piece: bytes, when: str) -> None:
    reply = Reply(*PORTS)
    assert reply.receive(piece) is None
    answer = reply.end()
    assert (answer.user, answer.failure) == (UNKNOWN, Failure.RECEIVING)
    assert when in answer.why


_parts = st.sampled_from(
    [b"6193", b"23", b",", b" ", b":", b"USERID", b"ERROR", b"UNIX", b"\r", b"\n", b"\0", b"bob", b"a" * 300]
)
_streams = st.one_of(
    st.binary(max_size=1100),
    st.lists(_parts, max_size=30).map(b"".join),
    st.binary(max_size=40).map(lambda name: NAMED + name + b"\r\n"),
)


@given(data=_streams, sizes=st.lists(st.integers(1, 200), max_size=20))
def test_any_bytes_in_any_segments_give_one_and_the_same_safe_answer(data: bytes, sizes: list[int]) -> None:
    whole, split = Reply(*PORTS), Reply(*PORTS)
    expected = whole.receive(data[: whole.room])
    answer, rest = None, data
    while rest and answer is None and split.room > 0:
        size = min(sizes.pop() if sizes else len(rest), split.room)
        answer, rest = split.receive(rest[:size]), rest[size:]
    assert answer == expected
    answer = answer or split.end()
    assert 0 < len(answer.user) <= USER_LIMIT
    assert all("!" <= character <= "~" for character in answer.user)
    assert (answer.user == UNKNOWN) == bool(answer.why)
    assert bool(answer.text) == (answer.failure is None)
