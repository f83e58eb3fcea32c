"""Words of only_from and no_access: what each form matches, what is refused, and set against plain scan."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superd.access import addresses
from superd.access.addresses import AddressSet
from superd.config.model import AddressPattern
from superd.config.origin import Origin

ORIGIN = Origin("xinetd.conf", 3)
NETWORKS = {"labnet": IPv4Address("127.0.9.0"), "default": IPv4Address("0.0.0.0")}


def pattern(network: str) -> AddressPattern:
    kind = IPv6Network if ":" in network else IPv4Network
    return AddressPattern(text=network, origin=ORIGIN, network=kind(network))


@pytest.mark.parametrize(
    ("word", "networks"),
    [
        ("127.0.0.5", ["127.0.0.5/32"]),
        ("127.0.9.0", ["127.0.9.0/24"]),
        ("127.0.0.0", ["127.0.0.0/8"]),
        ("0.0.0.0", ["0.0.0.0/0"]),
        ("10.0.5.0", ["10.0.5.0/24"]),
        ("127.0.9", ["127.0.0.9/32"]),
        ("127", ["0.0.0.127/32"]),
        ("0x7f000005", ["127.0.0.5/32"]),
        ("0x7f000000", ["127.0.0.0/8"]),
        ("127.0.0.05", ["127.0.0.5/32"]),
        ("127.0.010.1", ["127.0.8.1/32"]),
        ("127.0.9.77/24", ["127.0.9.0/24"]),
        ("0.0.0.0/0", ["0.0.0.0/0"]),
        ("127.0.9.7/32", ["127.0.9.7/32"]),
        ("127.0.9.0/99", ["127.0.9.0/32"]),
        ("127.0.9.0/255.255.255.0", ["127.0.9.0/24"]),
        ("127.0.9.9/255.255.255.255", ["127.0.9.9/32"]),
        ("127.0.9.{3,4}", ["127.0.9.3/32", "127.0.9.4/32"]),
        ("127.{1,2}", ["127.1.0.0/16", "127.2.0.0/16"]),
        ("{127}", ["127.0.0.0/8"]),
        ("::", ["::/128"]),
        ("::1", ["::1/128"]),
        ("::1/128", ["::1/128"]),
        ("2001:db8::5/32", ["2001:db8::/32"]),
        ("::/0", ["::/0", "0.0.0.0/0"]),
        ("::ffff:10.1.2.0", ["10.1.2.0/32"]),
        ("::ffff:10.1.2.3/112", ["10.1.0.0/16"]),
        ("labnet", ["127.0.9.0/24"]),
    ],
)
def test_word_is_these_networks(word: str, networks: list[str]) -> None:
    found = addresses.parse(word, ORIGIN, NETWORKS)
    assert [str(pattern.network) for pattern in found] == networks
    assert {(pattern.text, pattern.origin) for pattern in found} == {(word, ORIGIN)}


@pytest.mark.parametrize("word", ["localhost", "alpha.lab.test", ".lab.test", "3com.example", "a_b.example"])
def test_names_need_the_clients_name(word: str) -> None:
    (found,) = addresses.parse(word, ORIGIN, {})
    assert (found.network, found.name) == (None, word)
    assert AddressSet([found]).needs_names == found


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("127.0.9.", "ends in a dot"),
        ("127.0.9.*", "neither an address nor a host name"),
        ("127.0.9.1-127.0.9.5", "neither an address nor a host name"),
        ("256.1.1.1", "not an IPv4 address"),
        ("127.0.0.09", "not an IPv4 address"),
        ("1.2.3.4.5", "not an IPv4 address"),
        ("127.0.9.{3,}", "not a number from 0 to 255"),
        ("127.0.9.{300}", "not a number from 0 to 255"),
        ("127.0.9.{3,", "braces"),
        ("127.0.{8,9}.1", "braces"),
        ("127.0..{3}", "braces"),
        ("127.0.9.3,127.0.9.4", "comma"),
        ("ALL", "word of hosts.allow"),
        ("[::1]", "without brackets"),
        ("fe80::1%lo", "scope"),
        ("2001:db8::/129", "not a prefix length"),
        ("10.0.0.0/", "not a prefix length"),
        ("10.0.0.0/8x", "not a prefix length"),
        ("10.0.0.0/255.0.255.0", "not a netmask"),
        ("10.0.0.0/0.255.255.255", "not a netmask"),
        ("foo/8", "not an IPv4 or IPv6 address"),
        ("default", "everyone"),
        ("", "neither an address nor a host name"),
        ("a" * 300, "neither an address nor a host name"),
        ("0x" + "f" * 5000, "neither an address nor a host name"),
    ],
)
def test_word_without_a_meaning_is_refused_with_a_sentence(word: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        addresses.parse(word, ORIGIN, NETWORKS)


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("127.0.9", "127.0.0.9"),
        ("10.0.010.1", "10.0.8.1"),
        ("10.0.0.0/255.0.0.0", "xinetd takes it for /32"),
        ("10.0.0.0/33", "read as /32"),
        ("::", "::/0"),
        ("10.1.2.0", ""),
        ("2001:db8::/32", ""),
        ("host.example", ""),
    ],
)
def test_surprising_words_are_remarked_on(word: str, part: str) -> None:
    found = addresses.remark(word)
    assert part in found
    assert bool(part) == bool(found)


@given(st.ip_addresses())
def test_an_address_matches_itself_however_it_is_written(address: IPv4Address | IPv6Address) -> None:
    word = str(address) + ("/32" if address.version == 4 else "/128")
    assert AddressSet(addresses.parse(word, ORIGIN, {})).match(address)


@given(st.ip_addresses(v=4))
def test_mapped_client_and_mapped_pattern_are_plain_ipv4(address: IPv4Address) -> None:
    mapped = IPv6Address(f"::ffff:{address}")
    assert AddressSet(addresses.parse(f"::ffff:{address}", ORIGIN, {})).match(address)
    assert AddressSet(addresses.parse(f"{address}/32", ORIGIN, {})).match(mapped)


def test_everyone_in_ipv6_is_everyone() -> None:
    everyone = AddressSet(addresses.parse("::/0", ORIGIN, {}))
    assert everyone.match(ip_address("::1"))
    assert everyone.match(ip_address("192.0.2.1"))


def test_everyone_in_ipv4_is_nobody_in_ipv6() -> None:
    assert AddressSet(addresses.parse("0.0.0.0", ORIGIN, {})).match(ip_address("::1")) is None


_v4 = st.builds(
    lambda number, prefix: IPv4Network((number, prefix), strict=False),
    st.integers(0, 15) | st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)
_v6 = st.builds(
    lambda number, prefix: IPv6Network((number, prefix), strict=False),
    st.integers(0, 15) | st.integers(0, 2**128 - 1),
    st.integers(0, 128),
)
_near = st.integers(0, 15)


@given(
    st.lists(_v4 | _v6, max_size=12),
    st.one_of(_near.map(IPv4Address), _near.map(IPv6Address), st.ip_addresses()),
)
def test_set_finds_what_a_scan_for_the_longest_prefix_finds(
    networks: list[IPv4Network | IPv6Network], address: IPv4Address | IPv6Address
) -> None:
    patterns = [pattern(str(network)) for network in networks]
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    holding = [found for found in patterns if found.network is not None and address in found.network]
    expected = max(holding, key=lambda found: found.network.prefixlen if found.network else 0, default=None)
    assert AddressSet(patterns).match(address) == expected


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("alpha.lab.test", "alpha.lab.test"),
        ("ALPHA.lab.test", "alpha.lab.test"),
        ("beta.lab.test", ".lab.test"),
        ("x.y.lab.test", ".lab.test"),
        ("gamma.other.test", ".test"),
        ("lab.test", ".test"),
        ("test", ""),
        ("evillab.tes", ""),
        ("", ""),
    ],
)
def test_a_verified_name_matches_itself_or_its_longest_domain(name: str, found: str) -> None:
    words = [".lab.test", "Alpha.Lab.Test", ".test"]
    names = AddressSet([p for word in words for p in addresses.parse(word, ORIGIN, {})])
    matched = names.match_name(name)
    assert (matched.name if matched else "") == found


def test_networks_file_fills_short_addresses_on_the_right() -> None:
    text = "# comment\nloopback 127.0.0.0\nlan 10.1 office # our lan\nbroken\nworse x.y\n"
    assert {name: str(address) for name, address in addresses.parse_networks(text).items()} == {
        "loopback": "127.0.0.0",
        "lan": "10.1.0.0",
        "office": "10.1.0.0",
    }
