"""Programs under options of hosts.allow and hosts.deny: setenv, umask, nice, user, group, twist."""

import errno
import os
import pwd
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.launching import identity, launch, receive, running
from helpers.ruling import PEER, Rules, builtin, output, service
from superd.config.model import Credentials, ResourceLimit, Service, SocketType
from superd.privsep.messages import Exited, Failed, RuledLaunch, Started

ROOT = Credentials(user="root", uid=0, gid=0, groups=(4, 24))
NOBODY = pwd.getpwnam("nobody")


@pytest.fixture
def rules(open_path: Path) -> Rules:
    return Rules(open_path)


def said(
    rules: Rules, script: str, allow: str = "", deny: str = "", as_: Credentials | None = None
) -> list[str]:
    """What a program says that is started under these files."""
    return answered(rules, service(action=script), allow, deny, as_)


def answered(
    rules: Rules, of: Service, allow: str = "", deny: str = "", as_: Credentials | None = None
) -> list[str]:
    request = rules.launch(allow, deny, of.key)
    with running(of, rules=rules.folder, credentials=as_) as launcher:
        worker = launcher.attach()
        lines = output(launcher, worker, request)
        assert receive(worker, Started).conn == request.conn
        assert receive(worker, Exited).status == 0
    return lines


def refused(rules: Rules, request: RuledLaunch, as_: Credentials | None = None) -> int:
    """The errno that this request is answered with; nothing is said to the client."""
    with running(service(action="echo started"), rules=rules.folder, credentials=as_) as launcher:
        worker = launcher.attach()
        assert output(launcher, worker, request) == []
        return receive(worker, Failed).errno


@pytest.mark.parametrize(
    ("option", "variable", "value"),
    [
        ("setenv X plain", "X", "plain"),
        ("setenv X  two words ", "X", "two words"),
        ("setenv=X after an equals sign", "X", "after an equals sign"),
        ("setenv X", "X", ""),
        ("setenv X %a\\:%r", "X", "192.0.2.7:40000"),
        ("setenv X %A\\:%R %d", "X", "198.51.100.1:13 svc"),
        ("setenv X %n %u", "X", "client.example alice"),
        ("setenv X %h", "X", "192.0.2.7"),
        ("rfc931: setenv X %c %N", "X", "alice@192.0.2.7 server.example"),
        ("setenv X one: setenv X two", "X", "two"),
        ("setenv PATH /nowhere", "PATH", "/nowhere"),
        ("setenv REMOTE_HOST %n", "REMOTE_HOST", "client.example"),
        ("setenv X caf\xe9 \xc3\xa9", "X", "caf\xe9 \xc3\xa9"),
    ],
)
def test_setenv_sets_a_variable_over_whatever_was_configured(
    rules: Rules, option: str, variable: str, value: str
) -> None:
    script = f'printf "%s\\n" "${{{variable}-unset}}"'
    assert said(rules, script, f"svc: ALL: {option}\n") == [value]


@pytest.mark.parametrize("name", ["REMOTE_ADDR", "TCPREMOTEIP", "TCPLOCALPORT", "SERVICE", "PROTO"])
def test_setenv_leaves_the_facts_of_the_connection_alone(rules: Rules, name: str) -> None:
    expected = {
        "REMOTE_ADDR": PEER.host, "TCPREMOTEIP": PEER.host, "TCPLOCALPORT": str(PEER.local_port),
        "SERVICE": "svc", "PROTO": "TCP",
    }  # fmt: skip
    assert said(rules, f'echo "${name} $X"', f"svc: ALL: setenv {name} lie: setenv X yes\n") == [
        f"{expected[name]} yes"
    ]


@pytest.mark.parametrize("option", ["setenv %u x", "setenv %u"])
def test_a_client_cannot_make_a_name_that_sets_another_variable(rules: Rules, option: str) -> None:
    """The rules refuse such a client, so an honest worker never asks."""
    request = replace(rules.launch(f"svc: ALL: {option}\n"), user="LD_PRELOAD=/tmp/x.so")
    assert refused(rules, request) == errno.ESTALE


@pytest.mark.parametrize(("option", "expected"), [("umask 077", "0077"), ("umask 02: umask 027", "0027")])
def test_umask_is_the_programs(rules: Rules, option: str, expected: str) -> None:
    assert said(rules, "umask", f"svc: ALL: {option}\n") == [expected]


@pytest.mark.parametrize(
    ("option", "added"), [("nice", 10), ("nice 3", 3), ("nice 3: nice +4", 7), ("nice 99", 19)]
)
def test_nice_is_added(rules: Rules, option: str, added: int) -> None:
    expected = min(os.nice(0) + added, 19)
    assert said(rules, "nice", f"svc: ALL: {option}\n") == [str(expected)]


def test_niceness_that_cannot_be_lowered_stays_and_the_client_is_served(rules: Rules) -> None:
    expected = [str(os.nice(0))]
    assert said(rules, "nice", "svc: ALL: nice -5\n", as_=identity()) == expected


@pytest.mark.root
def test_root_may_lower_it(rules: Rules) -> None:
    expected = [str(max(os.nice(0) - 5, -20))]
    assert said(rules, "nice", "svc: ALL: nice -5\n", as_=ROOT) == expected


