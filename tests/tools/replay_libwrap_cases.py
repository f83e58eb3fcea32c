"""Replay recorded decisions of the real libwrap: ``replay_libwrap_cases.py [-v] FILE`` prints ``N same, N different``.

FILE has one case a line (see ``libwrap.py``) and what libwrap did: ``expected``, ``matched``, ``options``, ``actions``,
``severity``, ``lookups`` in order; ``fixed`` is what it would do without a bug that superd does not have. Cases tagged
``crash`` are skipped. Commands of ``aclexec`` are run, nothing else is.

A difference is deliberate when a bug of libwrap accounts for it (``libwrap_repairs.py``), and the real library, asked
about the rewritten case, answers as superd does. Where it is not installed, that is not confirmed. Each reason is a row
of docs/differences-hosts-access.md. First libwrap itself is compared with the record. Exits 1 on any other difference.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from tools import libwrap, libwrap_repairs, superd_hosts
from tools.libwrap import Case, Result

ALL_FIELDS: Final[tuple[str, ...]] = (
    "verdict",
    "matched",
    "options",
    "actions",
    "lookups",
    "severity",
    "timeout",
    "failed",
)
FIXED_FIELDS: Final[tuple[str, ...]] = ("verdict", "matched", "actions")
"""What a record tells about libwrap without its bugs."""

_UNRECORDED = {"syslog", "user", "group"}
"""Log lines; and users that libwrap, its bug repaired, would change to: compared as options."""

Decide = Callable[[Case], Result]


def main(words: list[str] | None = None) -> int:
    """Replay a file and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("-v", "--verbose", action="store_true", help="print deliberate differences, too")
    arguments = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="w", dir="/tmp") as name:
        folder = Path(name, "c")

        def superd(case: Case) -> Result:
            return superd_hosts.decide(case, folder)

        if libwrap.missing():
            print(f"libwrap itself is not asked: {libwrap.missing()}")
            return compare(arguments, "superd", superd, None)
        with libwrap.Oracle(libwrap.build(Path(name)), folder) as oracle:
            different = compare(arguments, "libwrap", oracle.ask, None)
            return compare(arguments, "superd", superd, oracle.ask) or different


def compare(arguments: argparse.Namespace, who: str, decide: Decide, confirm: Decide | None) -> int:
    """Have all cases decided and print how many came out as recorded."""
    count, reasons = Counter[str](), Counter[str]()
    for case in cases(arguments.file):
        found = decide(case)
        fields = differences(case, found, repaired=who != "libwrap")
        reason = deliberate(case, found, confirm) if fields and who != "libwrap" else ""
        result = "deliberate" if reason else "different" if fields else "same"
        count[result] += 1
        reasons[reason] += bool(reason)
        if result == "different" or (arguments.verbose and fields):
            show(case, found, fields, reason or result)
    listed = ", ".join(f"{name} {number}" for name, number in sorted(reasons.items()) if name)
    print(f"{who}: {count['same']} same, {count['deliberate']} deliberate{listed and f' ({listed})'}", end="")
    print(f", {count['different']} different")
    return int(count["different"] != 0)


def deliberate(case: Case, found: Result, confirm: Decide | None) -> str:
    """The reason for a difference: the bug of libwrap that superd repairs; empty without one."""
    if case.get("deny_path") and found.verdict == "denied":
        return "no-regular-file"
    changed, repairs = libwrap_repairs.repaired(case)
    names = sorted(name for name, number in repairs.items() if number)
    if "exitlong" in case.get("bugs", ()):
        names.append("expansion-too-long")
    if not names or (confirm and libwrap_repairs.settled(confirm(changed)).differences(found)):
        return ""
    return "+".join(names)


def show(case: Case, found: Result, fields: list[str], result: str) -> None:
    """Print one difference."""
    wanted = recorded(case)
    print(f"{case['id']} {result}:")
    for field in fields:
        print(f"  {field}: recorded {getattr(wanted, field)} found {getattr(found, field)}")
    print(" ", json.dumps(case))


def cases(file: Path) -> Iterator[Case]:
    """The cases of a file without those that crash libwrap."""
    for line in file.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if case["tag"] != "crash":
            yield case


def differences(case: Case, found: Result, *, repaired: bool) -> list[str]:
    """Name what differs from the record: all fields, or what is known about libwrap without its bugs."""
    wanted, shown = recorded(case), vars(found) | {"matched": found.matched[-1:]}
    fields = ALL_FIELDS
    if repaired and "fixed" in case:
        fixed = case["fixed"]
        wanted = recorded({**case, **fixed})
        fields = FIXED_FIELDS
    return [field for field in fields if getattr(wanted, field) != shown[field]]


def recorded(case: Case) -> Result:
    """A record in the form of a result."""
    actions = [tuple(action) for action in case["actions"] if action[0] not in _UNRECORDED]
    failed = [text for text in case["diagnostics"] if text.startswith("error: ")]
    logged = list(case["options"])
    if failed and logged and not any(complaint in failed[-1] for complaint in libwrap.EARLY):
        logged.pop()
    matched = case["matched"]
    more: dict[str, Any] = {}
    if "severity" in case:
        more["severity"] = tuple(map(number, case["severity"]))
    if "rfc931_timeout" in case:
        more["timeout"] = case["rfc931_timeout"]
    return Result(
        case["expected"],
        () if matched is None else ((matched[0], matched[1]),),
        tuple(map(libwrap.plain_option, logged)),
        tuple(libwrap.joined_banners(actions)),
        tuple(libwrap.questions(tuple(lookup) for lookup in case["lookups"])),
        failed=bool(failed),
        **more,
    )


def number(severity: str) -> int:
    """The number of a severity that is recorded by its name."""
    return superd_hosts.priority(severity.removeprefix("kern."))


if __name__ == "__main__":
    sys.exit(main())
