"""Which clients count as one."""

import pytest

from superd.access.prefixes import SOURCE, counted_by, network
from superd.config.model import SourcePrefix

WIDE = SourcePrefix(ipv4=16, ipv6=48)
EXACT = SourcePrefix(ipv6=128)


@pytest.mark.parametrize(
    ("prefix", "one", "other", "same"),
    [
        (SOURCE, "192.0.2.1", "192.0.2.1", True),
        (SOURCE, "192.0.2.1", "192.0.2.2", False),
        (SOURCE, "192.0.2.1", "::ffff:192.0.2.1", True),
        (SOURCE, "2001:db8::1", "2001:db8::ffff:1", True),
        (SOURCE, "2001:db8::1", "2001:0db8:0:0::1", True),
        (SOURCE, "2001:db8::1", "2001:db8:0:1::1", False),
        (SOURCE, "fe80::1%eth0", "fe80::2%eth0", False),
        (SOURCE, "fe80::1%eth0", "fe80::1%eth1", False),
        (WIDE, "192.0.2.1", "192.0.255.255", True),
        (WIDE, "192.0.2.1", "::ffff:192.0.9.9", True),
        (WIDE, "192.0.2.1", "192.1.2.1", False),
        (WIDE, "2001:db8::1", "2001:db8:0:ffff::", True),
        (WIDE, "2001:db8::1", "2001:db8:1::", False),
        (EXACT, "2001:db8::1", "2001:db8::2", False),
        (WIDE, "0.0.2.1", "::2:1", False),
        (SOURCE, "", "192.0.2.1", False),
        (WIDE, "", "", True),
    ],
)
def test_clients_count_as_one_by_prefix(prefix: SourcePrefix, one: str, other: str, same: bool) -> None:
    key = counted_by(prefix)
    assert (key(one) == key(other)) == same


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_who_counts_as_one_is_written_as_an_address_or_a_network(host: str, text: str) -> None:
    assert network(host) == text
