"""Whole files and the services they come to: each ``golden/*.case`` is a text, a line of dashes, and what is expected.

Expected is JSON: the services as used without what is at its default and without places, then the diagnostics' codes.
"""

import json
from pathlib import Path

import pytest

from helpers.configured import machine
from superd.config.derive import derive
from superd.config.origin import Report
from superd.config.xinetd import read

CASES = sorted((Path(__file__).parent / "golden").glob("*.case"))
DASHES = "\n----------\n"


def plain(value: object) -> object:
    """Drop what says where something was written."""
    if isinstance(value, dict):
        return {key: _ordered(key, plain(each)) for key, each in value.items() if not key.endswith("origin")}
    return [plain(each) for each in value] if isinstance(value, list) else value


def _ordered(key: str, value: object) -> object:
    """Sets of log flags come in any order."""
    return sorted(value) if key.startswith("on_") and isinstance(value, list) else value


def outcome(text: str) -> dict[str, object]:
    """What the text comes to, as the case files write it."""
    report = Report()
    services = [derive(each, report, machine()) for each in read("case", text, report)]
    kept = [each.model_dump(mode="json", exclude_defaults=True) for each in services if each is not None]
    return {"services": plain(kept), "codes": sorted({each.code for each in report.diagnostics})}


def test_there_are_cases() -> None:
    assert len(CASES) >= 5


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_file_comes_to_these_services(path: Path) -> None:
    text, expected = path.read_text().split(DASHES)
    assert outcome(text + "\n") == json.loads(expected)
