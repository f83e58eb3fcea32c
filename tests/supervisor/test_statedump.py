"""The state dump: what it says, and how it gets to its file."""

import os
import socket
import stat
from ipaddress import ip_network
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from helpers.endpoints import inet, service, unix
from superd.config.model import (
    Access,
    AddressPattern,
    Banners,
    Config,
    Credentials,
    FileTarget,
    Limits,
    Program,
    Rate,
    Redirect,
    ResourceLimit,
    Rpc,
    Sensor,
    Service,
    ServiceLog,
    SourceRate,
    SyslogTarget,
    TimeSpan,
    Unsupported,
)
from superd.config.origin import Origin
from superd.config.written import Written
from superd.privsep.messages import StateLine
from superd.processes import Listener
from superd.supervisor.collection import Collection
from superd.supervisor.statedump import Facts, open_descriptors, render, write, write_dump

HERE = Origin("super.conf", 3)
NOBODY = Credentials(user="nobody", uid=65534, gid=65534, groups=(4, 27), nice=5)

TELNET = Service.model_validate(
    service(
        "telnet", inet(2323, "0.0.0.0", nodelay=True, sndbuf=5000), inet(2323, "::"), line=12
    ).model_dump()
    | {
        "action": Program(
            path="/usr/sbin/in.telnetd",
            argv=("in.telnetd", "-a\x1b[2J\n", "none"),
            env=(("PATH", "/bin"), ("PASSWORD", "secret")),
            credentials=NOBODY,
            umask=0o27,
            limits=(ResourceLimit(resource="CPU", value=20), ResourceLimit(resource="AS", value=None)),
        ),
        "access": Access(
            only_from=(
                AddressPattern(text="192.0.2.0/24", origin=HERE, network=ip_network("192.0.2.0/24")),
                AddressPattern(text=".lab.test", origin=HERE, name=".lab.test"),
            ),
            no_access=(),
            times=(TimeSpan(start=510, end=1439, origin=HERE),),
            daemon="in.telnetd",
            deny_minutes=-1,
        ),
        "limits": Limits(
            instances=Written(value=60, origin=HERE),
            cps=Written(value=Rate(starts=25, window=None, pause=30), origin=HERE),
            max_load=Written(value=2.5, origin=HERE),
            source_rates=(Written(value=SourceRate(count=9, period=60, burst=20), origin=HERE),),
        ),
        "log": ServiceLog(
            target=FileTarget(path="/var/log/telnet", soft=1000, hard=2000),
            on_success=frozenset({"PID", "HOST"}),
        ),
        "banners": Banners(failure=b"go away"),
    }
)


def dump(*services: Service, **facts: object) -> list[str]:
    known = Facts(now=1_700_000_000.0, pid=4711, **facts)  # type: ignore[arg-type]  # fields by name
    return render(Config(services=services, files=("super.conf", "super.d/telnet")), known).splitlines()


@pytest.mark.parametrize(
    "line",
    [
        "id = telnet",
        "written at = test.conf:12",
        "type = (program)",
        "flags = NODELAY",
        "socket_type = stream",
        "protocol = tcp",
        "address = 0.0.0.0:2323 (sndbuf 5000)",
        "address = [::]:2323",
        "wait = no",
        "user = nobody (uid 65534)",
        "group = gid 65534",
        "groups = 4 27",
        "umask = 027",
        "nice = 5",
        "instances = 60 (super.conf:3)",
        "per_source = UNLIMITED",
        "cps = 25, pause 30 s (super.conf:3)",
        "max_load = 2.5 (super.conf:3)",
        "rate = 9/m burst 20 (super.conf:3)",
        "idle_timeout = 3600 s",
        "server = /usr/sbin/in.telnetd",
        "rlimit = CPU 20",
        "rlimit = AS UNLIMITED",
        "libwrap = in.telnetd",
        "access_times = 8:30-23:59",
        "only_from = 192.0.2.0/24(NET) .lab.test(HOST)",
        "no_access = no site",
        "deny_time = FOREVER",
        "log_type = FILE /var/log/telnet 1000 2000",
        "log_on_success = HOST PID",
        "log_on_failure = (none)",
        "banner = fail: 7 bytes",
        "environment = PATH PASSWORD",
    ],
)
def test_every_attribute_is_there_inherited_or_not(line: str) -> None:
    assert f"\t{line}" in dump(TELNET)


def test_values_of_the_environment_are_kept_to_ourselves() -> None:
    assert "secret" not in "\n".join(dump(TELNET))


