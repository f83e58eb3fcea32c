"""A later entry replaces an earlier one; families are shared out."""

import pytest

from helpers.inetd_reading import codes, read, words

CAT = "nowait root /bin/cat"


def _listening(text: str) -> tuple[list[tuple[str, str, str]], list[tuple[str, int, str]]]:
    services, report = read(text)
    found = []
    for service in services:
        attributes = words(service)
        families = [word for word in attributes["flags"].split() if word.startswith("IPv")]
        found.append((attributes["server_args"], attributes.get("bind", ""), " ".join(families)))
    return found, codes(report)


DUPLICATE = ("warning", 2, "duplicate-entry")


@pytest.mark.parametrize(
    ("first", "second", "expected", "warnings"),
    [
        ("7 stream tcp", "7 stream tcp", [("b", "", "")], [DUPLICATE]),
        ("7 stream tcp6", "7 stream tcp6", [("b", "", "IPv6")], [DUPLICATE]),
        ("7 stream tcp", "7 stream tcp6", [("a", "", "IPv4"), ("b", "", "IPv6")], []),
        ("7 stream tcp", "7 stream tcp4", [("a", "", "IPv6"), ("b", "", "IPv4")], []),
        ("7 stream tcp6", "7 stream tcp", [("a", "", "IPv6"), ("b", "", "IPv4")], [("warning", 2, "family-kept")]),
        ("7 stream tcp", "7 dgram udp", [("a", "", ""), ("b", "", "")], []),
        ("7 stream tcp", "127.0.0.1:7 stream tcp", [("a", "", ""), ("b", "127.0.0.1", "")], []),
        ("127.0.0.1,::1:7 stream tcp", "::1:7 stream tcp6",
         [("a", "127.0.0.1", "IPv4"), ("b", "::1", "IPv6")], []),
        ("::1:7 stream tcp6", "127.0.0.1,::1:7 stream tcp",
         [("a", "::1", "IPv6"), ("b", "127.0.0.1", "IPv4")], [("warning", 2, "family-kept")]),
        ("/run/a stream unix", "/run/a stream unix", [("b", "/run/a", "")], [DUPLICATE]),
        ("/run/a stream unix", "/run/b stream unix", [("a", "/run/a", ""), ("b", "/run/b", "")], []),
    ],
)  # fmt: skip
def test_two_entries(
    first: str, second: str, expected: list[tuple[str, str, str]], warnings: list[tuple[str, int, str]]
) -> None:
    found, diagnostics = _listening(f"{first} {CAT} a\n{second} {CAT} b\n")
    assert found == expected
    assert diagnostics == warnings


def test_a_kept_family_is_not_worth_a_warning_when_both_entries_do_the_same() -> None:
    text = f"7 stream tcp6 {CAT} a\n7 stream tcp {CAT} a\n"
    assert _listening(text) == ([("a", "", "IPv6"), ("a", "", "IPv4")], [])


def test_the_warning_names_what_was_replaced() -> None:
    _, report = read(f"7 stream tcp {CAT} a\n\n7 stream tcp {CAT} b\n")
    assert "7/tcp at inetd.conf:1" in report.diagnostics[0].text


def test_rpc_versions_and_tcpmux_clients_are_told_apart() -> None:
    text = (
        "x/1 dgram rpc/udp wait root /bin/cat\nx/2 dgram rpc/udp wait root /bin/cat\n"
        f"tcpmux/x stream tcp {CAT}\nx stream tcp {CAT}\n"
    )
    services, report = read(text)
    assert len(services) == 4
    assert report.diagnostics == []


def test_a_switched_off_entry_replaces_nothing() -> None:
    services, report = read(f"7 stream tcp {CAT} a\n#<off># 7 stream tcp {CAT} b\n", switched_off=True)
    assert len(services) == 2
    assert report.diagnostics == []
