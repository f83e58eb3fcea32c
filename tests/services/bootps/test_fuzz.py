"""Whatever comes in: no exception, at most one answer, never to another answer, of bounded size."""

from hypothesis import given
from hypothesis import strategies as st

from helpers.bootp_paper import LINK, MAC, Server, ask, datagram, heard
from superd.service import SendTo
from superd_services.bootps.packet import LENGTH_MAX

TABLE = (
    "c:ha=020000000001:ip=192.0.2.5:bf=boot:hd=/d:td=/t:bs:hn:to:T43=01:dn=n:gw=192.0.2.254:ms=2000\n"
    "d:ht=tr:ha=800000000001:ip=192.0.2.6:vm=cmu:ra=192.0.2.255\n"
    "e:ht=direct:ip=192.0.2.7\n"
    "f:T61=ff01:ip=192.0.2.8:rp=" + "x" * 200 + ":df=" + "y" * 250 + "\n"
)
SERVERS = [
    Server(TABLE),
    Server(TABLE, None, proxy=True, boot_file=("bios=a", "ipxe=b", "c"), delivery="frame"),
    Server(TABLE, None, authoritative=False, delivery="broadcast", max_hops=0, server_name="me"),
]
ADDRESSES = st.sampled_from(
    [
        "0.0.0.0",
        "192.0.2.5",
        "192.0.2.7",
        "192.0.2.77",
        "255.255.255.255",
        "127.0.0.1",
        "224.0.0.1",
        "10.0.0.1",
    ]
)
OPTIONS = st.dictionaries(
    st.sampled_from([12, 43, 50, 51, 52, 53, 54, 55, 57, 60, 61, 66, 77, 82, 93, 97, 175])
    | st.integers(1, 254),
    st.binary(max_size=255)
    | st.sampled_from([b"\1", b"\3", b"\x08", b"PXEClient", b"HTTPClient", b"iPXE", b"\xff\1", b"\2\x40"]),
    max_size=8,
)
MESSAGES = st.builds(
    ask,
    OPTIONS,
    mac=st.sampled_from([MAC, b"\1\0\0\0\0\x80", b"", bytes(16)]),
    htype=st.sampled_from([0, 1, 6, 8, 255]),
    hops=st.integers(0, 255),
    secs=st.integers(0, 65535),
    flags=st.sampled_from([0, 0x8000, 0xFFFF]),
    ciaddr=ADDRESSES,
    giaddr=ADDRESSES,
    sname=st.binary(max_size=64),
    file=st.binary(max_size=128),
    length=st.integers(236, 2000),
)
SOURCES = st.tuples(ADDRESSES, st.sampled_from([7, 19, 67, 68, 4011, 40000]))
TARGETS = st.tuples(st.sampled_from(["255.255.255.255", "192.0.2.1"]), st.sampled_from([67, 4011]))


@given(st.binary(max_size=700) | MESSAGES, SOURCES, TARGETS, st.sampled_from(SERVERS))
def test_any_datagram_gets_at_most_one_bounded_answer_to_a_client(
    data: bytes, source: tuple[str, int], to: tuple[str, int], server: Server
) -> None:
    found = heard(server.machine.handle(datagram(data, source=source, to=to, link=LINK)))
    assert found.notes
    if found.sent is None:
        return
    assert 300 <= len(found.sent.data) <= max(LENGTH_MAX, len(data))
    assert len(found.sent.data) <= LENGTH_MAX
    assert found.reply.op == 2
    if isinstance(found.sent, SendTo):
        assert found.sent.port in {67, 68, 4011, 40000}
        assert found.sent.host not in {"0.0.0.0", "255.255.255.255", "127.0.0.1", "224.0.0.1"}


@given(st.lists(st.tuples(st.integers(0, 299), st.integers(0, 255)), max_size=20))
def test_a_damaged_request_does_no_harm(changes: list[tuple[int, int]]) -> None:
    data = bytearray(
        ask({53: b"\3", 50: bytes((192, 0, 2, 5)), 55: b"\1\3\6", 57: b"\5\xdc", 61: b"\1" + MAC})
    )
    for place, value in changes:
        data[place] = value
    for server in SERVERS:
        heard(server.machine.handle(datagram(bytes(data))))


@given(st.binary(max_size=700) | MESSAGES)
def test_no_answer_is_ever_answered(data: bytes) -> None:
    server = SERVERS[0]
    found = heard(server.machine.handle(datagram(data)))
    if found.sent is not None:
        assert heard(server.machine.handle(datagram(found.sent.data))).reason == "not a request"
