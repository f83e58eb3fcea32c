"""The rule of tcp_wrappers for a client's name, without input or output."""

import pytest

from superd.access.facts import PARANOID, UNKNOWN
from superd.lookup.verify import NAME_LIMIT, Client, Forward, is_host_name, objection, verify

LONGEST = f"{'a' * 60}.{'b' * (NAME_LIMIT - 66)}.test"


def forward(canonical: str, *addresses: str) -> Forward:
    return Forward(canonical, addresses, 60)


@pytest.mark.parametrize(
    ("address", "name", "means"),
    [
        ("10.1.2.3", "gw.test", forward("gw.test", "10.1.2.3")),
        ("10.1.2.3", "gw.test", forward("gw.test", "10.9.9.9", "10.1.2.3")),
        ("10.1.2.3", "GW.Test", forward("gw.tEST", "10.1.2.3")),
        ("::ffff:10.1.2.3", "gw.test", forward("gw.test", "10.1.2.3")),
        ("2001:db8::1", "six.test", forward("six.test", "2001:db8:0:0::1")),
        ("127.0.0.1", "localhost", forward("vm.example.com", "127.0.0.1")),
        ("127.0.0.1", "LOCALHOST", forward("vm.example.com", "127.0.0.1")),
        ("10.1.2.3", "dotless", forward("dotless", "10.1.2.3")),
        ("10.1.2.3", LONGEST, forward(LONGEST, "10.1.2.3")),
        ("10.1.2.3", "10.test", forward("10.test", "10.1.2.3")),
    ],
)
def test_a_name_that_leads_back_to_the_address_is_the_clients(
    address: str, name: str, means: Forward
) -> None:
    finding = verify(Client.parse(address), name, means)
    assert (finding.name, finding.why) == (name, "")


@pytest.mark.parametrize(
    ("address", "name", "means", "why"),
    [
        (
            "10.1.2.3",
            "gw.test",
            forward("gw.test", "10.1.2.4"),
            "host name/address mismatch: 10.1.2.3 != gw.test",
        ),
        ("10.1.2.3", "gw.test", forward("gw.test"), "host name/address mismatch: 10.1.2.3 != gw.test"),
        ("10.1.2.3", "gw.test", None, "can't verify the host name gw.test: it has no IPv4 address"),
        ("2001:db8::1", "gw.test", None, "can't verify the host name gw.test: it has no IPv6 address"),
        (
            "10.1.2.3",
            "gw.test",
            forward("", "10.1.2.3"),
            "can't verify the host name gw.test: it has no IPv4",
        ),
        ("10.1.2.3", "www.test", forward("real.test", "10.1.2.3"), "mismatch: www.test != 'real.test'"),
        ("10.1.2.3", "gw", forward("gw.corp.test", "10.1.2.3"), "mismatch: gw != 'gw.corp.test'"),
        ("10.1.2.3", "localhost", forward("localhost", "127.0.0.1"), "mismatch: 10.1.2.3 != localhost"),
        (
            "10.1.2.3",
            "localhost.test",
            forward("other.test", "10.1.2.3"),
            "mismatch: localhost.test != 'other",
        ),
        ("fe80::1%lo", "link.test", forward("link.test", "fe80::1"), "mismatch: fe80::1%lo != link.test"),
        ("10.1.2.3", "10.1.2.3", forward("10.1.2.3", "10.1.2.3"), "reverse look-up results in '10.1.2.3'"),
        ("10.1.2.3", LONGEST + "x", forward(LONGEST + "x", "10.1.2.3"), "has more than 127 characters"),
    ],
)
def test_any_other_name_is_paranoid_and_says_why(
    address: str, name: str, means: Forward | None, why: str
) -> None:
    finding = verify(Client.parse(address), name, means)
    assert finding.name == PARANOID
    assert why in finding.why


@pytest.mark.parametrize(
    "name", ["10.1.2.3", "10.1", "5", "0x7f.1", "1.2.3.4.5", "x.0X", "2001:db8::1", "::1", ""]
)
def test_what_is_a_number_is_not_a_name(name: str) -> None:
    found = objection(name)
    assert found is not None
    assert found.name == PARANOID


@pytest.mark.parametrize("name", ["gw.test", "localhost", "a.0y", "x10", "10.x", "a_b.test", LONGEST])
def test_an_ordinary_name_is_worth_looking_up(name: str) -> None:
    assert objection(name) is None


@pytest.mark.parametrize(("name", "value"), [("Unknown", UNKNOWN), ("PARANOID", PARANOID)])
def test_a_host_called_like_a_pattern_is_what_the_pattern_says(name: str, value: str) -> None:
    """Else the owner of the address could choose which of the two words a rule sees, and with which reason."""
    finding = verify(Client.parse("10.1.2.3"), name, forward(name, "10.1.2.3"))
    assert finding.name == value
    assert finding.why


@pytest.mark.parametrize("name", ["gw", "gw.test", "a_b.test", "_dmarc.test", "ab-.test", "x.-y", "4.test"])
def test_names_the_c_library_lets_pass(name: str) -> None:
    assert is_host_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-ab.test",
        "a b",
        "a\tb",
        "a\n",
        "a/b",
        "a\\.b",
        "a\\001b",
        "a%n",
        "a*",
        "a@b",
        "b:c",
        "a;b",
        "ä.test",
        "a..b",
    ],
)
def test_names_the_c_library_does_not_let_pass(name: str) -> None:
    assert not is_host_name(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_one_client_has_one_spelling(text: str, shown: str) -> None:
    assert str(Client.parse(text)) == shown


@pytest.mark.parametrize("text", ["", "localhost", "10.1.2", "/run/socket", "10.1.2.3\n"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a numeric address"):
        Client.parse(text)
