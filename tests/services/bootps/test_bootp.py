"""BOOTP (RFC 951, 1542, 1497): what is answered, in which form, and where to."""

import pytest

from helpers.bootp_paper import COOKIE, LINK, MAC, Server, ask, ip
from superd.service import Link, Remark, SendBroadcast, SendFrame, SendTo

ENTRY = "c:ha=020000000001:ip=192.0.2.5:bf=boot:sm=255.255.255.0:gw=192.0.2.254:"
WITH_COOKIE = ask(vendor=COOKIE + b"\xff")


def test_an_answer_repeats_what_the_client_said_and_tells_the_rest() -> None:
    reply = Server(ENTRY).answers(ask({}, hops=3, secs=7, flags=0x8000)).reply
    assert (reply.op, reply.xid, reply.mac, reply.flags) == (2, 0x12345678, MAC, 0x8000)
    assert (reply.hops, reply.secs) == (0, 0)
    assert (reply.ciaddr, reply.yiaddr, reply.siaddr, reply.giaddr) == (
        "0.0.0.0",
        "192.0.2.5",
        "192.0.2.1",
        "0.0.0.0",
    )
    assert (reply.sname, reply.file, reply.length) == (b"", b"/boot", 300)
    assert reply.options == {1: ip("255.255.255.0"), 3: ip("192.0.2.254")}


@pytest.mark.parametrize(
    ("form", "vendor", "starts"),
    [
        ("", COOKIE + b"\xff", COOKIE),
        ("", b"CMU\0", b"CMU\0\0\0\0\1" + ip("255.255.255.0") + ip("192.0.2.254") + bytes(24)),
        ("", b"", bytes(64)),
        ("", b"ODD!", b"ODD!" + bytes(60)),
        ("vm=auto", b"CMU\0", b"CMU\0"),
        ("vm=rfc1048", b"", COOKIE + b"\1\4"),
        ("vm=cmu", COOKIE, b"CMU\0"),
        ("vm=1.2.3.4", COOKIE, bytes((1, 2, 3, 4)) + bytes(60)),
        ("vm=99.130.83.99", b"", COOKIE + b"\1\4"),
    ],
)
def test_the_vendor_area_has_the_form_of_vm_or_else_of_the_client(
    form: str, vendor: bytes, starts: bytes
) -> None:
    reply = Server(ENTRY + form).answers(ask(vendor=vendor)).reply
    assert reply.length == 300
    assert reply.vendor.startswith(starts)


def test_an_option_comes_once_and_a_tag_before_a_number() -> None:
    assert Server(ENTRY + "T1=01020304:T3=01020304").answers(WITH_COOKIE).reply.options == {
        1: ip("255.255.255.0"),
        3: ip("192.0.2.254"),
    }
    bare = "c:ha=020000000001:ip=192.0.2.5:T1=ffffff80"
    assert Server(bare).answers(WITH_COOKIE).reply.options == {1: ip("255.255.255.128")}


def test_cmus_form_holds_two_servers_of_a_kind() -> None:
    text = ENTRY + "vm=cmu:ds=192.0.2.11 192.0.2.12 192.0.2.13:ns=192.0.2.14:ts=192.0.2.15"
    area = Server(text).answers(ask()).reply.vendor
    expected = ["192.0.2.11", "192.0.2.12", "192.0.2.14", "0.0.0.0", "192.0.2.15", "0.0.0.0"]
    assert area[16:40] == b"".join(map(ip, expected))


def test_options_have_the_order_of_their_importance() -> None:
    text = ENTRY + (
        "bs=3:to=0:sw=192.0.2.3:rp=r:df=d:ds=192.0.2.4:dn=n:ys=192.0.2.5:yd=y:ns=192.0.2.6:rl=192.0.2.7:ms=548:"
        'ts=192.0.2.8:nt=192.0.2.9:hn:lp=192.0.2.10:im=192.0.2.11:cs=192.0.2.12:lg=192.0.2.13:T200=01:T150="x"'
    )
    reply = Server(text).answers(WITH_COOKIE).reply
    order = [1, 3, 13, 2, 16, 17, 14, 6, 15, 41, 40, 5, 11, 4, 42, 12, 9, 10, 8, 7, 200, 150]
    assert list(reply.options) == order
    assert reply.options[13] == b"\0\3"
    assert reply.options[12] == b"c"
    assert reply.options[150] == b"x\0"


