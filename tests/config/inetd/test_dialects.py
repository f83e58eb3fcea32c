"""Where the dialects of inetd.conf contradict each other."""

import pytest

from helpers.inetd_reading import codes, read, words
from superd.config.dialect import FACTS, Dialect

D = Dialect


def _found(text: str, dialect: Dialect) -> dict[str, str]:
    services, _ = read(text, dialect)
    return words(services[0])


def test_every_dialect_has_its_facts() -> None:
    assert set(FACTS) == set(Dialect)


@pytest.mark.parametrize("dialect", list(Dialect))
def test_plain_tcp_is_both_families_in_debian_and_ipv4_elsewhere(dialect: Dialect) -> None:
    flags = _found("echo stream tcp nowait root internal", dialect)["flags"]
    assert flags == ("NOLIBWRAP" if dialect is D.DEBIAN else "IPv4 NOLIBWRAP")


@pytest.mark.parametrize("dialect", list(Dialect))
def test_tcp6_is_both_families_in_inetutils_and_illumos_and_ipv6_elsewhere(dialect: Dialect) -> None:
    flags = _found("echo stream tcp6 nowait root internal", dialect)["flags"]
    assert flags == ("NOLIBWRAP" if dialect in {D.INETUTILS, D.ILLUMOS} else "IPv6 NOLIBWRAP")


@pytest.mark.parametrize(
    ("dialect", "argv"),
    [
        (D.DEBIAN, "cat 'a b' \"c"),
        (D.OPENBSD, "cat 'a b' \"c"),
        (D.BUSYBOX, "cat 'a b' \"c"),
        (D.ILLUMOS, "cat 'a b' \"c"),
    ],
)
def test_quotes_are_ordinary_characters(dialect: Dialect, argv: str) -> None:
    services, _ = read("7007 stream tcp nowait root /bin/cat cat 'a b' \"c", dialect)
    assert [word.value for word in services[0].server_args or ()] == argv.split(" ")


@pytest.mark.parametrize("dialect", [D.FREEBSD, D.NETBSD, D.INETUTILS])
def test_quotes_hold_words_together(dialect: Dialect) -> None:
    services, report = read("7007 stream tcp nowait root /bin/cat cat 'a b' \"\" x", dialect)
    assert [word.value for word in services[0].server_args or ()] == ["cat", "a b", "", "x"]
    assert report.diagnostics == []


def test_quotes_may_start_inside_a_word_only_in_netbsd() -> None:
    text = "7007 stream tcp nowait root /bin/cat cat x='a b'"
    assert _found(text, D.NETBSD)["server_args"] == "cat x=a b"
    assert _found(text, D.FREEBSD)["server_args"] == "cat x='a b'"


@pytest.mark.parametrize("dialect", [D.FREEBSD, D.NETBSD, D.INETUTILS])
def test_an_open_quote_drops_the_whole_entry(dialect: Dialect) -> None:
    services, report = read("7007 stream tcp nowait root /bin/cat cat 'a b", dialect)
    assert services == []
    assert codes(report) == [("error", 1, "bad-line")]


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_trailing_comment_ends_the_line_in_busybox_and_illumos_only(dialect: Dialect) -> None:
    argv = _found("7007 stream tcp nowait root /bin/cat cat # x", dialect)["server_args"]
    assert argv == ("cat" if dialect in {D.BUSYBOX, D.ILLUMOS} else "cat # x")


@pytest.mark.parametrize("dialect", list(Dialect))
def test_an_indented_line_continues_in_the_bsd_family_only(dialect: Dialect) -> None:
    services, report = read("7007 stream tcp nowait root /bin/cat cat\n\t-u x\n", dialect)
    continues = dialect not in {D.INETUTILS, D.BUSYBOX, D.ILLUMOS}
    assert words(services[0])["server_args"] == ("cat -u x" if continues else "cat")
    assert codes(report) == ([] if continues else [("error", 2, "too-few-fields")])


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_backslash_continues_in_busybox_and_debian(dialect: Dialect) -> None:
    argv = _found("7007 stream tcp nowait root /bin/cat cat \\\n -u\n", dialect)["server_args"]
    assert (argv == "cat -u") == (dialect in {D.BUSYBOX, D.DEBIAN})