def test_the_next_client_without_rules_has_none_of_it(rules: Rules) -> None:
    request = rules.launch("svc: ALL: umask 077: nice 5: setenv X yes\n")
    script = "umask; nice; echo ${X-unset}"
    with running(service(action=script), rules=rules.folder) as launcher:
        worker = launcher.attach()
        assert output(launcher, worker, request) == ["0077", str(os.nice(0) + 5), "yes"]
        assert output(launcher, worker, launch("svc", conn=2)) == ["0022", str(os.nice(0)), "unset"]


def test_a_rule_that_aclexec_made_pass_counts_before_that_of_the_other_file(rules: Rules) -> None:
    """libwrap carries options out as it reaches them, so those of hosts.allow come first."""
    allow = "svc: ALL: setenv A allow: setenv B allow: umask 077: aclexec /bin/false\n"
    deny = "svc: ALL: setenv B deny: nice 1: allow\n"
    script = 'echo "$A $B"; umask; nice'
    assert said(rules, script, allow, deny) == ["allow deny", "0077", str(os.nice(0) + 1)]


@pytest.mark.root
@pytest.mark.parametrize(
    ("option", "ids"),
    [
        ("user nobody", f"{NOBODY.pw_uid} {NOBODY.pw_gid} {NOBODY.pw_gid}"),
        ("user games.mail", "5 8 8"),
        ("group mail", "0 8 8"),
        ("group mail: user games", "5 8 8"),
        ("user games: user daemon", "1 1 1"),
    ],
)
def test_a_launcher_that_is_root_changes_ids(rules: Rules, option: str, ids: str) -> None:
    """On Debian's libwrap the options do nothing for a service: they were meant to."""
    script = 'echo "$(id -u) $(id -g) $(id -G)"; grep CapEff /proc/self/status'
    first, capabilities = said(rules, script, f"svc: ALL: {option}\n", as_=ROOT)
    assert first == ids
    if not ids.startswith("0 "):
        assert capabilities.split()[1].strip("0") == ""


@pytest.mark.root
@pytest.mark.parametrize("option", ["user games", "group mail", "user nobody.mail", "user root"])
def test_any_other_launcher_refuses_the_client(rules: Rules, option: str) -> None:
    assert refused(rules, rules.launch(f"svc: ALL: {option}\n")) == errno.EPERM


def test_ids_that_are_the_launchers_own_change_nothing(rules: Rules) -> None:
    account = pwd.getpwuid(identity().uid)
    if account.pw_gid != identity().gid:
        pytest.skip("the caller's group is not that of passwd(5)")
    assert said(rules, "id -u", f"svc: ALL: user {account.pw_name}\n", as_=identity()) == [
        str(account.pw_uid)
    ]


def test_twist_serves_the_client_instead_of_the_program(rules: Rules) -> None:
    assert said(rules, "echo program", "svc: ALL: twist echo go away %a from %d; cat /dev/null; umask\n") == [
        "go away 192.0.2.7 from svc",
        "0022",
    ]


def test_twist_talks_on_the_connection_under_the_programs_conditions(rules: Rules) -> None:
    limit = (ResourceLimit(resource="NOFILE", value=77),)
    action = service(action="exit 9").action
    of = service().model_copy(update={"action": action.model_copy(update={"limits": limit, "umask": 0o027})})
    twist = "umask; ulimit -n; echo $REMOTE_ADDR; [ -t 0 ] || readlink /proc/$$/fd/0 | cut -c1-7; echo $X"
    deny = f"svc: ALL: setenv X set: twist {twist.replace(':', chr(92) + ':')}\n"
    assert answered(rules, of, "", deny) == ["0027", "77", PEER.host, "socket:", "set"]


def test_twist_is_reported_like_a_program(rules: Rules) -> None:
    request = rules.launch("", "svc: ALL: twist exit 7\n")
    with running(service(), rules=rules.folder) as launcher:
        worker = launcher.attach()
        launcher.start(worker, request)
        pid = receive(worker, Started).pid
        ended = receive(worker, Exited)
    assert (ended.pid, os.waitstatus_to_exitcode(ended.status)) == (pid, 7)


def test_twist_serves_the_client_of_a_built_in_with_few_variables(rules: Rules) -> None:
    lines = answered(rules, builtin(), "", "svc: ALL: twist env\n")
    names = {line.partition("=")[0] for line in lines} - {"PWD", "OLDPWD", "SHLVL", "_"}
    assert names == {
        "PATH", "SERVICE", "PROTO", "REMOTE_HOST", "REMOTE_ADDR", "REMOTE_PORT", "LOCAL_ADDR", "LOCAL_PORT",
        "TCPREMOTEIP", "TCPREMOTEPORT", "TCPLOCALIP", "TCPLOCALPORT",
    }  # fmt: skip


def test_a_datagram_service_that_listens_everywhere_has_no_local_address(rules: Rules) -> None:
    """A rule may show the address that libwrap shows; the program is told facts only."""
    of = service(action='echo "${LOCAL_ADDR-unset} $X"').model_copy(update={"socket_type": SocketType.DGRAM})
    request = rules.launch("svc: ALL: setenv X %A\n")
    everywhere = replace(request, local_host="0.0.0.0")
    with running(of, rules=rules.folder) as launcher:
        assert output(launcher, launcher.attach(), everywhere) == ["unset 0.0.0.0"]
