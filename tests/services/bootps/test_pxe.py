"""Clients that start from the network: PXE, iPXE, HTTP Boot and proxyDHCP."""

import pytest
from pydantic import ValidationError

from helpers.bootp_paper import ACK, DISCOVER, INFORM, OFFER, REQUEST, Server, dhcp, ip
from superd.service import SendBroadcast, SendTo
from superd_services.bootps.options import BootpsOptions

ENTRY = "c:ha=020000000001:ip=192.0.2.5:"
FILES = (
    "bios=pxelinux.0",
    "uefi64=grub.efi",
    "ipxe=menu.ipxe",
    "http-uefi64=http://h/grub.efi",
    "99=odd",
    "other",
)
MACHINE = b"\0" + b"m" * 16


def pxe(arch: int | None = 0, **more: bytes) -> dict[int, bytes]:
    """The options of a PXE client."""
    options = {60: b"PXEClient:Arch:00000:UNDI:002001", 97: MACHINE}
    if arch is not None:
        options[93] = arch.to_bytes(2, "big")
    return options | {int(code[1:]): value for code, value in more.items()}


@pytest.mark.parametrize(
    ("options", "file"),
    [
        (pxe(0), b"pxelinux.0"),
        (pxe(None), b"pxelinux.0"),
        (pxe(7), b"grub.efi"),
        (pxe(9), b"grub.efi"),
        (pxe(11), b"other"),
        (pxe(99), b"odd"),
        (pxe(0, o77=b"iPXE"), b"menu.ipxe"),
        (pxe(7, o77=b"\4iPXE"), b"menu.ipxe"),
        ({60: b"HTTPClient:Arch:00016", 93: b"\0\x10"}, b"http://h/grub.efi"),
        ({60: b"HTTPClient:Arch:00019", 93: b"\0\x13"}, b""),
        ({}, b"pxelinux.0"),
    ],
)
def test_each_kind_of_client_gets_its_file(options: dict[int, bytes], file: bytes) -> None:
    reply = Server(ENTRY, None, boot_file=FILES).answers(dhcp(DISCOVER, options)).reply
    assert reply.file == file


def test_the_file_of_an_entry_comes_before_that_of_a_kind_but_after_ipxes() -> None:
    server = Server(ENTRY + "bf=own", None, boot_file=FILES)
    assert server.answers(dhcp(DISCOVER, pxe(7))).reply.file == b"/own"
    assert server.answers(dhcp(DISCOVER, pxe(7, o77=b"iPXE"))).reply.file == b"menu.ipxe"


def test_a_pxe_client_is_told_to_load_this_very_file() -> None:
    reply = Server(ENTRY + "bf=b").answers(dhcp(DISCOVER, pxe(7))).reply
    assert reply.options[60] == b"PXEClient"
    assert reply.options[43] == bytes((6, 1, 8, 255))
    assert reply.options[97] == MACHINE


def test_options_by_number_replace_those_for_pxe() -> None:
    reply = Server(ENTRY + "bf=b:T43=010203").answers(dhcp(DISCOVER, pxe(0))).reply
    assert reply.options[43] == b"\1\2\3"


@pytest.mark.parametrize("options", [{}, {97: MACHINE}, {60: b"MSFT 5.0"}])
def test_other_clients_are_not_told_so(options: dict[int, bytes]) -> None:
    reply = Server(ENTRY + "bf=b").answers(dhcp(DISCOVER, options)).reply
    assert not {60, 43, 97} & set(reply.options)


def test_a_machine_identifier_of_another_length_is_not_sent_back() -> None:
    assert 97 not in Server(ENTRY + "bf=b").answers(dhcp(DISCOVER, pxe(0, o97=b"x"))).reply.options


def test_http_clients_are_told_that_they_are() -> None:
    options = {60: b"HTTPClient:Arch:00016", 93: b"\0\x10"}
    reply = Server(ENTRY, None, boot_file=FILES).answers(dhcp(DISCOVER, options)).reply
    assert reply.options[60] == b"HTTPClient"
    assert 43 not in reply.options


def test_ipxe_need_not_wait_for_another_server() -> None:
    assert Server(ENTRY).answers(dhcp(DISCOVER, pxe(0, o77=b"iPXE"))).reply.options[175] == bytes((176, 1, 1))


def test_names_that_are_asked_for_as_options_are_sent_as_options_too() -> None:
    text = ENTRY + "bf=b:sa=192.0.2.200"
    reply = Server(text).answers(dhcp(DISCOVER, {55: bytes((66, 67))})).reply
    assert (reply.options[66], reply.options[67]) == (b"192.0.2.200", b"/b")
    assert (reply.siaddr, reply.file) == ("192.0.2.200", b"/b")


