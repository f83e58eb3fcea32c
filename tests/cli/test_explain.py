"""``superd explain``: the verdict, the rule behind it, and what the program would be given."""

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers.explaining import LINE, Question
from helpers.stanza import internal
from superd.access.facts import PARANOID, UNKNOWN
from superd.lookup import names

ROOT = Path(__file__).parents[2]
CLIENT = ("cat", "10.1.2.3:1234")


@dataclass(frozen=True)
class Case:
    """``lines`` are added to the stanza, from ``LINE`` on; ``line`` is where the rule stands."""

    name: str
    verdict: str
    rule: str
    line: int | None = None
    lines: tuple[str, ...] = ()
    allow: str = ""
    deny: str = ""
    options: tuple[str, ...] = ()


def of_stanza(name: str, line: str, verdict: str, *options: str, rule: str = "") -> Case:
    """A case of one attribute."""
    return Case(name, verdict, rule or line.replace(" =", ""), LINE, lines=(line,), options=options)


def of_files(name: str, allow: str, verdict: str, *options: str, rule: str = "") -> Case:
    """A case of one line of hosts.allow; hosts.deny refuses everybody else."""
    rule = rule or ("ALL: ALL" if verdict == "deny" else allow)
    return Case(name, verdict, rule, 1, allow=f"{allow}\n", deny="ALL: ALL\n", options=options)


CASES = [
    Case("nothing refuses", "allow", ""),
    of_stanza("only_from", "only_from = 10.0.0.0/8", "allow"),
    of_stanza("not in only_from", "only_from = 192.0.2.1", "deny", rule="only_from"),
    of_stanza("no_access", "no_access = 10.1.2.3", "deny"),
    of_stanza("a name in only_from", "only_from = .x", "allow", "--name=gw.x"),
    of_stanza("no name", "only_from = .x", "deny", "--name=unknown", rule="only_from"),
    of_stanza("a paranoid name", "only_from = .x", "deny", "--name=paranoid", rule="only_from"),
    of_stanza("too late", "access_times = 8:00-9:00", "deny", "--at=10:00"),
    of_stanza("in time", "access_times = 8:00-9:00", "allow", "--at=08:30"),
    of_stanza("no instances", "instances = 0", "deny", rule="instances = 0"),
    of_files("hosts.allow", "cat: 10.1.", "allow"),
    of_files("hosts.deny", "cat: 10.2.", "deny"),
    of_files("twist", "cat: ALL: twist /bin/echo %a", "twist"),
    of_files("a user", "cat: bob@10.1.", "allow", "--user=bob"),
    of_files("another user", "cat: bob@10.1.", "deny", "--user=eve"),
    of_files("user unknown", "cat: KNOWN@10.1.", "deny"),
    of_files("another address of ours", "cat@10.9.9.9: ALL", "allow", "--to=10.9.9.9"),
    of_files("another port of ours", "9: ALL", "allow", "--to=10.9.9.9:9"),
    of_files("aclexec", "cat: ALL: aclexec x", "allow", "--aclexec=yes"),
    of_files("aclexec fails", "cat: ALL: aclexec x", "deny", "--aclexec=no"),
    of_files("a wrong option", "cat: ALL: x", "deny", rule='cat: ALL: x (bad option name: "x")'),
    Case("IDONLY", "deny", "flags = IDONLY", 1, lines=("flags = IDONLY", "log_on_success = USERID")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))
def test_the_verdict_and_the_rule_that_decides(question: Question, case: Case) -> None:
    question.configure(*case.lines)
    question.rules(case.allow, case.deny)
    answer = question.answer(*CLIENT, *case.options)
    assert (answer["verdict"], answer["rule"], answer["line"]) == (case.verdict, case.rule, case.line)
    assert question.ask(*CLIENT, *case.options) == (1 if case.verdict == "deny" else 0)