def test_an_extension_file_ends_the_options() -> None:
    assert list(Server(ENTRY + "ef=/e:dn=n").answers(WITH_COOKIE).reply.options) == [1, 3, 18]


@pytest.mark.parametrize(("tag", "value"), [("to=auto", 3600), ("to", 3600), ("to=-60", -60)])
def test_the_time_offset_is_told_in_seconds(tag: str, value: int) -> None:
    told = Server(ENTRY + tag).answers(WITH_COOKIE).reply.options[2]
    assert int.from_bytes(told, "big", signed=True) == value


def test_what_finds_no_room_is_left_out_and_told() -> None:
    heard = Server(ENTRY + f"dn={'x' * 60}:lg=192.0.2.7").answers(WITH_COOKIE)
    assert list(heard.reply.options) == [1, 3, 7]
    assert [note.remark for note in heard.notes] == [Remark.ANSWERED, Remark.PROBLEM]
    assert heard.notes[1].about["reason"] == "no room for dn in 300 bytes"
    assert heard.notes[1].about["rule"] == "tab:1"


@pytest.mark.parametrize(
    ("request_", "length"),
    [(ask(length=236), 300), (ask(), 300), (ask(length=548), 548), (ask(length=65507), 1472)],
)
def test_an_answer_is_as_long_as_the_question(request_: bytes, length: int) -> None:
    assert Server(ENTRY).answers(request_).reply.length == length


@pytest.mark.parametrize(
    ("tags", "request_", "room"),
    [
        ("", ask({}), 300),
        ("", ask({}, length=548), 548),
        ("", ask({}, length=65507), 1472),
        ("ms=500", ask({}), 500),
        ("ms=100", ask({}), 300),
        ("ms=100000", ask({}), 1472),
        ("", ask({57: b"\2\x40"}), 548),
        ("ms=600", ask({57: b"\2\x40"}), 600),
        ("", ask({57: b"\xff\xff"}), 1472),
    ],
)
def test_options_may_fill_what_the_client_sent_or_what_it_is_known_to_take(
    tags: str, request_: bytes, room: int
) -> None:
    many = "".join(f":T{code}=" + "aa" * 8 for code in range(128, 254))
    reply = Server(ENTRY + tags + many).answers(request_).reply
    assert room - 10 < reply.length <= room
    used = COOKIE + b"".join(bytes((code, len(value))) + value for code, value in reply.options.items())
    assert room - 10 <= 236 + len(used) + 1 <= room


@pytest.mark.parametrize(
    ("tags", "fields", "source", "sent"),
    [
        ("", {}, "0.0.0.0", (SendFrame, MAC, "192.0.2.5", 68)),
        ("", {"flags": 0x8000}, "0.0.0.0", (SendBroadcast, 68)),
        ("", {"ciaddr": "192.0.2.5"}, "192.0.2.5", (SendTo, "192.0.2.5", 68)),
        ("", {"ciaddr": "192.0.2.99"}, "192.0.2.99", (SendFrame, MAC, "192.0.2.5", 68)),
        ("", {"giaddr": "192.0.2.77"}, "192.0.2.77", (SendTo, "192.0.2.77", 67)),
        ("", {"giaddr": "192.0.2.77", "ciaddr": "192.0.2.5"}, "192.0.2.77", (SendTo, "192.0.2.5", 68)),
        ("", {"htype": 6}, "0.0.0.0", (SendBroadcast, 68)),
        ("", {"mac": b"\3\0\0\0\0\1"}, "0.0.0.0", (SendBroadcast, 68)),
        ("ra=192.0.2.255", {}, "0.0.0.0", (SendTo, "192.0.2.255", 68)),
        ("ra=255.255.255.255", {}, "0.0.0.0", (SendBroadcast, 68)),
        ("ra=192.0.2.255", {"giaddr": "192.0.2.77"}, "192.0.2.77", (SendTo, "192.0.2.77", 67)),
    ],
)
def test_an_answer_goes_where_the_client_can_hear_it(
    tags: str, fields: dict[str, int | str | bytes], source: str, sent: tuple[object, ...]
) -> None:
    text = ENTRY + tags + "\nd:ht=tr:ha=020000000001:ip=192.0.2.6\ng:ha=030000000001:ip=192.0.2.7"
    found = Server(text).answers(ask(**fields), source=(source, 68)).sent  # type: ignore[arg-type]  # a table
    assert shown(found) == sent


