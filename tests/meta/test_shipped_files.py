"""What is shipped is right: every configuration passes its own check, the unit is valid, the manuals are complete."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import peers
from superd import builtins, cli
from superd.config.attributes import SYNONYMS
from superd.config.load import load
from superd.config.written import WrittenDefaults, attributes

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "conf/examples/bootptab"
CONFIGURATIONS = sorted(path for path in (ROOT / "conf").rglob("*") if path.is_file() and path != TABLE)


def check(*paths: Path) -> subprocess.CompletedProcess[str]:
    """Run ``superd check --strict``."""
    command = [sys.executable, "-Im", "superd", "check", "--strict", *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_configuration_passes_the_check(path: Path, tmp_path: Path) -> None:
    user = "nobody" if os.geteuid() == 0 else str(os.geteuid())
    copy = tmp_path / path.stem
    copy.write_text(path.read_text().replace("@USER@", user).replace("/etc/bootptab", str(TABLE)))
    checked = check(copy)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_demonstration_has_every_built_in_over_each_transport_that_it_knows() -> None:
    services = load([ROOT / "conf/demo"]).config.services
    found = {name: builtins.find(name) for name in builtins.BUILTINS}
    streams = {f"{name}-stream" for name, service in found.items() if service and service.stream}
    datagrams = {f"{name}-dgram" for name, service in found.items() if service and service.datagram}
    assert {service.id for service in services} == streams | datagrams


@pytest.mark.peer
def test_the_unit_is_valid(tmp_path: Path) -> None:
    unit = tmp_path / "superd.service"
    text = (ROOT / "systemd/superd.service").read_text()
    # The manual pages and the program need not be installed where the tests run.
    lines = [line for line in text.splitlines() if not line.startswith("Documentation=")]
    unit.write_text("\n".join(lines).replace("/usr/bin/superd", "/bin/true"))
    verify = [peers.find("systemd-analyze"), "verify", str(unit)]
    verified = subprocess.run(verify, capture_output=True, text=True, check=False, timeout=60)
    assert (verified.returncode, verified.stderr) == (0, "")


KEPT_FREE = [
    ("NoNewPrivileges", "be set-user-id"),
    ("ProtectHome", "see homes, as finger and ident do"),
    ("RestrictAddressFamilies", "ask over netlink, as ident and netstat do"),
    ("ProtectProc", "see all processes, as systat may"),
    ("ProcSubset", "read /proc/net, as netstat does without netlink"),
    ("PrivateDevices", "use devices"),
    ("DeviceAllow", "use devices"),
    ("ProtectClock", "use devices (it implies DeviceAllow)"),
    ("PrivateTmp", "use /tmp"),
    ("ProtectSystem", "serve and write any file"),
    ("SystemCallFilter", "use any system call"),
]


@pytest.mark.parametrize(("setting", "freedom"), KEPT_FREE)
def test_the_unit_lets_programs_and_built_ins(setting: str, freedom: str) -> None:
    settings = (ROOT / "systemd/superd.service").read_text().splitlines()
    assert not [line for line in settings if line.startswith(f"{setting}=")], f"they could not {freedom}"


ATTRIBUTES = sorted(attributes(WrittenDefaults) | SYNONYMS)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_the_manual_describes_each_attribute(attribute: str) -> None:
    manual = (ROOT / "docs/superd.conf.5.md").read_text()
    assert re.search(rf"^\*\*(.*\*\*)?{attribute}\*\*", manual, re.MULTILINE), f"{attribute} has no entry"


def options() -> list[str]:
    """Every option of every verb."""
    parser = cli._parser()
    (verbs,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return sorted(
        {
            f"{name} {option}"
            for name, verb in verbs.choices.items()
            for action in verb._actions
            for option in action.option_strings
            if option.startswith("--") and option != "--help"
        }
    )


@pytest.mark.parametrize("option", options())
def test_the_manual_describes_each_option(option: str) -> None:
    verb, name = option.split()
    manual = (ROOT / "docs/superd.8.md").read_text()
    assert f"**superd {verb}**" in manual
    assert re.search(rf"\*\*[^*]*{name}\b", manual), f"{option} has no entry"


def commands() -> list[str]:
    """The command lines of the README, each part of a pipe by itself."""
    text = (ROOT / "README.md").read_text()
    lines = re.findall(r"^    [$#] (.+)$", text, re.MULTILINE)
    return sorted({part.strip() for line in lines for part in line.split("|")})


@pytest.mark.parametrize("command", commands())
def test_the_readmes_commands_exist(command: str) -> None:
    program, *arguments = command.split()
    if program == "make":
        assert re.search(rf"^{arguments[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif Path(program).name == "superd":
        assert arguments[0] in {option.split()[0] for option in options()}
    else:
        assert Path(program).name in {"nc", "echo", "od", "ps", "grep", "cat", "python3", "pip"}


def test_the_readmes_links_lead_somewhere() -> None:
    for page in [
        ROOT / "README.md",
        ROOT / "ARCHITECTURE.md",
        ROOT / "SECURITY.md",
        *(ROOT / "docs").glob("*.md"),
    ]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"