def test_the_answer_for_a_person(question: Question) -> None:
    question.configure("cps = 50 10", "log_type = SYSLOG daemon", "log_on_success = PID HOST")
    question.rules("cat: .example: setenv B %n: umask 077: spawn touch /x\n")
    assert question.ask(*CLIENT, "--name=gw.example", "--at=2026-03-04T05:06", "--aclexec=yes") == 0
    conf, allow = question.place("x.conf"), question.place("hosts.allow")
    rule = "cat: .example: setenv B %n: umask 077: spawn touch /x"
    shown = question.out.replace(conf, "CONF").replace(allow, "ALLOW")
    assert (
        re.sub(r"user .*", "user ...", shown)
        == f"""\
ALLOWED  10.1.2.3:1234 to cat at 127.0.0.1:4700, Wed 2026-03-04 05:06
rule     ALLOW:1: {rule}
steps    connections per second  passed       cps = 50 10  (CONF:14)  [needs the daemon's counters; counted as none]
         libwrap                 passed       {rule}  (ALLOW:1)
         not configured: load, time, service_limit, per_source_limit, address, ident
lookups  the client's host name: gw.example  (given)
options  setenv B gw.example  (ALLOW:1)
         umask 077  (ALLOW:1)
         spawn touch /x  (ALLOW:1)
given    path /bin/cat
         argv cat -n
         user ...
         umask 077, nice 0
         env  A=1
         env  B=gw.example
         env  LOCAL_ADDR=127.0.0.1
         env  LOCAL_PORT=4700
         env  PROTO=TCP
         env  REMOTE_ADDR=10.1.2.3
         env  REMOTE_HOST=10.1.2.3
         env  REMOTE_PORT=1234
         env  SERVICE=cat
         env  TCPLOCALIP=127.0.0.1
         env  TCPLOCALPORT=4700
         env  TCPREMOTEIP=10.1.2.3
         env  TCPREMOTEPORT=1234
log      connection.start service=cat peer=10.1.2.3 peer_port=1234 local=127.0.0.1 local_port=4700 name=gw.example \
rule="ALLOW:1: {rule}"
         START: cat pid=... from=10.1.2.3
"""
    )


def test_a_refusal_gives_nothing_and_names_the_steps_behind_it(question: Question) -> None:
    question.configure("only_from = 192.0.2.1", "log_type = SYSLOG daemon", "log_on_failure = HOST")
    answer = question.answer(*CLIENT)
    states = {each["step"]: each["state"] for each in answer["steps"]}
    assert (states["address"], states["libwrap"], states["load"]) == (
        "refused",
        "not reached",
        "not configured",
    )
    assert (answer["program"], answer["step"]) == (None, "address")
    assert answer["log"][1] == "FAIL: cat address from=10.1.2.3"


def test_nothing_of_a_rule_is_carried_out(question: Question) -> None:
    made = question.folder / "made"
    question.rules(f"cat: ALL: spawn touch {made}: aclexec touch {made}: twist touch {made}\n")
    assert question.ask(*CLIENT) == 0
    assert not made.exists()


def test_both_outcomes_of_a_command_are_shown_when_none_is_named(question: Question) -> None:
    question.rules("cat: ALL: aclexec check %a\n", "ALL: ALL\n")
    assert [(each["aclexec"], each["verdict"]) for each in question.answers(*CLIENT)] == [
        (True, "allow"),
        (False, "deny"),
    ]
    assert question.ask(*CLIENT) == 1
    assert "if aclexec says no" in question.out
    assert "aclexec check 10.1.2.3: yes  (assumed; the command is not run)" in question.out


def test_a_twist_is_planned_with_the_programs_user(question: Question) -> None:
    question.rules("cat: ALL: setenv B 1: twist /bin/echo go away %a\n")
    program = question.answer(*CLIENT)["program"]
    assert (program["path"], program["argv"]) == ("/bin/sh", ["sh", "-c", "/bin/echo go away 10.1.2.3"])
    assert program["environment"]["B"] == "1"


@pytest.mark.root
def test_a_rule_may_name_another_user(question: Question) -> None:
    question.rules("cat: ALL: user daemon: group nogroup\n")
    question.configure("user = root")
    text = (question.folder / "x.conf").read_text().replace("\tuser = nobody\n", "", 1)
    (question.folder / "x.conf").write_text(text)
    program = question.answer(*CLIENT)["program"]
    assert (program["user"], program["uid"], program["gid"]) == ("daemon", 1, 65534)


def test_what_the_launcher_would_refuse_is_refused(question: Question) -> None:
    question.rules("cat: ALL: user root\n")
    answer = question.answer(*CLIENT)
    assert (answer["verdict"], answer["step"], answer["line"], answer["program"]) == ("deny", "fork", 1, None)
    assert "only a launcher that runs as root can change ids" in answer["rule"]
    assert answer["log"][0].startswith("rule.failed service=cat peer=10.1.2.3 ")