@pytest.mark.parametrize(
    ("dialect", "user", "group"),
    [
        (D.DEBIAN, "a", "b"),
        (D.OPENBSD, "a", "b"),
        (D.NETBSD, "a", "b"),
        (D.INETUTILS, "a", "b"),
        (D.BUSYBOX, "a", "b"),
        (D.FREEBSD, "a.b", None),
        (D.ILLUMOS, "a.b", None),
    ],
)
def test_a_dot_divides_user_and_group_except_in_freebsd_and_illumos(
    dialect: Dialect, user: str, group: str | None
) -> None:
    found = _found("7007 stream tcp nowait a.b /bin/cat cat", dialect)
    assert (found["user"], found.get("group")) == (user, group)


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize(
    ("suffix", "attribute", "native"),
    [
        (".40", "rate_per_minute", {D.DEBIAN, D.OPENBSD, D.NETBSD, D.INETUTILS, D.BUSYBOX}),
        (":40", "rate_per_minute", {D.DEBIAN, D.NETBSD}),
        ("/40", "instances", {D.DEBIAN, D.FREEBSD}),
    ],
)
def test_a_limit_of_another_dialect_is_applied_with_a_warning(
    dialect: Dialect, suffix: str, attribute: str, native: set[Dialect]
) -> None:
    services, report = read(f"7007 stream tcp nowait{suffix} root /bin/cat cat", dialect)
    assert words(services[0])[attribute] == "40"
    assert codes(report) == ([] if dialect in native else [("warning", 1, "foreign-limit")])


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_missing_argv_is_the_basename_except_in_busybox(dialect: Dialect) -> None:
    argv = _found("7007 stream tcp nowait root /bin/cat", dialect)["server_args"]
    assert argv == ("/bin/cat" if dialect is D.BUSYBOX else "cat")


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_bare_server_name_is_looked_up_in_busybox_and_debian(dialect: Dialect) -> None:
    services, report = read("7007 stream tcp nowait root sh sh -c true", dialect)
    if dialect in {D.BUSYBOX, D.DEBIAN}:
        assert words(services[0])["server"].endswith("/sh")
    else:
        assert (services, codes(report)) == ([], [("error", 1, "relative-server")])


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_policy_line_refuses_what_it_would_protect_where_it_has_force(dialect: Dialect) -> None:
    text = "#@ in ipsec esp/require\necho stream tcp nowait root internal\n#@\ntime stream tcp nowait root internal\n"
    services, report = read(text, dialect)
    if dialect in {D.FREEBSD, D.NETBSD}:
        assert [service.name for service in services] == ["time"]
        assert codes(report) == [("error", 1, "ipsec-policy"), ("error", 2, "ipsec-policy")]
    else:
        assert [service.name for service in services] == ["echo", "time"]
        assert codes(report) == [("warning", 1, "ipsec-policy")]


def test_freebsd_closes_unix_sockets_unless_a_mode_is_written() -> None:
    assert _found("/run/x stream unix nowait root /bin/cat", D.FREEBSD)["socket_mode"] == "0200"
    assert _found(":::0600:/run/x stream unix nowait root /bin/cat", D.FREEBSD)["socket_mode"] == "0600"


def test_illumos_address_argument_is_refused_there_and_ordinary_elsewhere() -> None:
    text = "7007 stream tcp nowait root /bin/cat cat %A"
    assert codes(read(text, D.ILLUMOS)[1]) == [("error", 1, "percent-address")]
    assert _found(text, D.DEBIAN)["server_args"] == "cat %A"


@pytest.mark.parametrize("dialect", list(Dialect))
def test_key_values_are_known_in_netbsd_and_debian(dialect: Dialect) -> None:
    services, _ = read("7007 on protocol = tcp, wait = no, user = root, exec = /bin/cat;", dialect)
    assert len(services) == (1 if dialect in {D.NETBSD, D.DEBIAN} else 0)
