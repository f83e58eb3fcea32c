"""What tcpd would start."""

import pytest

from superd.config.tcpd import in_search_path, is_tcpd, real_program


@pytest.mark.parametrize(
    ("argv0", "path", "daemon"),
    [
        ("in.ftpd", "/usr/sbin/in.ftpd", "in.ftpd"),
        ("/opt/bin/in.ftpd", "/opt/bin/in.ftpd", "in.ftpd"),
        ("sub/in.ftpd", "/usr/sbin/sub/in.ftpd", "in.ftpd"),
    ],
)
def test_a_bare_name_is_looked_for_in_usr_sbin(argv0: str, path: str, daemon: str) -> None:
    assert real_program(argv0) == (path, daemon)


@pytest.mark.parametrize("argv0", ["", "/", "/usr/sbin/", "tcpd", "/usr/sbin/tcpd"])
def test_what_names_no_server_is_refused(argv0: str) -> None:
    with pytest.raises(ValueError, match=r"tcpd is (given|told)"):
        real_program(argv0)


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("/usr/sbin/tcpd", True),
        ("/usr/local/tcpd/bin/tcpd", True),
        ("tcpd", True),
        ("/usr/sbin/tcpdmatch", False),
    ],
)
def test_tcpd_is_known_wherever_it_is(server: str, expected: bool) -> None:
    assert is_tcpd(server) is expected


def test_the_search_path_finds_programs_and_nothing_else() -> None:
    found = in_search_path("sh")
    assert found is not None
    assert found.endswith("/sh")
    assert in_search_path("no-such-program-1") is None
