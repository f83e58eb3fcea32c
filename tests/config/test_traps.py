"""Traps of xinetd's language: each has its code, and never leaves a service more open than it was meant to be."""

from pathlib import Path

import pytest

from helpers.configured import codes, defaults, loaded, services, stanza
from superd.config.model import Builtin

S = stanza()

LEFT_OUT = [
    ("misspelt restriction", stanza("onlyfrom = 10.0.0.1"), "misspelt-restriction"),
    ("misspelt access_times", stanza("acess_times = 9:00-17:00"), "misspelt-restriction"),
    ("a limit nobody knows", stanza("rlimit_nofile = 10"), "misspelt-restriction"),
    ("misspelt restriction in defaults", defaults("only_form = 10.0.0.1") + S, "defaults-unusable"),
    ("disabled in a service", stanza("disabled = yes"), "disabled-in-service"),
    ("bad value, then disable = no", stanza("nice = abc", "disable = no"), "not-revived"),
    ("user set twice", stanza("user = root"), "set-differently"),
    ("disable set twice", stanza("disable = no", "disable = yes"), "set-differently"),
    ("+= on user", stanza("user += nobody", without="user"), "operator-not-allowed"),
    ("-= on flags", stanza("flags -= IPv4"), "operator-not-allowed"),
    ("one word for cps", stanza("cps = 5"), "wrong-count"),
    ("two addresses for bind", stanza("bind = 127.0.0.1 127.0.0.2"), "wrong-count"),
    ("negative cps", stanza("cps = -1 3"), "negative-rate"),
    ("no_access that can't be read", stanza("no_access = 10.0.0.1-10.0.0.9"), "no-access-unreadable"),
    ("no_access with commas", stanza("no_access = 10.0.0.1,10.0.0.2"), "bad-value"),
    (
        "unknown attribute of a sensor",
        stanza("flags = SENSOR", "acess_times = 1:0-2:0"),
        "misspelt-restriction",
    ),
    (
        "a misspelt option of a built-in sensor",
        stanza("flags = SENSOR", "no_acess = 10.0.0.1", name="echo", type="INTERNAL UNLISTED"),
        "misspelt-restriction",
    ),
    ("a negative deny_time", stanza("flags = SENSOR", "deny_time = -5"), "odd-value"),
    ("bad rate in defaults", defaults("rate = 10") + S, "bad-default"),
    ("bad address_rule in defaults", defaults("address_rule = best") + S, "bad-default"),
    ("bad paranoid in defaults", defaults("paranoid = maybe") + S, "bad-default"),
    ("IPv4 address with IPv6 flag", stanza("bind = 127.0.0.1", "flags = IPv6"), "bind-family-conflict"),
    ("IPv6 address with IPv4 flag", stanza("bind = ::1", "flags = IPv4"), "bind-family-conflict"),
    ("address list of a wait service", stanza("no_access = 10.0.0.1", wait="yes"), "wait-with-addresses"),
    (
        "only_from -= finds nothing",
        stanza("only_from = 10.0.0.0/8", "only_from -= 10.1.1.1"),
        "nothing-removed",
    ),
    ("restriction only a service can have", defaults("access_times = 9:00-17:00") + S, "defaults-blocked"),
    ("defaults set twice", defaults("instances = 3", "instances = 4") + S, "defaults-blocked"),
    ("bad limit in defaults", defaults("instances = abc") + S, "bad-default"),
    ("bad operator in defaults", defaults("instances : 3") + S, "defaults-unusable"),
    ("defaults without a brace", "defaults\n\tonly_from = 10.0.0.1\n}\n" + S, "defaults-unusable"),
    ("defaults without an end", "defaults\n{\n\tonly_from = 10.0.0.1\n" + S, "defaults-unusable"),
    ("misspelt defaults", "default\n{\n\tonly_from = 10.0.0.1\n}\n" + S, "defaults-unusable"),
    ("attribute behind the end", S + "only_from = 10.0.0.1\n}\n", "attribute-outside"),
    ("no blank before =", stanza("only_from=10.0.0.1"), "no-blank-before-operator"),
    (
        "glued word in a one-line stanza",
        S.replace("\n", " ").replace("}", "only_from=10.0.0.1 }"),
        "no-blank-before-operator",
    ),
    (
        "id in disabled misspelt",
        defaults("disabled = sterver") + stanza(name="server"),
        "disabled-unknown-id",
    ),
    ("disabled by name", defaults("disabled = s") + stanza("id = other"), "disabled-unknown-id"),
    ("unknown flag", stanza("flags = IPv5"), "bad-value"),
    ("zero max_load", stanza("max_load = 0"), "bad-value"),
    ("server that is a directory", stanza(server="/etc"), "server-directory"),
    ("missing server", stanza(server="/bin/none"), "server-missing"),
    ("not in services(5)", stanza(without="type"), "not-listed"),
    ("another port than services(5)", stanza(name="telnet", without="type"), "port-differs"),
    ("a missing brace", "service a\n{\n\tport = 1\n", "missing-close-brace"),
    ("an inetd.conf line", "ftp stream tcp nowait root /bin/cat cat\n", "inetd-line"),
    (
        "tcpd without NAMEINARGS",
        stanza("server_args = in.telnetd", server="/usr/sbin/tcpd"),
        "tcpd-without-program",
    ),
    (
        "tcpd in front of nothing",
        stanza("flags = NAMEINARGS", "server_args = in.none", server="/usr/sbin/tcpd"),
        "tcpd-without-program",
    ),
    ("a number that wraps around", stanza("instances = 99999999999"), "odd-value"),
    ("a load that is never reached", stanza("max_load = inf"), "odd-value"),
    ("a negative limit", stanza("rlimit_cpu = -1"), "odd-value"),
    ("a negative size", stanza("log_type = FILE /tmp/log -5"), "odd-value"),
    ("a setting without a name", stanza("env = =x"), "odd-value"),
    ("an octet that carries over", stanza("only_from = 127.0.0.{300}"), "odd-value"),
    ("braces around nothing", stanza("only_from = 127.0.0.{}"), "bad-value"),
    ("a pause without an end", stanza("cps = 10 -5"), "negative-rate"),
    ("a log that is a directory", stanza("log_type = FILE /tmp"), "log-file"),
    ("groups of a number", stanza("groups = yes", user="54321"), "groups-without-account"),
    ("a log_type without words in defaults", defaults("log_type = STDOUT") + S, "bad-default"),
    (
        "own addresses on a Unix socket",
        stanza("bind = /run/x", "only_from = 10.0.0.1", protocol="unix"),
        "unix-with-addresses",
    ),
]