def test_a_long_name_is_an_option_only() -> None:
    url = "http://h/" + "x" * 200
    options = {60: b"HTTPClient", 93: b"\0\x10"}
    reply = Server(ENTRY, None, boot_file=(f"http-uefi64={url}",)).answers(dhcp(DISCOVER, options)).reply
    assert (reply.file, reply.options[67]) == (b"", url.encode())


@pytest.mark.parametrize(
    ("sa", "next_server", "siaddr"),
    [("", None, "192.0.2.1"), ("", "192.0.2.9", "192.0.2.9"), ("sa=192.0.2.8", "192.0.2.9", "192.0.2.8")],
)
def test_the_next_server_is_the_entrys_or_the_configured_or_this_one(
    sa: str, next_server: str | None, siaddr: str
) -> None:
    reply = Server(ENTRY + sa, None, next_server=next_server).answers(dhcp(DISCOVER)).reply
    assert reply.siaddr == siaddr


PROXY = Server("", None, proxy=True, boot_file=FILES)


def test_a_proxy_offers_a_file_and_no_address_to_whoever_starts_from_the_network() -> None:
    found = PROXY.answers(dhcp(DISCOVER, pxe(7)))
    assert isinstance(found.sent, SendBroadcast)
    assert (found.reply.yiaddr, found.reply.siaddr, found.reply.file) == ("0.0.0.0", "192.0.2.1", b"grub.efi")
    assert found.reply.options == {
        53: bytes((OFFER,)),
        54: ip("192.0.2.1"),
        60: b"PXEClient",
        43: bytes((6, 1, 8, 255)),
        97: MACHINE,
    }


@pytest.mark.parametrize("kind", [REQUEST, INFORM])
def test_a_proxy_answers_at_its_own_port_where_it_was_asked_from(kind: int) -> None:
    message = dhcp(kind, pxe(7), ciaddr="192.0.2.99")
    found = PROXY.answers(message, source=("192.0.2.99", 4011), to=("192.0.2.1", 4011))
    assert isinstance(found.sent, SendTo)
    assert (found.sent.host, found.sent.port) == ("192.0.2.99", 4011)
    assert (found.reply.options[53], found.reply.file) == (bytes((ACK,)), b"grub.efi")
    assert (found.reply.ciaddr, found.reply.yiaddr) == ("192.0.2.99", "0.0.0.0")


@pytest.mark.parametrize(
    ("message", "source", "to", "reason"),
    [
        (dhcp(DISCOVER), "0.0.0.0:68", 67, "not a client that starts from the network"),
        (dhcp(REQUEST, pxe(7)), "0.0.0.0:68", 67, "another DHCP server gives addresses here"),
        (dhcp(DISCOVER, pxe(7)), "192.0.2.9:4011", 4011, "not a question for a boot file"),
        (dhcp(REQUEST, pxe(7)), "192.0.2.9:67", 4011, "from a port or address that must not be answered"),
        (dhcp(REQUEST, pxe(7)), "192.0.2.9:19", 4011, "from a port or address that must not be answered"),
        (dhcp(REQUEST, pxe(7)), "0.0.0.0:68", 4011, "from a port or address that must not be answered"),
        (
            dhcp(REQUEST, pxe(7)),
            "255.255.255.255:4011",
            4011,
            "from a port or address that must not be answered",
        ),
    ],
)
def test_a_proxy_is_silent_where_it_is_not_asked(message: bytes, source: str, to: int, reason: str) -> None:
    host, _, port = source.partition(":")
    assert PROXY.answers(message, source=(host, int(port)), to=("192.0.2.1", to)).reason == reason


def test_a_proxy_is_silent_without_a_file_for_the_kind() -> None:
    server = Server("", None, proxy=True, boot_file=("uefi64=grub.efi",))
    assert server.answers(dhcp(DISCOVER, pxe(0))).reason == "there is no boot file for this kind of client"


def test_a_proxy_gives_clients_of_the_table_their_own_file() -> None:
    server = Server(ENTRY + "bf=own:sa=192.0.2.8", None, proxy=True, boot_file=FILES)
    reply = server.answers(dhcp(DISCOVER, pxe(0))).reply
    assert (reply.file, reply.siaddr, reply.yiaddr) == (b"/own", "192.0.2.8", "0.0.0.0")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("amiga=x", "amiga is no kind of client"),
        ("65536=x", "65536 is no kind"),
        ("bios=", "the name of a boot file"),
        ("http-uefi64=grub.efi", "need a URL"),
        ("bios=\u00e9", "in ASCII"),
    ],
)
def test_a_boot_file_that_makes_no_sense_is_refused(word: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        BootpsOptions.model_validate({"boot_file": [word]})


def test_a_path_with_an_equals_sign_is_a_file() -> None:
    (found,) = BootpsOptions.model_validate({"boot_file": ["/a=b"]}).boot_file
    assert (found.kind, found.file) == ("", "/a=b")
