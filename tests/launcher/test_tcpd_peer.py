"""What commands of rules find around them, under the real tcpd(8) and here; every difference is named."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import peers
from helpers.launching import read_all, receive, running
from helpers.programs import INTERNAL_SIGNALS
from helpers.ruling import Rules, run, service
from superd.launcher.environment import NAMES
from superd.privsep.messages import Started

FACTS = r"""#!/bin/sh
# Tells what a command of a rule sees, on its standard output or in a file.
fds=
for fd in 0 1 2 3 4 5 6 7; do
    [ -e /proc/$$/fd/$fd ] && fds="$fds;fd $fd $(readlink /proc/$$/fd/$fd)"
done
pid=$$
tell() {
    echo "cwd $(pwd)"
    echo "umask $(umask)"
    echo "nice $(nice)"
    echo "$fds" | tr ';' '\n' | sed 's/\[.*//; /^$/d'
    # Not by another program: while a shell starts one, it has every signal blocked.
    while read -r key value; do
        case $key in
            SigIgn:) echo "ignored $value" ;;
            SigBlk:) echo "blocked $value" ;;
        esac
    done < /proc/$pid/status
    env | sed -n 's/^\([A-Za-z0-9_]*\)=.*/env \1/p'
    echo "X $X"
    echo end
}
if [ "$1" ]; then tell > "$1"; else tell; fi
"""

UNDER_TCPD = r"""
import json, os, socket, subprocess, sys
folder, allow = sys.argv[1:]
run = lambda *words: subprocess.run(words, check=True)
run("mount", "--make-rprivate", "/")
for name, text in (("hosts.allow", allow), ("hosts.deny", "")):
    file = os.path.join(folder, "tcpd." + name)
    open(file, "w").write(text)
    run("mount", "--bind", file, "/etc/" + name)
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
connection, _ = listener.accept()
process = subprocess.Popen(
    ["/bin/true"], executable="/usr/sbin/tcpd", stdin=connection, stdout=connection, stderr=connection,
    env={"PATH": "/usr/bin:/bin"}, cwd="/", start_new_session=True,
)
connection.close()
said = b""
while piece := client.recv(65536):
    said += piece
process.wait()
print(json.dumps(said.decode()))
"""

pytestmark = [pytest.mark.root, pytest.mark.peer]


@pytest.fixture
def rules(open_path: Path) -> Rules:
    if not all(Path(f"/etc/hosts.{name}").exists() for name in ("allow", "deny")):
        pytest.skip("there are no /etc/hosts.allow and hosts.deny to mount others over")
    peers.find("tcpd")
    (open_path / "out").mkdir()
    (open_path / "out").chmod(0o777)
    (open_path / "facts").write_text(FACTS)
    (open_path / "facts").chmod(0o755)
    return Rules(open_path)


def under_tcpd(rules: Rules, rule: str) -> str:
    """What the client of tcpd is sent under this rule."""
    assert shutil.which("unshare")
    command = ["unshare", "-m", sys.executable, "-Ic", UNDER_TCPD, str(rules.folder), rule]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if "ermission" in done.stderr or "not permitted" in done.stderr:
        pytest.skip(f"mount namespaces are not allowed here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout))


def told(text: str) -> dict[str, set[str]]:
    """What ``FACTS`` told, by its first words."""
    assert text.endswith("end\n"), text
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        found.setdefault(word, set()).add(rest)
    found["env"] -= NAMES | {"_", "OLDPWD"}  # ours, and those of shells
    found["ignored"] = {hex(int(mask, 16) & ~INTERNAL_SIGNALS) for mask in found["ignored"]}
    return found


def differences(
    theirs: dict[str, set[str]], ours: dict[str, set[str]]
) -> dict[str, tuple[set[str], set[str]]]:
    """What only tcpd's command sees, and what only ours does."""
    words = theirs.keys() | ours.keys()
    pairs = {word: (theirs.get(word, set()), ours.get(word, set())) for word in words}
    return {word: (one - other, other - one) for word, (one, other) in pairs.items() if one != other}


@pytest.mark.parametrize("nice", ["", "nice 3: "])
def test_spawn_sees_what_it_sees_under_tcpd(rules: Rules, nice: str) -> None:
    out = rules.folder / "out"
    rule = "svc true: ALL: setenv X a value: umask 027: " + nice + "spawn {0}/facts {0}/out/{1}\n"
    under_tcpd(rules, rule.format(rules.folder, "theirs"))
    with running(service(), rules=rules.folder) as launcher:
        assert run(launcher.attach(), rules.command(rule.format(rules.folder, "ours"))) == 0
    found = differences(told((out / "theirs").read_text()), told((out / "ours").read_text()))
    assert found == {}


@pytest.mark.parametrize("nice", ["", "nice 3: "])
def test_twist_sees_what_it_sees_under_tcpd(rules: Rules, nice: str) -> None:
    rule = f"svc true: ALL: setenv X a value: umask 027: {nice}twist {rules.folder}/facts\n"
    theirs = told(under_tcpd(rules, rule))
    with running(service(), rules=rules.folder) as launcher:
        worker = launcher.attach()
        client = launcher.start(worker, rules.launch(rule))
        receive(worker, Started)
        ours = told(read_all(client).decode())
    assert differences(theirs, ours) == {}


def test_aclexec_has_the_connection_under_tcpd_and_not_here(rules: Rules) -> None:
    """hosts_options(5) of Debian says that the three standard descriptors are the null device."""
    rule = "svc true: ALL: aclexec echo leaked; {0}/facts {0}/out/{1}\n"
    assert under_tcpd(rules, rule.format(rules.folder, "theirs")) == "leaked\n"
    with running(service(), rules=rules.folder) as launcher:
        assert run(launcher.attach(), rules.command(rule.format(rules.folder, "ours"))) == 0
    out = rules.folder / "out"
    found = differences(told((out / "theirs").read_text()), told((out / "ours").read_text()))
    assert found["fd"] == (
        {"0 socket:", "1 socket:", "2 socket:"},
        {"0 /dev/null", "1 /dev/null", "2 /dev/null"},
    )
