"""bootptab(5): entries, tags, templates, and what is said about mistakes."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superd_services.bootps.bootptab import Host, Names, Table, parse
from superd_services.bootps.bootptab.lexer import ENTRY_LIMIT
from superd_services.bootps.bootptab.tags import ORDER, TAGS

BASE = "c:ha=020000000001:ip=192.0.2.5:"
"""An entry that needs nothing else."""

HARDWARE = bytes.fromhex("020000000001")


def table(text: str, names: Names | None = None) -> Table:
    return parse("tab", text, names)


def host(text: str, names: Names | None = None) -> Host:
    found = table(text, names)
    assert found.mistakes == ()
    return found.hosts[-1]


def ips(*texts: str) -> tuple[IPv4Address, ...]:
    return tuple(map(IPv4Address, texts))


@pytest.mark.parametrize(
    ("field", "tag", "value"),
    [
        ("bf=boot", "bf", "boot"),
        ('bf="a:b"', "bf", "a:b"),
        (r"bf=a\:b", "bf", "a:b"),
        (r'bf="a\"b"', "bf", 'a"b'),
        ("bf=boot  ", "bf", "boot"),
        (r"bf=boot\ ", "bf", "boot "),
        ('bf="two\nlines"', "bf", "two\nlines"),
        ("bf=", "bf", ""),
        ('bf="# no comment"', "bf", "# no comment"),
        ("bf=bo\\\not", "bf", "boot"),
        ("bs=7", "bs", 7),
        ("bs=auto", "bs", "auto"),
        ("bs", "bs", "auto"),
        ("ds=192.0.2.1 192.0.2.2,192.0.2.3", "ds", ips("192.0.2.1", "192.0.2.2", "192.0.2.3")),
        ("gw=10.1", "gw", ips("10.0.0.1")),
        ("gw=0x0a.010.3", "gw", ips("10.8.0.3")),
        ("gw=3221225985", "gw", ips("192.0.2.1")),
        ("hn", "hn", True),
        ("sm=255.255.254.0", "sm", 23),
        ("sm=0xffffff00", "sm", 24),
        ("to=-3600", "to", -3600),
        ("to=auto", "to", "auto"),
        ("to", "to", "auto"),
        ("dl=0x10", "dl", 16),
        ("vm=auto", "vm", "auto"),
        ("vm=rfc1048", "vm", "rfc1048"),
        ("vm=rfc1084", "vm", "rfc1048"),
        ("vm=cmu", "vm", "cmu"),
        ("vm=99.130.83.99", "vm", bytes((99, 130, 83, 99))),
        ("sa=boot", "sa", ips("192.0.2.9")),
    ],
)
def test_a_tag_has_this_value(field: str, tag: str, value: object) -> None:
    names = Names(hosts={"boot": ips("192.0.2.9", "192.0.2.10")})
    assert host(f"{BASE}{field}:", names).tags == {tag: value}
    assert host(f"{BASE}{field}", names).tags == {tag: value}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ('T224="abc"', b"abc\0"),
        ("T224=0102.0x03", b"\1\2\3"),
        ("T224=0x1.2.3", b"\1\2\3"),
        ("T224= 01 02", b"\1\2"),
        ('T224="a:b"', b"a:b\0"),
    ],
)
def test_an_option_by_number_has_this_value(field: str, value: bytes) -> None:
    assert host(BASE + field).generic == {224: value}


@pytest.mark.parametrize(
    "text",
    ["020000000001", "0x020000000001", "02.00.00.00.00.01", "2.0.0.0.0.1", '"02:00:00:00:00:01"', "mine"],
)
def test_a_hardware_address_is_written_so(text: str) -> None:
    names = Names(ethers={"mine": HARDWARE})
    assert host(f"c:ip=192.0.2.5:ha={text}", names).hardware == HARDWARE


@pytest.mark.parametrize(
    ("word", "htype", "address"),
    [("ether", 1, "020000000001"), ("ieee802", 6, "020000000001"), ("ax.25", 3, "01"), ("32", 32, "01" * 8)],
)
def test_a_hardware_type_is_a_name_or_a_number_wherever_it_stands(
    word: str, htype: int, address: str
) -> None:
    assert host(f"c:ha={address}:ip=192.0.2.5:ht={word}").htype == htype
    assert host(f"c:ht={word}:ip=192.0.2.5:ha={address}").htype == htype


def test_an_entry_goes_on_behind_a_backslash_and_over_comments() -> None:
    text = "# first\n\nc:\\\n\t:ha=020000000001:\\\n# a comment\n\n  # another\n\t:ip=192.0.2.5:\n"
    assert host(text).address == IPv4Address("192.0.2.5")


def test_lines_may_end_as_those_of_dos_do() -> None:
    assert host("c:\\\r\n\t:ha=020000000001:\\\r\n:ip=192.0.2.5\r\n").hardware == HARDWARE


def test_a_name_that_can_be_no_host_is_a_template() -> None:
    assert table(".t:bf=x:ip=192.0.2.1:\n").hosts == ()


@pytest.mark.parametrize(
    ("fields", "tags"),
    [
        ("tc=.t", {"bf": "t", "gw": ips("192.0.2.1")}),
        ("bf=own:tc=.t", {"bf": "own", "gw": ips("192.0.2.1")}),
        ("tc=.t:bf=own", {"bf": "own", "gw": ips("192.0.2.1")}),
        ("tc=.t:gw@", {"bf": "t"}),
        ("gw@:tc=.t", {"bf": "t", "gw": ips("192.0.2.1")}),
        ("tc=.t:gw@:tc=.u", {"bf": "t", "gw": ips("192.0.2.2"), "hd": "u"}),
        ("tc=.u:tc=.t", {"bf": "t", "gw": ips("192.0.2.2"), "hd": "u"}),
        ("bf=:tc=.t", {"bf": "", "gw": ips("192.0.2.1")}),
        ("tc=.v", {"bf": "t", "gw": ips("192.0.2.3")}),
        ("tc=.t:tc=.w", {"bf": "t", "gw": ips("192.0.2.1")}),
    ],
)
def test_templates_give_what_is_not_set(fields: str, tags: dict[str, object]) -> None:
    templates = ".t:bf=t:gw=192.0.2.1\n.u:hd=u:gw=192.0.2.2\n.v:gw=192.0.2.3:tc=.t\n.w:ip=192.0.2.7:ha=01\n"
    assert host(f"{templates}{BASE}{fields}").tags == tags


def test_addresses_are_never_inherited() -> None:
    found = table(".t:ha=020000000001:ip=192.0.2.5\nc:ip=192.0.2.6:tc=.t\nd:ha=020000000001:tc=.t\n")
    assert found.hosts == ()
    assert [each.line for each in found.mistakes] == [2, 3]


def test_comments_inside_an_entry_do_not_count_for_its_length() -> None:
    comment = f"#{'x' * 100}\n" * (ENTRY_LIMIT // 50)
    assert host(f"c:ha=020000000001:\\\n{comment}ip=192.0.2.5").name == "c"


def test_options_by_number_are_inherited_only_where_there_are_none() -> None:
    template = ".t:T200=01:T201=02\n"
    assert host(f"{template}{BASE}tc=.t").generic == {200: b"\1", 201: b"\2"}
    assert host(f"{template}{BASE}T202=03:tc=.t").generic == {202: b"\3"}


def test_a_host_without_ip_has_the_address_of_its_name() -> None:
    assert host("c:ha=020000000001", Names(hosts={"c": ips("192.0.2.8")})).address == IPv4Address("192.0.2.8")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (f"\n{BASE}zz=1", 2, "zz: no such tag"),
        (f"{BASE}\\\n\tzz", 2, "zz: no such tag"),
        (f"{BASE}much", 1, "much is no tag"),
        ("c:ip=192.0.2.5:ha=02:00:00:00:00:01", 1, "double quotes"),
        (f"{BASE}bf", 1, "bf: a value is missing"),
        (f"{BASE}bf={'x' * 256}", 1, "bf: a text of"),
        (f"{BASE}hn=1", 1, "hn: takes no value"),
        (f"{BASE}gw=1.2.3.4.5", 1, "gw: 1.2.3.4.5 is no address"),
        (f"{BASE}gw=1.2.3.256", 1, "gw: 1.2.3.256 is no address"),
        (f"{BASE}gw=256.1", 1, "gw: 256.1 is no address"),
        (f"{BASE}gw=08", 1, "gw: 08 is no number"),
        (f"{BASE}gw=nowhere", 1, "not asked for in the DNS"),
        (f"{BASE}gw=", 1, "gw: 0 addresses"),
        (f"{BASE}gw={'1.1.1.1 ' * 17}", 1, "gw: 17 addresses"),
        (f"{BASE}sm=255.0.255.0", 1, "sm: 255.0.255.0 is no mask"),
        (f"{BASE}dl=4294967296", 1, "dl: 4294967296 is more"),
        (f"{BASE}to=100000", 1, "to: 100000 seconds"),
        (f"{BASE}vm=odd", 1, "vm: odd has no address"),
        (f"{BASE}ht=wood", 1, "ht: wood is no hardware type"),
        (f"{BASE}T0=01", 1, "T0: options have numbers"),
        (f"{BASE}T255=01", 1, "T255: options have numbers"),
        (f"{BASE}T9", 1, "T9: a value is missing"),
        (f"{BASE}T9@", 1, "T9: options by number can't be deleted"),
        (f"{BASE}T9=xy", 1, "T9: xy is not hexadecimal"),
        (f'{BASE}T9="{"x" * 255}"', 1, "T9: 256 bytes"),
        ("c:ip=192.0.2.5", 1, "c has no hardware address"),
        ("c:ip=192.0.2.5:\\\n:ha=0102", 2, "ha: 0102 has 2 bytes, and not 6"),
        ("c:ha=020000000001", 1, "c has no ip"),
        ("c:ha=020000000001:ip=224.0.0.1", 1, "ip: 224.0.0.1 can't be"),
        (":ha=020000000001", 1, "an entry without a name"),
        (f'{BASE}bf="open', 1, "a quotation without its end"),
        (f"{BASE}bf={'x' * ENTRY_LIMIT}", 1, "an entry of more than"),
    ],
)
def test_an_entry_with_a_mistake_is_left_out_and_told(text: str, line: int, said: str) -> None:
    found = table(f"{text}\nlast:ha=020000000002:ip=192.0.2.6\n")
    (mistake,) = found.mistakes
    assert mistake.drops
    assert str(mistake).startswith(f"tab:{line}: ")
    assert said in str(mistake)
    assert [each.name for each in found.hosts] == ["last"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("tc=.gone", "there is no entry .gone before this one"),
        ("ex=rm", "commands are not run"),
        ("T53=01", "T53: the protocol sets this option by itself"),
    ],
)
def test_an_entry_with_something_that_means_nothing_is_kept(fields: str, said: str) -> None:
    found = table(BASE + fields)
    assert said in str(found.mistakes[0])
    assert not found.mistakes[0].drops
    assert len(found.hosts) == 1


def test_a_quotation_without_its_end_costs_one_entry_however_long_the_file_is() -> None:
    later = "".join(f"h{n}:ha=0200000001{n:02x}:ip=192.0.2.{n}\n" for n in range(1, 200))
    found = table(f'c:bf="open\n{later * 5}')
    assert len(found.hosts) == 199
    assert "tab:1: a quotation without its end" in map(str, found.mistakes)


def test_the_second_entry_of_a_hardware_address_in_one_network_is_left_out() -> None:
    found = table(
        "a:ha=020000000001:ip=192.0.2.5\nb:ha=020000000001:ip=192.0.2.6\nc:ha=020000000001:ip=198.51.100.6\n"
    )
    assert [each.name for each in found.hosts] == ["a", "c"]
    assert str(found.mistakes[0]) == "tab:2: b has the hardware address of a, in the same network"


def test_addresses_of_token_rings_are_found_with_their_bits_the_other_way_round() -> None:
    found = table("a:ht=tr:ha=800000000001:ip=192.0.2.5")
    assert found.of_hardware(6, bytes.fromhex("010000000080")) == list(found.hosts)
    assert found.of_hardware(1, bytes.fromhex("010000000080")) == []


OLD = """# old form
/usr/boot
vmunix
gate    gateways/gate
%%
# host htype haddr iaddr bootfile
burr  1 02.60.8c.34.11.78 36.44.0.12
gw1   1 02:60:8c:23:ab:35 36.44.0.32 gate 101
short 1 02.60.8c.34.11.79
twice 1 02.60.8c.34.11.78 36.44.0.13
"""


def test_the_older_form_has_one_line_for_each_client() -> None:
    found = table(OLD)
    assert [(each.name, str(each.address), dict(each.tags)) for each in found.hosts] == [
        ("burr", "36.44.0.12", {"hd": "/usr/boot"}),
        ("gw1", "36.44.0.32", {"hd": "/usr/boot", "bf": "gate"}),
    ]
    assert found.default_file == "vmunix"
    assert found.files == {"gate": "gateways/gate"}
    assert [str(each) for each in found.mistakes] == [
        "tab:9: a line needs a name, a hardware type, a hardware address and an address",
        "tab:10: twice has the hardware address of burr, in the same network",
    ]


def test_every_option_of_a_tag_has_its_place_in_the_order() -> None:
    assert {tag for tag, each in TAGS.items() if each.option} == set(ORDER)
    assert len(ORDER) == len(set(ORDER))


PIECES = st.sampled_from(
    [
        "c",
        ".t",
        ":",
        "=",
        "@",
        "\\",
        "\n",
        '"',
        "#",
        " ",
        "%%",
        "T53",
        "T9=01",
        "ha=020000000001",
        "ip=1.2.3.4",
    ]
    + [
        f"{tag}={value}"
        for tag in ("tc", "bf", "gw", "sm", "bs", "vm", "ht")
        for value in (".t", "1", "auto", "")
    ]
)


@given(
    st.lists(PIECES, max_size=60).map("".join)
    | st.binary(max_size=300).map(lambda text: text.decode("latin-1"))
)
def test_any_text_is_a_table_and_mistakes_on_its_lines(text: str) -> None:
    found = table(text)
    assert all(1 <= each.line <= text.count("\n") + 1 for each in found.mistakes)
    assert all(each.path == "tab" and str(each).isprintable() for each in found.mistakes)
    assert all(each.hardware or each.htype == 8 or 61 in each.generic for each in found.hosts)


@given(st.integers(0, 200))
def test_every_entry_is_a_host_or_a_mistake(many: int) -> None:
    text = "".join(
        f"h{n}:ha=0200000001{n:02x}:ip=192.0.2.{n % 250 + 1}{':zz' * (n % 3 == 0)}\n" for n in range(many)
    )
    found = table(text)
    assert len(found.hosts) + len(found.mistakes) == many
