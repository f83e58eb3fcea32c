"""DHCP (RFC 2131) for the clients of a table."""

import pytest

from helpers.bootp_paper import (
    ACK,
    COOKIE,
    DECLINE,
    DISCOVER,
    INFORM,
    MAC,
    NAK,
    OFFER,
    RELEASE,
    REQUEST,
    Server,
    ask,
    dhcp,
    ip,
)
from superd.service import Remark, SendBroadcast, SendFrame, SendTo

ENTRY = "c:ha=020000000001:ip=192.0.2.5:bf=boot:sm=255.255.255.0:gw=192.0.2.254:ds=192.0.2.53:dn=n:dl=3600:"
US = ip("192.0.2.1")


def seconds(value: int) -> bytes:
    return value.to_bytes(4, "big")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (dhcp(DISCOVER), OFFER),
        (dhcp(DISCOVER, {50: ip("192.0.2.99")}), OFFER),
        (dhcp(REQUEST, {50: ip("192.0.2.5"), 54: US}), ACK),
        (dhcp(REQUEST, {50: ip("192.0.2.5")}), ACK),
    ],
)
def test_a_client_is_offered_and_given_the_address_of_its_entry(message: bytes, kind: int) -> None:
    found = Server(ENTRY).answers(message)
    assert found.reply.yiaddr == "192.0.2.5"
    assert found.reply.options == {
        53: bytes((kind,)),
        54: US,
        51: seconds(3600),
        58: seconds(1800),
        59: seconds(3150),
        1: ip("255.255.255.0"),
        3: ip("192.0.2.254"),
        6: ip("192.0.2.53"),
        15: b"n",
    }
    assert (found.reply.siaddr, found.reply.file, found.reply.length) == ("192.0.2.1", b"/boot", 300)
    assert isinstance(found.sent, SendFrame)
    assert (found.sent.hardware, found.sent.host, found.sent.port) == (MAC, "192.0.2.5", 68)


def test_what_the_client_asked_for_comes_first_and_the_mask_before_the_routers() -> None:
    reply = Server(ENTRY).answers(dhcp(DISCOVER, {55: bytes((15, 3, 6, 1))})).reply
    assert [code for code in reply.options if code not in {51, 53, 54, 58, 59}] == [15, 1, 3, 6]


def test_a_client_that_takes_little_is_sent_what_it_asked_for() -> None:
    text = ENTRY + f"rp={'x' * 200}:df={'y' * 100}"
    small = Server(text).answers(dhcp(DISCOVER, {55: bytes((1, 15, 14))}))
    assert 17 not in small.reply.options
    assert small.reply.options[14] == b"y" * 100
    assert small.reply.length <= 548
    assert "no room for rp in" in str(small.notes[1].about["reason"])
    assert 17 in Server(text).answers(dhcp(DISCOVER, {57: b"\5\xdc"})).reply.options


@pytest.mark.parametrize(
    ("tags", "options", "times"),
    [
        ("", {}, {51: 86400, 58: 43200, 59: 75600}),
        ("", {"lease_time": 600}, {51: 600, 58: 300, 59: 525}),
        ("dl=80", {"lease_time": 600}, {51: 80, 58: 40, 59: 70}),
        ("dl=0xffffffff", {}, {51: 0xFFFFFFFF}),
    ],
)
def test_a_lease_has_its_times(tags: str, options: dict[str, int], times: dict[int, int]) -> None:
    text = f"c:ha=020000000001:ip=192.0.2.5:{tags}"
    reply = Server(text, None, **options).answers(dhcp(DISCOVER)).reply
    assert {
        code: int.from_bytes(reply.options[code], "big") for code in reply.options if code in {51, 58, 59}
    } == times


@pytest.mark.parametrize(
    "message",
    [
        dhcp(REQUEST, {50: ip("192.0.2.6"), 54: US}),
        dhcp(REQUEST, {50: ip("192.0.2.6")}),
        dhcp(REQUEST, ciaddr="198.51.100.5"),
    ],
)
def test_a_client_that_wants_another_address_hears_no_from_everywhere(message: bytes) -> None:
    found = Server(ENTRY).answers(message)
    assert isinstance(found.sent, SendBroadcast)
    assert found.reply.options[53] == bytes((NAK,))
    assert found.reply.options[54] == US
    assert not {51, 1, 3} & set(found.reply.options)
    assert (found.reply.yiaddr, found.reply.siaddr, found.reply.ciaddr, found.reply.file) == (
        *["0.0.0.0"] * 3,
        b"",
    )


def test_a_refusal_by_way_of_a_relay_agent_is_to_be_broadcast_there() -> None:
    found = Server(ENTRY).answers(dhcp(REQUEST, {50: ip("192.0.2.6")}, giaddr="192.0.2.77"))
    assert isinstance(found.sent, SendTo)
    assert (found.sent.host, found.sent.port) == ("192.0.2.77", 67)
    assert found.reply.flags == 0x8000


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (dhcp(REQUEST, {50: ip("192.0.2.5"), 54: ip("192.0.2.2")}), "the client chose the server 192.0.2.2"),
        (dhcp(REQUEST), "a REQUEST that names no address"),
        (dhcp(RELEASE, ciaddr="192.0.2.5"), "the client gives its address back"),
        (dhcp(DECLINE, {50: ip("192.0.2.5")}), "the client says that somebody else has 192.0.2.5"),
        (dhcp(OFFER), "not a DHCP message of a client"),
        (dhcp(99), "not a DHCP message of a client"),
        (dhcp(DISCOVER, {53: b""}), "not a DHCP message of a client"),
        (dhcp(DISCOVER, {53: b"\1\1"}), "not a DHCP message of a client"),
        (dhcp(DISCOVER, mac=b"\2\0\0\0\0\2"), "no entry for this client"),
        (dhcp(INFORM), "an INFORM from another address than it names"),
        (dhcp(INFORM, ciaddr="192.0.2.9"), "an INFORM from another address than it names"),
    ],
)
def test_there_is_no_answer_and_the_log_says_why(message: bytes, reason: str) -> None:
    assert Server(ENTRY).answers(message, source=("192.0.2.5", 68)).reason == reason