@pytest.mark.parametrize(
    ("text", "code"), [case[1:] for case in LEFT_OUT], ids=[case[0] for case in LEFT_OUT]
)
def test_a_trap_keeps_the_service_from_starting(text: str, code: str) -> None:
    assert code in codes(text)
    assert [service for service in services(text).values() if not service.unsupported] == []


TOLERATED = [
    ("brace on the same line", stanza().replace("\n{", " {", 1), "brace-not-alone"),
    ("brace glued to the name", stanza().replace("\n{", "{", 1), "brace-not-alone"),
    ("whole stanza on one line", S.replace("\n", " "), "brace-not-alone"),
    ("CR LF", S.replace("\n", "\r\n"), "carriage-return"),
    ("comment behind a value", stanza(user="nobody # run as nobody"), "trailing-comment"),
    ("comment behind a brace", S.replace("}", "} # end"), "comment-after-brace"),
    ("quotes", stanza('env = "A=1"'), "quoted-value"),
    ("RECORD", stanza("log_on_failure = HOST RECORD"), "record-ignored"),
    ("TRAFFIC", stanza("log_on_success = HOST TRAFFIC"), "traffic-ignored"),
    ("an unknown word", stanza("frobnicate = yes"), "unknown-attribute"),
    ("a misspelt log attribute", stanza("log_on_failer = HOST"), "unknown-attribute"),
    ("user in defaults", defaults("user = root") + S, "not-in-defaults"),
    ("harmless flags in defaults", defaults("flags = REUSE") + S, "not-in-defaults"),
    ("the same value twice", stanza("user = nobody"), "set-twice"),
    ("plain attribute twice", stanza("server_args = a", "server_args = b"), "set-twice"),
    ("garbage in front of a stanza", "hello world\n" + S, "unknown-keyword"),
    ("a brace too many", "}\n" + S, "stray-brace"),
    ("stanza without a brace before", "service a\n\tport = 1\n}\n" + S, "missing-open-brace"),
    ("stanza without an end before", "service a\n{\n\tport = 1\n" + S, "missing-close-brace"),
    ("include without a path", "include\n" + S, "include-without-path"),
    ("missing include", "include /nonexistent/file\n" + S, "unreadable-include"),
    ("missing includedir", "includedir /nonexistent\n" + S, "unreadable-include"),
    ("a second defaults", defaults("instances = 3") + defaults("umask = 22") + S, "second-defaults"),
    ("defaults behind services", S + defaults("only_from = 10.0.0.1"), "late-defaults"),
    ("only_from that can't be read", stanza("only_from = 10.0.0.1 256.1.1.1"), "only-from-unreadable"),
    ("all of IPv4 on both families", stanza("only_from = 0.0.0.0/0"), "ipv4-only-pattern"),
    ("zeros at the end", stanza("only_from = 127.0.0.0"), "trailing-zeros"),
    ("v6only = no", stanza("v6only = no"), "v6only-no"),
    ("v6only in defaults", defaults("v6only = yes") + S, "v6only-default"),
    ("IPv6 flag", stanza("flags = IPv6"), "ipv6-serves-ipv4"),
    ("load with text", stanza("max_load = 2.5xyz"), "number-with-text"),
    ("INTERCEPT without wait", stanza("flags = INTERCEPT"), "intercept-ignored"),
    ("a path in passenv", stanza("passenv = /usr/bin"), "passenv-unset"),
    ("missing banner", stanza("banner = /nonexistent"), "banner-unreadable"),
    ("an unknown id", defaults("disabled = rstatd") + S, "unknown-id"),
    ("second list", stanza("only_from = 10.0.0.1", "only_from = 10.0.0.2"), "list-replaced"),
    ("comment among arguments", stanza("server_args = -x # y"), "comment-in-arguments"),
    ("limit of zero", stanza("rlimit_as = 0"), "limit-zero"),
    ("short address", stanza("bind = 127.1"), "short-address"),
    ("NAMEINARGS too late", stanza("server_args = cat", "flags = NAMEINARGS"), "late-arguments-flag"),
    ("datagrams without wait", stanza(socket_type="dgram", protocol="udp"), "datagram-nowait"),
    ("every IPv6 address, on IPv4", stanza("bind = 10.0.0.1", "only_from = ::/0"), "address-remark"),
    ("a mapped address, on IPv4", stanza("flags = IPv4", "only_from = ::ffff:10.0.0.1"), "address-remark"),
    ("a flag that is not held", stanza("log_on_success -= FOO"), "log-flag-not-held"),
    ("an id that is taken out", defaults("disabled = s", "disabled -= s") + S, "minus-removes"),
    (
        "tcpd that is missing",
        stanza("flags = NAMEINARGS", "server_args = in.telnetd", server="/usr/local/tcpd/bin/tcpd"),
        "tcpd-missing",
    ),
]