def shown(found: object) -> tuple[object, ...]:
    """What was sent, without the data."""
    if isinstance(found, SendTo):
        return SendTo, found.host, found.port
    if isinstance(found, SendFrame):
        return SendFrame, found.hardware, found.host, found.port
    assert isinstance(found, SendBroadcast)
    return SendBroadcast, found.port


@pytest.mark.parametrize(
    ("delivery", "flags", "kind"),
    [
        ("auto", 0, SendFrame),
        ("auto", 0x8000, SendBroadcast),
        ("frame", 0x8000, SendFrame),
        ("broadcast", 0, SendBroadcast),
    ],
)
def test_delivery_can_be_chosen(delivery: str, flags: int, kind: type) -> None:
    assert isinstance(Server(ENTRY, delivery=delivery).answers(ask(flags=flags)).sent, kind)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (b"", "0 bytes are no BOOTP message"),
        (ask()[:235], "235 bytes are no BOOTP message"),
        (ask(op=2), "not a request"),
        (ask(hlen=17), "a hardware address of 17 bytes"),
        (ask(mac=b"\2\0\0\0\0\2"), "no entry for this client"),
        (ask(htype=7), "no entry for this client"),
        (ask(hops=17), "came through 17 relay agents"),
        (ask(giaddr="224.0.0.1"), "224.0.0.1 can't be the address of a relay agent"),
        (ask(giaddr="127.0.0.1"), "127.0.0.1 can't be the address of a relay agent"),
        (ask(giaddr="255.255.255.255"), "255.255.255.255 can't be the address of a relay agent"),
        (ask(sname=b"other"), "the client asks for another server by name"),
    ],
)
def test_there_is_no_answer_and_the_log_says_why(request_: bytes, reason: str) -> None:
    assert Server(ENTRY).answers(request_).reason == reason


def test_a_link_without_our_address_is_not_served() -> None:
    link = Link(3, "veth0", LINK.hardware, "", 0)
    assert Server(ENTRY).answers(ask(), link=link).reason == "there is no address of ours on veth0"


@pytest.mark.parametrize("name", [b"server", b"SERVER", b"me"])
def test_a_client_may_ask_for_this_server_by_name(name: bytes) -> None:
    assert Server(ENTRY, server_name="me").answers(ask(sname=name)).reply.sname == b"me"


@pytest.mark.parametrize(
    ("tags", "options", "secs", "answered"),
    [
        ("", {}, 0, True),
        ("mw=4", {}, 3, False),
        ("mw=4", {}, 4, True),
        ("", {"min_secs": 4}, 3, False),
        ("mw=0", {"min_secs": 4}, 0, True),
    ],
)
def test_a_client_may_have_to_be_patient(
    tags: str, options: dict[str, int], secs: int, answered: bool
) -> None:
    found = Server(ENTRY + tags, None, **options).answers(ask(secs=secs))
    assert (found.sent is not None) is answered


FILES = {
    "/tftp/../boot": 1,
    "/tftp/dir/../../boot": 1,
    "/tftp/boot": 1025,
    "/tftp/boot.c": 1024,
    "/tftp/dir/other": 513,
}


@pytest.mark.parametrize(
    ("tags", "asked", "file", "blocks"),
    [
        ("bf=boot", b"", b"/boot", None),
        ("bf=", b"", b"", None),
        ('bf="http://h/x":hd=/dir', b"", b"http://h/x", None),
        ("bf=boot:hd=/dir", b"", b"/dir/boot", None),
        ("bf=boot:hd=/", b"", b"/boot", None),
        ("bf=/boot:hd=/dir", b"", b"/dir/boot", None),
        ("bf=boot:hd=/dir", b"mine", b"/dir/boot", None),
        ("hd=/dir", b"mine", b"/dir/mine", None),
        ("hd=/dir", b"/mine", b"/mine", None),
        ("", b"mine", b"/mine", None),
        ("bf=boot:bs=auto", b"", b"/boot", None),
        ("bf=boot:td=/tftp:bs=auto", b"", b"/boot.c", 2),
        ("bf=boot:td=/tftp:bs=9", b"", b"/boot.c", 9),
        ("hd=dir:td=/tftp:bs", b"other", b"/dir/other", 2),
        ("bf=gone:td=/tftp:bs", b"", b"/gone", None),
        ("bf=boot:td=/tftp:bs:sa=192.0.2.200", b"", b"/boot", None),
        ("hd=/dir", b"", b"", None),
    ],
)
def test_the_boot_file_is_the_clients_or_the_entrys(
    tags: str, asked: bytes, file: bytes, blocks: int | None
) -> None:
    text = f"c:ha=020000000001:ip=192.0.2.5:{tags}"
    reply = Server(text, FILES).answers(ask({}, file=asked)).reply
    assert reply.file == file
    assert reply.options.get(13) == (None if blocks is None else blocks.to_bytes(2, "big"))