def test_what_a_rule_wants_and_does_not_get_is_said(question: Question) -> None:
    question.rules("cat: ALL: setenv TCPREMOTEIP x\n")
    program = question.answer(*CLIENT)["program"]
    assert program["environment"]["TCPREMOTEIP"] == "10.1.2.3"
    assert "setenv can't set TCPREMOTEIP" in program["trouble"][0]
    question.ask(*CLIENT)
    assert "given    not as the rule wants: setenv can't set TCPREMOTEIP" in question.out


def test_a_twist_of_a_built_in_is_planned_too(question: Question) -> None:
    question.configure(more=internal("echo", 4701))
    question.rules("echo: ALL: twist /bin/echo %d\n")
    program = question.answer("echo-stream", "10.1.2.3")["program"]
    assert program["argv"] == ["sh", "-c", "/bin/echo echo"]
    assert program["uid"] != 0 or os.geteuid() != 0


def test_a_built_in_is_named_with_its_options(question: Question) -> None:
    question.configure(more=internal("echo", 4701))
    answer = question.answer("echo-stream", "10.1.2.3")
    assert (answer["builtin"]["name"], answer["program"], answer["redirect"]) == ("echo", None, None)
    question.ask("echo", "10.1.2.3")
    assert "given    built-in echo" in question.out
    assert "the client's port was not given" in question.out


@pytest.mark.parametrize(
    ("client", "host", "port"),
    [
        ("10.1.2.3", "10.1.2.3", 0),
        ("10.1.2.3:99", "10.1.2.3", 99),
        ("2001:db8::1", "2001:db8::1", 0),
        ("2001:DB8:0::1", "2001:db8::1", 0),
        ("[2001:db8::1]", "2001:db8::1", 0),
        ("[2001:db8::1]:99", "2001:db8::1", 99),
        ("::ffff:10.1.2.3", "10.1.2.3", 0),
        ("fe80::1%lo", "fe80::1%lo", 0),
        ("unix", "", 0),
    ],
)
def test_a_client_may_be_written_in_many_forms(question: Question, client: str, host: str, port: int) -> None:
    answer = question.answer("cat", client)
    assert (answer["client"], answer["client_port"]) == (host, port)


def test_a_client_of_a_family_that_the_service_does_not_hear_is_noted(question: Question) -> None:
    assert question.answer("cat", "2001:db8::1")["notes"] == [
        "the client's port was not given, and is 0 above",
        "the service has no IPv6 address to reach it at",
    ]
    assert question.answer(*CLIENT)["notes"] == []


def test_a_host_name_stands_for_each_of_its_addresses(question: Question) -> None:
    assert {each["client"] for each in question.answers("cat", "localhost")} <= {"127.0.0.1", "::1"}
    assert question.ask("cat", "localhost", "--no-lookup") == 2


@pytest.mark.parametrize("word", ["cat", "main", "in.catd"])
def test_a_service_is_found_by_name_id_or_daemon_name(question: Question, word: str) -> None:
    question.configure("id = main", "libwrap = in.catd")
    assert question.answer(word, "10.1.2.3")["service"] == "main"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["cta", "10.1.2.3"], "there is no service 'cta'; did you mean cat?"),
        (["zzzz", "10.1.2.3"], "there is no service 'zzzz' (superd list shows all)"),
        (["cat", "10.1.2"], "'10.1.2' is no address"),
        (["cat", "10.1.2.3:70000"], "there is no port 70000"),
        (["cat", "10.1.2.3", "--to=here"], "'here' is no address"),
        (["cat", "10.1.2.3", "--at=25:00"], "'25:00' is no time"),
        (["cat"], "explain wants either SERVICE and CLIENT, or --batch FILE"),
        (["cat", "10.1.2.3", "--batch=x"], "explain wants either SERVICE and CLIENT, or --batch FILE"),
    ],
)
def test_a_question_that_makes_no_sense_is_status_two(
    question: Question, words: list[str], complaint: str
) -> None:
    assert question.ask(*words) == 2
    assert complaint in question.err
    assert question.out == ""


@pytest.mark.parametrize(("text", "clock"), [("05:06", "05:06"), ("2026-03-04T05:06", "2026-03-04T05:06")])
def test_times_are_local(question: Question, text: str, clock: str) -> None:
    assert clock in question.answer(*CLIENT, f"--at={text}")["at"]