def test_control_characters_reach_no_terminal() -> None:
    assert "\tserver argv = in.telnetd -a\\x1b[2J\\n none" in dump(TELNET)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"access": Access(only_from=())}, "only_from = no site"),
        ({"access": Access()}, "only_from = all sites"),
        ({"access": Access(times=())}, "access_times = never"),
        ({"access": Access()}, "access_times = always"),
        ({"access": Access(deny_minutes=10)}, "deny_time = 10"),
        ({"tcpmux": "plus"}, "type = INTERNAL TCPMUXPLUS"),
        ({"action": Sensor(), "ident_required": True}, "flags = IDONLY SENSOR"),
        ({"rpc": Rpc(number=100, lowest=1, highest=3)}, "rpc = program 100, versions 1-3"),
        (
            {"action": Redirect(host="2001:db8::1", port=25, credentials=NOBODY)},
            "redirect = [2001:db8::1]:25",
        ),
        ({"log": ServiceLog(target=SyslogTarget(facility="daemon"))}, "log_type = SYSLOG daemon info"),
        ({"unsupported": (Unsupported(feature="RPC", origin=HERE),)}, "State = Not started (not supported)"),
        ({"unsupported": (Unsupported(feature="RPC", origin=HERE),)}, "not supported = RPC (super.conf:3)"),
        (
            {"limits": Limits(cps=Written(value=Rate(starts=40, window=60, pause=600), origin=HERE))},
            "cps = 40 in 60 s, pause 600 s (super.conf:3)",
        ),
        ({"endpoints": (unix("/run/x", mode=0o660, owner=(1, 2)),)}, "address = /run/x (1:2 mode 0660)"),
    ],
)
def test_a_service_of_another_kind_is_described(changes: dict[str, object], line: str) -> None:
    assert f"\t{line}" in dump(service("echo", inet(7)).model_copy(update=changes))


def test_the_head_says_which_daemon_and_when_and_the_tail_that_it_is_complete() -> None:
    lines = dump(TELNET)
    assert lines[0].startswith("INTERNAL STATE DUMP: superd ")
    assert lines[0].endswith(", pid 4711")
    assert lines[1].startswith("Current time: 2023-11-1")
    assert lines[2:4] == ["config_file = super.conf", "config_file = super.d/telnet"]
    assert lines[-1] == "END OF DUMP"


def test_what_processes_said_stands_with_its_service() -> None:
    said = (
        StateLine("telnet", "state", "Paused"),
        StateLine("telnet", "program", "pid 99, peer 192.0.2.7:4000"),
        StateLine("telnet", "accepted", "12"),
        StateLine("", "connections", "3"),
    )
    lines = dump(service("echo", inet(7)), TELNET, lines=said, missing=("worker common",))
    telnet = lines[lines.index("Service = telnet") :]
    telnet = telnet[: telnet.index("")]
    assert "\tState = Paused" in telnet
    assert "\trunning servers = 1" in telnet
    assert "\taccepted = 12" in telnet
    table = lines.index("Server table:")
    assert lines[table + 1] == "\ttelnet: pid 99, peer 192.0.2.7:4000"
    assert "\tworker common: did not answer in time; what it knows is missing here" in lines
    assert "\tconnections = 3" in lines
    assert "running_servers = 1" in lines


def test_sockets_and_descriptors_are_listed_and_counted() -> None:
    with socket.socket() as sock:
        listener = Listener("telnet", TELNET.endpoints[0], sock)
        lines = dump(
            TELNET, service("echo", inet(7)),
            listeners=(listener,), descriptors=((0, "/dev/null"), (5, "socket:[77]")), descriptor_limit=1024,
        )  # fmt: skip
        assert f"\tservice fd = {listener.socket.fileno()} (0.0.0.0:2323)" in lines
    assert [line for line in lines if line.startswith("\tState")] == [
        "\tState = Active",
        "\tState = Not started",
    ]
    assert "\t5 socket:[77]" in lines
    counters = ["active_services = 1", "available_services = 2", "descriptors_free = 1022"]
    assert [line for line in counters if line not in lines] == []


def test_our_own_descriptors_are_found() -> None:
    with Path("/dev/null").open() as file:
        assert (file.fileno(), "/dev/null") in open_descriptors()


def test_a_dump_replaces_the_one_before_and_is_not_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("an old dump")
    path.chmod(0o666)
    before = os.umask(0)
    try:
        write(path, "a new dump\n")
    finally:
        os.umask(before)
    assert path.read_text() == "a new dump\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_in_the_dumps_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    precious, path = tmp_path / "precious", tmp_path / "state"
    precious.write_text("secret")
    path.symlink_to(precious)
    write(path, "dump\n")
    assert precious.read_text() == "secret"
    assert path.read_text() == "dump\n"


def test_a_dump_that_can_not_be_written_is_logged_and_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "no" / "where" / "state"
    with capture_logs() as logged:
        write_dump(path, Config(), Collection({}), [], ())
    [event] = logged
    assert event == {
        "event": "state.dumped",
        "log_level": "error",
        "path": str(path),
        "reason": "no such file or directory",
    }


def test_a_written_dump_is_logged(tmp_path: Path) -> None:
    with capture_logs() as logged:
        write_dump(
            tmp_path / "run" / "state", Config(services=(TELNET,)), Collection({7: "worker common"}), [], ()
        )
    assert [event["log_level"] for event in logged] == ["info"]
    text = (tmp_path / "run" / "state").read_text()
    assert "Service = telnet" in text
    assert "worker common: did not answer" in text
