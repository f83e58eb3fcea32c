"""What hosts(5), nsswitch.conf(5) and the records of an answer mean."""

from ipaddress import ip_address

import pytest

from superd.lookup.hosts_file import Hosts
from superd.lookup.records import Record, forward_of, pointer_of
from superd.lookup.system import parse_order

HOSTS = Hosts.parse(
    "# a comment\n"
    "127.0.0.1 localhost\n"
    "::1 six-local\t localhost # the same\n"
    "10.0.0.1\tgw.test gw GATE\r\n"
    "10.0.0.2 second.test gw\n"
    "10.0.0.1 later.test\n"
    "::ffff:10.0.0.3 mapped.test\n"
    "2001:db8::1 six.test\n"
    "010.0.0.4 octal.test\n"
    "10.0.0.5 # no name\n"
    "10.0.0.6 b\x1b[31m.test\n"
    "fe80::1%lo scoped.test\n"
    "nonsense\n"
    "\n"
)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.0.0.1", "gw.test"),
        ("10.0.0.2", "second.test"),
        ("10.0.0.3", "mapped.test"),
        ("2001:db8::1", "six.test"),
        ("::1", "six-local"),
        ("127.0.0.1", "localhost"),
    ],
)
def test_an_address_is_called_what_its_first_line_says(address: str, name: str) -> None:
    pointer = HOSTS.pointer(ip_address(address))
    assert pointer is not None
    assert pointer.name == name


@pytest.mark.parametrize(
    "address", ["10.0.0.4", "10.0.0.5", "10.0.0.6", "10.9.9.9", "fe80::1", "2001:db8::2"]
)
def test_a_line_that_cant_be_used_says_nothing(address: str) -> None:
    assert HOSTS.pointer(ip_address(address)) is None


@pytest.mark.parametrize(
    ("name", "version", "canonical", "addresses"),
    [
        ("gw.test", 4, "gw.test", ("10.0.0.1",)),
        ("Gate", 4, "gw.test", ("10.0.0.1",)),
        ("GW", 4, "gw.test", ("10.0.0.1", "10.0.0.2")),
        ("localhost", 4, "localhost", ("127.0.0.1", "127.0.0.1")),
        ("localhost", 6, "six-local", ("::1",)),
        ("six-local", 4, "six-local", ("127.0.0.1",)),
        ("mapped.test", 4, "mapped.test", ("10.0.0.3",)),
        ("six.test", 6, "six.test", ("2001:db8::1",)),
    ],
)
def test_a_name_means_the_addresses_of_all_its_lines(
    name: str, version: int, canonical: str, addresses: tuple[str, ...]
) -> None:
    found = HOSTS.forward(name, version)
    assert found is not None
    assert (found.canonical, found.addresses) == (canonical, addresses)


@pytest.mark.parametrize(
    ("name", "version"), [("six.test", 4), ("gw.test", 6), ("octal.test", 4), ("none", 4)]
)
def test_a_name_without_an_address_of_the_family_is_unknown_here(name: str, version: int) -> None:
    assert HOSTS.forward(name, version) is None


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("", ("files", "dns")),
        ("passwd: files\nhosts: files dns\n", ("files", "dns")),
        ("hosts:\tdns files # comment\n", ("dns", "files")),
        ("hosts: files mdns4_minimal [NOTFOUND=return] dns\n", ("files", "dns")),
        ("hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns", ("dns", "files")),
        ("hosts: files\n", ("files",)),
        ("#hosts: dns\n", ("files", "dns")),
    ],
)
def test_of_nsswitch_conf_files_and_dns_are_honoured(text: str, order: tuple[str, ...]) -> None:
    assert parse_order(text) == order


PTR = "3.2.1.10.in-addr.arpa"


@pytest.mark.parametrize(
    ("records", "name", "ttl"),
    [
        ([Record(PTR, "PTR", "gw.test", 60)], "gw.test", 60),
        ([Record(PTR.upper(), "PTR", "gw.test", 60)], "gw.test", 60),
        ([Record(PTR, "PTR", "a.test", 60), Record(PTR, "PTR", "b.test", 5)], "a.test", 60),
        ([Record(PTR, "CNAME", "x.test", 30), Record("x.test", "PTR", "gw.test", 60)], "gw.test", 30),
        ([Record(PTR, "PTR", "", 60)], "", 60),
    ],
)
def test_the_first_pointer_is_the_clients_name(records: list[Record], name: str, ttl: int) -> None:
    pointer = pointer_of(PTR, records)
    assert pointer is not None
    assert (pointer.name, pointer.ttl) == (name, ttl)


@pytest.mark.parametrize(
    "records",
    [
        [],
        [Record("4.2.1.10.in-addr.arpa", "PTR", "gw.test", 60)],
        [Record("x.test", "PTR", "gw.test", 60), Record(PTR, "CNAME", "y.test", 60)],
        [Record(PTR, "A", "10.1.2.3", 60)],
        [Record(PTR, "PTR", "a\\001b.test", 60)],
        [Record(PTR, "PTR", "a b", 60), Record(PTR, "PTR", "b.test", 5)],
    ],
)
def test_records_that_do_not_answer_the_question_do_not_count(records: list[Record]) -> None:
    assert pointer_of(PTR, records) is None


@pytest.mark.parametrize(
    ("records", "canonical", "addresses", "ttl"),
    [
        ([Record("gw.test", "A", "10.0.0.1", 9), Record("gw.test", "A", "10.0.0.2", 8)], "gw.test", 2, 8),
        ([Record("GW.test", "A", "10.0.0.1", 9)], "GW.test", 1, 9),
        ([Record("gw.test", "CNAME", "x.test", 3), Record("x.test", "A", "10.0.0.1", 9)], "x.test", 1, 3),
        ([Record("gw.test.corp", "A", "10.0.0.1", 9)], "gw.test.corp", 1, 9),
        ([Record("gw.test", "A", "10.0.0.1", 9), Record("evil.test", "A", "10.6.6.6", 9)], "gw.test", 1, 9),
    ],
)
def test_a_name_means_what_the_chain_of_aliases_ends_in(
    records: list[Record], canonical: str, addresses: int, ttl: int
) -> None:
    found = forward_of("gw.test", "A", records)
    assert found is not None
    assert (found.canonical, len(found.addresses), found.ttl) == (canonical, addresses, ttl)


@pytest.mark.parametrize(
    "records",
    [
        [],
        [Record("gw.test", "AAAA", "2001:db8::1", 9)],
        [Record("gw.test", "CNAME", "x.test", 3)],
        [Record("gw.test", "CNAME", "gw.test", 3)],
        [Record("gw.test", "CNAME", "x y", 3), Record("x y", "A", "10.0.0.1", 9)],
    ],
)
def test_a_name_without_addresses_means_nothing(records: list[Record]) -> None:
    assert forward_of("gw.test", "A", records) is None
