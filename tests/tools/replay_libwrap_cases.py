"""Replay recorded verdicts of the real libwrap: ``replay_libwrap_cases.py [-v] FILE`` prints ``N same, N different``.

FILE has one JSON case a line: the two files, the client and the facts about it, what libwrap decided
(``expected``, ``matched``), and ``fixed``, what it would decide without a bug that superd does not have.
Cases tagged ``crash`` are skipped. Compared are the verdict and the rule that matched; commands of
``aclexec`` are run, nothing else is. Exits 1 on a difference that is not deliberate.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from superd.access.hosts_access import ClientFacts, HostsAccess

Case = dict[str, Any]
Answer = tuple[str, list[Any] | None]


def deliberate(case: Case) -> bool:
    """Whether superd decides otherwise on purpose.

    A NUL is an error here, and so is a directory in the place of hosts.deny; a mapped IPv4 client is IPv4
    and nothing else; a command whose expansion is too long is not run, whatever libwrap does.
    """
    texts = f"{case['allow_text']}{case['deny_text']}"
    mapped = str(case.get("client_addr")).startswith("::ffff:") and "mapped" in case.get("bugs", ())
    directory = Path(case.get("deny_path") or "").name == "{DIR}" or "directory" in case.get("note", "")
    return "\0" in texts or mapped or directory


def main() -> int:
    """Replay a file and print the count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="print every case that is not equal in all"
    )
    arguments = parser.parse_args()
    count = Counter[str]()
    for case in cases(arguments.file):
        wanted, found = expected(case), replay(case)
        result = "same" if wanted[0] == found[0] else "deliberate" if deliberate(case) else "different"
        count[result] += 1
        count["rule"] += result == "same" and wanted[1] != found[1]
        if result == "different" or (arguments.verbose and wanted != found):
            print(case["id"], result, "wanted", *wanted, "found", *found, json.dumps(case))
    print(f"{count['same']} same, {count['deliberate']} deliberate, {count['different']} different")
    print(
        f"of the same, {count['rule']} by another rule (where a repaired bug makes an earlier or later one match)"
    )
    return count["different"] != 0


def cases(file: Path) -> Iterator[Case]:
    """The cases of a file without those that crash libwrap."""
    for line in file.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if case["tag"] != "crash":
            yield case


def expected(case: Case) -> Answer:
    """Verdict and matched rule of libwrap, its bugs repaired."""
    right = case.get("fixed", case)
    return right["expected"], right["matched"]


def replay(case: Case) -> Answer:
    """Verdict and matched rule of superd."""
    with tempfile.TemporaryDirectory(prefix="w", dir="/tmp") as folder:
        write_files(case, folder)
        paths = [place(case, folder, "allow"), place(case, folder, "deny")]
        verdict = HostsAccess(*paths).decide(case["daemon"], facts(case))
    matched = None
    broken = verdict.rule.startswith("the file is broken")
    if verdict.origin is not None and not broken:
        matched = ["allow" if verdict.origin.file == str(paths[0]) else "deny", verdict.origin.line]
    return str(verdict.outcome), matched


def write_files(case: Case, folder: str) -> None:
    """Write the pattern files a case needs."""
    for name, text in case.get("files", {}).items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.replace("{DIR}", folder).encode("latin-1"))


def place(case: Case, folder: str, which: str) -> Path:
    """Write hosts.allow or hosts.deny and return its path; a missing file is a path without a file."""
    special = case.get(f"{which}_path")
    if special:
        return Path(special.replace("{DIR}", folder))
    path = Path(folder, f"hosts.{which}")
    text = case.get(f"{which}_text")
    if text is not None:
        path.write_bytes(text.replace("{DIR}", folder).encode("latin-1"))
    return path


def facts(case: Case) -> ClientFacts:
    """What is known about the client: names and users given, or answered from the case's tables."""
    dns = case.get("mode") == "dns"
    address, server = case.get("client_addr") or "", case.get("server_addr") or ""
    name, server_name, user = (case.get(key) for key in ("client_name", "server_name", "user"))
    if dns:
        name = looked_up(case, address)
        server_name = looked_up(case, server)
        user = case.get("ident") if server and address else None
    return ClientFacts(
        address=address,
        port=int(case.get("client_port") or 0),
        name=name or "unknown",
        user=user or "unknown",
        server_address=server,
        server_port=int(case.get("server_port") or 0),
        server_name=server_name or "unknown",
        netgroups=netgroups(case),
        aclexec=run,
    )


def looked_up(case: Case, address: str) -> str:
    """The verified name of an address by the tables of the case, as hosts_access(5) verifies it."""
    plain = address.lower().removeprefix("::ffff:") if "." in address else address
    tables = case.get("dns") or {}
    name = (tables.get("ptr") or {}).get(plain)
    if not name:
        return "unknown"
    if name.replace(".", "").isdigit() and ":" not in plain:
        return "paranoid"
    forward = {key.lower(): value for key, value in (tables.get("fwd") or {}).items()}
    record = forward.get(name.lower()) or {}
    canonical = (record.get("canon") or "").lower()
    family = [found for found in record.get("addrs", []) if (":" in found) == (":" in plain)]
    trusted = canonical == name.lower() or (canonical and name.lower() == "localhost")
    return name if trusted and plain in family else "paranoid"


def netgroups(case: Case) -> Callable[[str, str], bool]:
    """innetgr(3) by the table of the case."""
    table = case.get("netgroups") or {}
    return lambda group, host: any(
        member == "-" or member.lower() == host.lower() for member in table.get(group, [])
    )


def run(command: str) -> bool:
    """Run the command of an aclexec option, as libwrap does."""
    shell = ["/bin/sh", "-c", command]
    return subprocess.run(shell, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