def test_a_name_that_was_not_given_is_looked_up(question: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def name(_self: names.Names, address: str, _seconds: float) -> names.Answer:
        asked.append(address)
        return names.Answer("gw.example")

    monkeypatch.setattr(names.Names, "name", name)
    question.rules("cat: .example\n", "ALL: ALL\n")
    answer = question.answer(*CLIENT)
    assert (answer["verdict"], asked) == ("allow", ["10.1.2.3"])
    assert answer["lookups"] == [
        {"what": "the client's host name", "answer": "gw.example", "how": "looked up"}
    ]
    assert question.answer(*CLIENT, "--no-lookup")["verdict"] == "deny"
    assert asked == ["10.1.2.3"]


def test_nobody_is_asked_when_no_rule_needs_it(question: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names.Names, "name", None)
    question.rules("cat: 10.1. .example\n", "ALL: ALL\n")
    assert question.answer(*CLIENT)["lookups"] == []


@pytest.mark.parametrize("name", [UNKNOWN, PARANOID])
def test_unknown_and_paranoid_are_names(question: Question, name: str) -> None:
    question.rules(deny=f"cat: {name.upper()}\n")
    assert question.answer(*CLIENT, f"--name={name}")["verdict"] == "deny"


def test_a_service_that_waits_does_not_see_its_clients(question: Question) -> None:
    text = (question.folder / "x.conf").read_text().replace("wait = no", "wait = yes")
    (question.folder / "x.conf").write_text(text)
    question.rules("cat: 10.1.\n", "ALL: ALL\n")
    answer = question.answer(*CLIENT)
    assert (answer["verdict"], answer["client"]) == ("deny", "")
    assert answer["notes"] == ["wait = yes: the program is started before anybody knows who the client is"]


def test_a_sensor_refuses_whom_it_admits(question: Question) -> None:
    question.configure("flags = SENSOR", "deny_time = 5")
    answer = question.answer(*CLIENT)
    assert (answer["verdict"], answer["step"], answer["rule"]) == ("deny", "address", "flags = SENSOR")
    assert answer["file"].endswith("x.conf")
    assert answer["line"] > 0
    assert [(step["rule"], step["state"]) for step in answer["steps"] if step["step"] == "address"] == [
        ("flags = SENSOR", "refused")
    ]
    assert "the list of banned clients is the daemon's; it was not asked" in answer["notes"]
    assert "banned from every service for 5 minutes" in answer["notes"][-1]


def test_broken_files_are_mentioned_and_do_not_keep_from_answering(question: Question) -> None:
    question.configure(more="service broken\n{\n}\n")
    question.rules("cat: 10.1.2.3/24\n", "ALL: ALL\n")
    assert question.ask(*CLIENT) == 1
    assert "the configuration has errors; superd check shows them" in question.err
    assert f"{question.place('hosts.allow')}:1: error: " in question.err


def test_the_keys_of_the_answer_are_those_of_the_manual(question: Question) -> None:
    text = (ROOT / "docs/explain.md").read_text().split("## JSON")[1]
    documented = {
        key for row in re.findall(r"^\| (`.+?) \|", text, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)
    }
    question.rules("cat: .x: setenv A b\n")
    answer = question.answer(*CLIENT, "--name=gw.x")
    assert set(answer) == documented
    for key in ("steps", "lookups", "options"):
        row = next(line for line in text.splitlines() if f"| `{key}` |" in line)
        assert set(answer[key][0]) <= set(re.findall(r"`(\w+)`", row))
    row = next(line for line in text.splitlines() if "| `program` |" in line)
    assert set(answer["program"]) <= set(re.findall(r"`(\w+)`", row))


def test_variables_that_this_command_inherited_are_only_named(
    question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPERD_TEST_SECRET", "inherited")
    text = (question.folder / "x.conf").read_text().replace("\tpassenv =\n", "")
    (question.folder / "x.conf").write_text(text)
    program = question.answer(*CLIENT)["program"]
    assert "SUPERD_TEST_SECRET" in program["inherited"]
    assert "SUPERD_TEST_SECRET" not in program["environment"]
    assert program["environment"]["A"] == "1"


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="no time zones")
def test_the_time_of_day_is_that_of_the_local_zone(
    question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    question.configure("access_times = 8:00-9:00")
    with monkeypatch.context() as patched:
        patched.setitem(os.environ, "TZ", "UTC-5")
        time.tzset()
        assert question.answer(*CLIENT, "--at=2026-03-04T08:30")["at"].endswith("+05:00")
        assert question.answer(*CLIENT, "--at=2026-03-04T08:30")["verdict"] == "allow"
        assert question.answer(*CLIENT, "--at=2026-03-04T08:30+00:00")["verdict"] == "deny"
    time.tzset()