@pytest.mark.parametrize(
    ("text", "code"), [case[1:] for case in TOLERATED], ids=[case[0] for case in TOLERATED]
)
def test_what_is_clear_is_tolerated_with_a_diagnostic(text: str, code: str) -> None:
    assert code in codes(text)
    assert "s" in services(text)


def test_a_working_configuration_has_no_diagnostics() -> None:
    text = defaults("instances = 60", "log_type = SYSLOG authpriv", "only_from = 10.0.0.0/8") + stanza(
        "only_from += 192.0.2.1", "log_on_success =", "flags = REUSE", "passenv = PATH"
    )
    assert codes(text) == []


def test_a_comment_behind_disable_is_reported_though_it_switches_the_service_off() -> None:
    text = stanza("disable = yes # for now", "nice = abc")
    assert (codes(text), services(text)) == (["trailing-comment"], {})


def test_a_bad_bind_in_defaults_is_reported_though_no_service_takes_it(tmp_path: Path) -> None:
    found = loaded(tmp_path, defaults("bind = 10.0.0.256.1") + stanza("bind = 127.0.0.1"))
    assert [each.code for each in found.report.diagnostics] == ["bad-default"]
    assert len(found.config.services) == 1


def test_a_built_in_needs_no_server_and_its_name_no_case() -> None:
    text = stanza(name="ECHO", server="/nonexistent", type="INTERNAL UNLISTED")
    action = services(text)["ECHO"].action
    assert isinstance(action, Builtin)
    assert (action.name, codes(text)) == ("echo", ["internal-server-missing"])


def test_a_load_may_have_an_exponent() -> None:
    limit = services(stanza("max_load = 1e1"))["s"].limits.max_load
    assert limit is not None
    assert limit.value == 10


def test_problems_of_a_service_that_is_off_are_not_reported() -> None:
    assert codes(stanza("disable = yes", "nice = abc", "bogus")) == []


def test_a_comment_never_becomes_an_address() -> None:
    service = services(stanza("only_from = 10.0.0.0/8 # restrict to localhost please"))["s"]
    assert [pattern.text for pattern in service.access.only_from or ()] == ["10.0.0.0/8"]


def test_a_limit_with_a_comment_holds() -> None:
    service = services(stanza("per_source = 10 # per address"))["s"]
    assert service.limits.per_source is not None
    assert service.limits.per_source.value == 10


def test_a_second_no_access_adds_to_the_first() -> None:
    service = services(stanza("no_access = 10.0.0.1", "no_access = 10.0.0.2"))["s"]
    assert [pattern.text for pattern in service.access.no_access or ()] == ["10.0.0.1", "10.0.0.2"]


def test_an_address_in_only_from_that_can_not_be_read_leaves_the_others() -> None:
    service = services(stanza("only_from = 10.0.0.1 256.1.1.1"))["s"]
    assert [pattern.text for pattern in service.access.only_from or ()] == ["10.0.0.1"]


def test_only_from_of_nothing_but_unreadable_words_admits_nobody() -> None:
    assert services(stanza("only_from = 256.1.1.1"))["s"].access.only_from == ()


def test_a_bad_default_spares_services_that_set_it_themselves() -> None:
    found = services(defaults("instances = abc") + stanza() + stanza("instances = 3", name="t", port="4701"))
    assert list(found) == ["t"]


def test_the_suggestion_names_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    from superd.config.origin import Report

    report = Report()
    services(stanza("acess_times = 9:00-17:00"), report)
    assert report.diagnostics[0].hint == "did you mean access_times?"
    assert str(report.diagnostics[0].origin) == "test.conf:10"