def test_an_address_that_somebody_else_uses_is_a_problem_for_the_administrator() -> None:
    (note,) = Server(ENTRY).answers(dhcp(DECLINE)).notes
    assert note.remark is Remark.PROBLEM
    assert note.about["rule"] == "tab:1"


def test_without_authority_only_what_was_offered_here_is_refused() -> None:
    server = Server(ENTRY, None, authoritative=False)
    assert server.answers(dhcp(REQUEST, {50: ip("192.0.2.6")})).sent is None
    assert server.answers(dhcp(REQUEST, {50: ip("192.0.2.6"), 54: US})).reply.options[53] == bytes((NAK,))


def test_a_client_that_renews_its_lease_is_answered_at_its_address() -> None:
    found = Server(ENTRY).answers(
        dhcp(REQUEST, ciaddr="192.0.2.5"), source=("192.0.2.5", 68), to=("192.0.2.1", 67)
    )
    assert isinstance(found.sent, SendTo)
    assert (found.sent.host, found.sent.port) == ("192.0.2.5", 68)
    assert (found.reply.options[53], found.reply.ciaddr, found.reply.yiaddr) == (
        bytes((ACK,)),
        "192.0.2.5",
        "192.0.2.5",
    )


def test_a_client_that_renews_by_way_of_a_relay_agent_is_answered_there() -> None:
    message = dhcp(REQUEST, ciaddr="192.0.2.5", giaddr="192.0.2.77")
    found = Server(ENTRY).answers(message, source=("192.0.2.77", 67))
    assert isinstance(found.sent, SendTo)
    assert (found.sent.host, found.sent.port) == ("192.0.2.77", 67)


def test_a_client_with_an_address_from_elsewhere_is_told_everything_but_addresses() -> None:
    found = Server(ENTRY).answers(dhcp(INFORM, ciaddr="192.0.2.88"), source=("192.0.2.88", 68))
    assert isinstance(found.sent, SendTo)
    assert found.sent.host == "192.0.2.88"
    assert (found.reply.yiaddr, found.reply.options[53]) == ("0.0.0.0", bytes((ACK,)))
    assert not {51, 58, 59} & set(found.reply.options)


def test_the_client_identifier_comes_back_and_relay_agents_notes_come_last() -> None:
    asked = {61: b"\xffme", 82: b"\1\4port"}
    direct = Server(ENTRY).answers(dhcp(DISCOVER, asked)).reply
    relayed = Server(ENTRY).answers(dhcp(DISCOVER, asked, giaddr="192.0.2.77")).reply
    assert direct.options[61] == b"\xffme"
    assert 82 not in direct.options
    assert list(relayed.options.items())[-1] == (82, b"\1\4port")


def test_notes_that_leave_no_room_are_not_sent_back() -> None:
    asked = {61: b"x" * 255}
    assert 61 not in Server(ENTRY).answers(dhcp(DISCOVER, asked, length=548)).reply.options


def test_a_client_can_be_known_by_its_identifier() -> None:
    server = Server(f"i:T61=ff6d65:ip=192.0.2.6\n{ENTRY}")
    assert server.answers(dhcp(DISCOVER, {61: b"\xffme"})).reply.yiaddr == "192.0.2.6"
    assert server.answers(dhcp(DISCOVER, {61: b"\xffno"})).reply.yiaddr == "192.0.2.5"
    assert server.answers(dhcp(DISCOVER, {61: b"\1" + MAC}, mac=b"")).reply.yiaddr == "192.0.2.5"


def test_options_by_number_are_sent_but_not_those_of_the_protocol() -> None:
    reply = (
        Server(ENTRY + "T53=09:T54=01020304:T51=01:T150=c0000207:T61=01")
        .answers(dhcp(DISCOVER, {61: b"\1"}))
        .reply
    )
    assert (reply.options[53], reply.options[54], reply.options[150]) == (b"\2", US, ip("192.0.2.7"))


def test_options_in_the_fields_for_names_are_read_and_are_no_names() -> None:
    message = dhcp(DISCOVER, {52: b"\3"}, file=b"\x37\1\x0f\xff", sname=b"\x3d\3\xffme\xff")
    found = Server(ENTRY).answers(message).reply
    assert found.file == b"/boot"
    assert found.options[61] == b"\xffme"
    assert [code for code in found.options if code in {1, 3, 15}] == [15, 1, 3]


def test_an_option_that_comes_in_pieces_is_one() -> None:
    message = ask(vendor=COOKIE + b"\x35\1\1" + b"\x3d\2\xffm" + b"\0" + b"\x3d\1e" + b"\xff")
    assert Server(ENTRY).answers(message).reply.options[61] == b"\xffme"


def test_a_long_option_comes_in_pieces() -> None:
    text = ENTRY + f"rp={'r' * 255}:df={'d' * 255}"
    reply = Server(text).answers(dhcp(DISCOVER, {57: b"\5\xdc"})).reply
    assert (len(reply.options[17]), len(reply.options[14])) == (255, 255)
