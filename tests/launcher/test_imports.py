"""After the drop the interpreter's own files may be unreadable, so everything must have been imported before."""

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]

CODE = """
import signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from helpers import launching, ruling
from superd.config.model import ResourceLimit
from superd.launcher import main
from superd.privsep.messages import CommandEnded, Drain, Dump, Exited, Failed, Started, StateEnd, StateLine, Violation

class Forbidden:
    def find_spec(self, name, path=None, target=None):
        raise SystemError(f"{name} is imported too late")

def run(start):
    sys.meta_path[:] = [Forbidden()]
    return main.run(start)

launching.run = run
limits = (ResourceLimit(resource="CPU", value=60),)
services = [
    launching.service("plain", launching.shell("exit 0")),
    launching.service("limited", launching.shell("exit 0", limits=limits)),
    launching.service("broken", launching.program("x", path="/nonexistent", limits=limits)),
    ruling.service(),
]
rules = ruling.Rules(Path(sys.argv[2]))
with launching.running(*services, rules=rules.folder) as launcher:
    worker = launcher.attach()
    for name in ("plain", "limited"):
        launcher.start(worker, launching.launch(name))
        launching.receive(worker, Started)
        launching.receive(worker, Exited)
    launcher.start(worker, launching.launch("broken"))
    launching.receive(worker, Failed)
    options = "setenv X caf\\xe9 %n: umask 077: nice: nice -1: user nobody"
    launcher.start(worker, rules.launch("svc: ALL: " + options + ": aclexec /bin/false\\n", "svc: ALL: twist true\\n"))
    launching.receive_any(worker)
    launching.receive_any(worker)
    assert ruling.run(worker, rules.command("", "svc: ALL: spawn true %u\\n")) == 0
    assert ruling.run(worker, rules.command("", "svc: ALL: setenv A b: nice: aclexec true %u\\n")) == 0
    launcher.supervisor.send(Dump())
    launching.receive(launcher.supervisor, StateLine)
    launching.receive(launcher.supervisor, StateEnd)
    launcher.start(worker, launching.launch("unknown"))
    launching.receive(launcher.supervisor, Violation)
    launcher.supervisor.send(Drain())
    assert launcher.wait() == 0
"""


def test_a_launcher_imports_nothing_once_it_runs(open_path: Path) -> None:
    command = [sys.executable, "-I", "-c", CODE, str(TESTS), str(open_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
