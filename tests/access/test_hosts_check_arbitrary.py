"""Whatever hosts.allow holds, the check reports places in it and nothing is raised."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from superd.access.hosts_access import Outcome, check

PIECES = [
    "ALL", "sshd", "EXCEPT", ":", ":", ": ", "@", "[", "]", "/", "/32", "10.1.2.3", "10.1.", "::1", "2001:db8::", ".x",
    "x.", "*", "?", "#", "\\\n", "\n", "\n", " ", ",", "spawn ", "allow", "user ", "%", "%h", "\0", "\xff", "٣",
    "0", "65536",
    "FAIL", "@lan", "/etc/hostname", "[fe80::1%lo]", "255.255.255.255", "-", "!", "umask 9", "nice", "banners /",
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join), st.sampled_from(list(Outcome)))
def test_any_text_is_reported_on_in_its_place(text: str, default: Outcome) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hosts.allow"
        path.write_bytes(text.encode("utf-8", "replace"))
        for each in check.check(path, default).diagnostics:
            assert each.origin.file in {str(path), "/etc/hostname"}
            assert each.origin.line <= text.count("\n") + 1
            assert str(each)
