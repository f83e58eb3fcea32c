"""Compare superd with the real libwrap on generated files: ``fuzz_libwrap.py --cases 20000 --seed 1``.

Prints ``N same, N deliberate, N different`` and, for each difference, the smallest case found that still shows it.
*Deliberate* are those that libwrap decides as superd does only after a bug was taken out of its way
(``libwrap_repairs.py``), with how often each repair was needed. Exits 1 on a difference. Needs libwrap0-dev and cc.
"""

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from tools import libwrap, libwrap_cases, libwrap_repairs, superd_hosts
from tools.libwrap import Case

SHOWN_LIMIT: Final = 20
"""Differences that are made small and printed; the rest is only counted."""

SHRINK_LIMIT: Final = 2000
"""Attempts to make one case smaller."""

SCANNED: Final = (1 << 30, 0)
"""Rules up to which superd tries each: always, and never."""


class Comparison:
    """Asks both about cases; ``repairs`` counts what had to be taken out of libwrap's way."""

    def __init__(self, oracle: libwrap.Oracle) -> None:
        self.oracle = oracle
        self.repairs = Counter[str]()

    def classify(self, case: Case) -> str:
        """Have both decide, superd by trying each rule and by its index: ``same``, ``deliberate``, ``different``."""
        changed, repairs = libwrap_repairs.repaired(case)
        real = libwrap_repairs.settled(self.oracle.ask(changed))
        for scanned in SCANNED:
            found = superd_hosts.decide(case, self.oracle.folder, scanned)
            if real.differences(found):
                return "different"
        if not any(repairs.values()) or not self.oracle.ask(case).differences(found):
            return "same"
        self.repairs += Counter(name for name, number in repairs.items() if number)
        return "deliberate"

    def explain(self, case: Case) -> Iterator[str]:
        """Say what differs."""
        real = libwrap_repairs.settled(self.oracle.ask(libwrap_repairs.repaired(case)[0]))
        for scanned in SCANNED:
            found = superd_hosts.decide(case, self.oracle.folder, scanned)
            how = "by trying each rule" if scanned else "by its index"
            for name in real.differences(found):
                yield f"  {name}: libwrap {getattr(real, name)}, superd {how} {getattr(found, name)}"


def main(words: list[str] | None = None) -> int:
    """Compare the wanted number of cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(words)
    if libwrap.missing():
        print(libwrap.missing())
        return 2
    with tempfile.TemporaryDirectory(prefix="w", dir="/tmp") as name:
        program = libwrap.build(Path(name))
        with libwrap.Oracle(program, Path(name, "c")) as oracle:
            return run(Comparison(oracle), arguments.seed, arguments.cases)


def run(comparison: Comparison, seed: int, number: int) -> int:
    """Compare cases and print the counts."""
    count = Counter[str]()
    for case in generated(seed, number):
        result = comparison.classify(case)
        count[result] += 1
        if result == "different" and count[result] <= SHOWN_LIMIT:
            small = shrunk(case, lambda attempt: comparison.classify(attempt) == "different")
            print("different:", *comparison.explain(small), json.dumps(small), sep="\n", flush=True)
    listed = ", ".join(f"{name} {times}" for name, times in sorted(comparison.repairs.items()))
    print(f"{count['same']} same, {count['deliberate']} deliberate{listed and f' ({listed})'}", end="")
    print(f", {count['different']} different")
    return int(count["different"] != 0)


def generated(seed: int, number: int) -> Iterator[Case]:
    """The cases of a seed; each depends on its number only."""
    for position in range(number):
        yield libwrap_cases.case(Random(f"{seed}-{position}"))


def shrunk(case: Case, fails: Callable[[Case], bool]) -> Case:
    """Leave out lines, words and facts as long as the case still fails."""
    left = SHRINK_LIMIT
    again = True
    while again:
        again = False
        for smaller in _smaller(case):
            left -= 1
            if not left:
                return case
            if fails(smaller):
                case, again = smaller, True
                break
    return case


def _smaller(case: Case) -> Iterator[Case]:
    for key in ("allow_text", "deny_text"):
        for smaller in _shorter(case[key] or ""):
            yield {**case, key: smaller}
    for key in ("netgroups", "dns", "ident", "user", "client_name", "server_name", "server_port"):
        if case.get(key):
            yield {name: value for name, value in case.items() if name != key}
    for name in case.get("files") or {}:
        yield {**case, "files": {other: text for other, text in case["files"].items() if other != name}}


def _shorter(text: str) -> Iterator[str]:
    """The text without one line, then without one word and a separator next to it."""
    lines = text.splitlines(keepends=True)
    for place in range(len(lines)):
        yield "".join(lines[:place] + lines[place + 1 :])
    pieces = re.split(r"([ \t\r\n,:@])", text)
    for place in range(len(pieces) - 1):
        yield "".join(pieces[:place] + pieces[place + 2 :])


if __name__ == "__main__":
    sys.exit(main())