@pytest.mark.parametrize("asked", [b"gone", b"../boot", b"dir/../../boot"])
def test_a_file_that_is_asked_for_and_is_not_there_gets_no_answer(asked: bytes) -> None:
    text = "c:ha=020000000001:ip=192.0.2.5:td=/tftp"
    assert Server(text, FILES).answers(ask(file=asked)).reason == "there is no such boot file"


def test_generic_names_of_the_older_form_mean_files() -> None:
    server = Server(
        "/usr/boot\nvmunix\ngate gw/gate\n%%\nc 1 02.0.0.0.0.1 192.0.2.5\nd 1 02.0.0.0.0.2 192.0.2.6 gate\n"
    )
    assert server.answers(ask()).reply.file == b"/usr/boot/vmunix"
    assert server.answers(ask(file=b"gate")).reply.file == b"/usr/boot/gw/gate"
    assert server.answers(ask(mac=b"\2\0\0\0\0\2")).reply.file == b"/usr/boot/gw/gate"


TWO_NETWORKS = "a:ha=020000000001:ip=192.0.2.5\nb:ha=020000000001:ip=198.51.100.5\n"


@pytest.mark.parametrize(
    ("text", "giaddr", "address"),
    [
        (TWO_NETWORKS, "0.0.0.0", "192.0.2.5"),
        (TWO_NETWORKS, "198.51.100.1", "198.51.100.5"),
        (TWO_NETWORKS, "203.0.113.1", None),
        ("a:ha=020000000001:ip=203.0.113.5", "0.0.0.0", "203.0.113.5"),
    ],
)
def test_of_several_entries_that_of_the_network_counts(text: str, giaddr: str, address: str | None) -> None:
    found = Server(text).answers(ask(giaddr=giaddr))
    assert (found.reply.yiaddr if found.sent else None) == address


def test_a_client_of_bootp_is_known_by_its_own_address_too() -> None:
    server = Server("c:ht=direct:ip=192.0.2.5:bf=b\nd:ha=020000000002:ip=192.0.2.6")
    assert server.answers(ask(mac=b"", htype=8, ciaddr="192.0.2.5")).reply.file == b"/b"
    assert server.answers(ask(mac=b"\2\0\0\0\0\7", ciaddr="192.0.2.6")).reply.yiaddr == "192.0.2.6"
    assert server.answers(ask({53: b"\1"}, mac=b"\2\0\0\0\0\7", ciaddr="192.0.2.6")).sent is None


@pytest.mark.parametrize(
    ("tags", "mask"),
    [("sm=255.255.255.128", "255.255.255.128"), ("", "255.255.255.0")],
)
def test_the_mask_is_the_entrys_or_that_of_the_link(tags: str, mask: str) -> None:
    reply = Server(f"c:ha=020000000001:ip=192.0.2.5:{tags}").answers(WITH_COOKIE).reply
    assert reply.options[1] == ip(mask)


def test_the_mask_of_another_network_is_by_class() -> None:
    reply = Server("c:ha=020000000001:ip=172.16.9.5").answers(ask({}, giaddr="172.16.0.1")).reply
    assert reply.options[1] == ip("255.255.0.0")


def test_the_log_says_who_got_what_and_by_which_line() -> None:
    (note,) = Server(f"\n{ENTRY}").answers(ask(giaddr="192.0.2.77"), source=("192.0.2.77", 67)).notes
    assert note.remark is Remark.ANSWERED
    assert note.about == {
        "mac": "02:00:00:00:00:01",
        "message": "BOOTP",
        "relay": "192.0.2.77",
        "name": "c",
        "rule": "tab:2",
        "answer": "BOOTP",
        "address": "192.0.2.5",
        "file": "/boot",
    }
