"""hosts.allow and hosts.deny, any text: the index decides as a scan does, and a missing fact never lets in."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.hosts_files import files, settle
from superd.access.facts import ClientFacts, Need
from superd.access.hosts_access import table

WORDS = [
    "ALL", "KNOWN", "LOCAL", "UNKNOWN", "PARANOID", "EXCEPT", "10.1.2.3", "10.1.", ".2.3", "10.1.2.0/24", "10.*",
    "10.0.0.0/255.0.0.0", "10.1.2.3/24", "[2001:db8::1]", "[2001:db8::]/32", ".example", "gw.", "gw.example",
    "*.example", "bob@ALL", "bob@10.1.", "eve@.example", "@lan", "192.0.2.1",
]  # fmt: skip
TAILS = ["", "", "", ": allow", ": deny", ": nonsense", ": aclexec x", ": twist x"]
_rule = st.builds(
    lambda daemons, clients, tail: f"{' '.join(daemons)}: {' '.join(clients)}{tail}\n",
    st.lists(
        st.sampled_from(["ALL", "sshd", "ftpd", "s*", "EXCEPT", "22", "sshd@10."]), min_size=1, max_size=3
    ),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4),
    st.sampled_from(TAILS),
)
_text = st.lists(_rule, max_size=8).map("".join)
_facts = st.builds(
    ClientFacts,
    st.sampled_from(["10.1.2.3", "10.9.9.9", "192.0.2.1", "2001:db8::1", "::1", ""]),
    name=st.sampled_from([None, None, "unknown", "paranoid", "gw.example", "gw", "x.example"]),
    user=st.sampled_from([None, "unknown", "bob", "eve"]),
    server_address=st.sampled_from(["", "10.0.0.1"]),
    server_port=st.just(22),
)


@settings(max_examples=400, deadline=None)
@given(allow=_text, deny=_text, facts=_facts)
def test_the_index_decides_as_trying_every_rule_does(
    tmp_path_factory: pytest.TempPathFactory, allow: str, deny: str, facts: ClientFacts
) -> None:
    folder = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "SCAN_LIMIT", 1 << 30)
        scanned = files(folder, allow, deny).decide("sshd", facts)
        patch.setattr(table, "SCAN_LIMIT", 0)
        assert files(folder, allow, deny).decide("sshd", facts) == scanned


@settings(max_examples=400, deadline=None)
@given(allow=_text, deny=_text, facts=_facts)
def test_a_missing_fact_never_admits_whom_some_value_of_it_refuses(
    tmp_path_factory: pytest.TempPathFactory, allow: str, deny: str, facts: ClientFacts
) -> None:
    hosts = files(tmp_path_factory.getbasetemp(), allow, deny)
    if not hosts.decide("sshd", facts).allowed:
        return
    names, users = ("unknown", "paranoid", "gw.example", "gw", "x.example"), ("unknown", "bob", "eve")
    for name, user, answer in itertools.product(names, users, (True, False)):
        told = {Need.NAME: name, Need.USER: user, Need.SERVER_NAME: "unknown"}
        assert settle(hosts, facts, lambda asked: told.get(asked.need, answer)).allowed  # noqa: B023  called at once
