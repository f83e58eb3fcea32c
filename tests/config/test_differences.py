"""docs/differences.md lists exactly the codes that the source uses, and recorded outcomes of xinetd agree with it."""

import ast
import importlib.util
import json
import os
import pwd
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
VECTORS = sorted((Path(__file__).parent / "vectors").glob("*.json"))
CALLS = {"error", "warning", "_spoil", "_lose", "FieldError"}
EXTENSIONS = {"extension-port", "extension-bind", "extension-source"}
"""Names for the replay of vectors; extensions of the language are no problems and have no diagnostics."""


def source_codes() -> Iterator[str]:
    """The first argument of every call that reports something, where it is a literal code."""
    for path in (ROOT / "superd/config").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                code = node.args[0].value
                if name in CALLS and isinstance(code, str) and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", code):
                    yield code


@pytest.fixture(scope="module")
def replay() -> ModuleType:
    """The tool that replays vectors."""
    path = ROOT / "tests/tools/replay_xinetd_vectors.py"
    spec = importlib.util.spec_from_file_location("replay_xinetd_vectors", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_table_lists_the_codes_of_the_source(replay: ModuleType) -> None:
    assert set(replay.effects()) - EXTENSIONS == set(source_codes())


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_recorded_outcomes_of_xinetd_are_met_or_differ_on_purpose(
    replay: ModuleType, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay.main([str(path)]) == 0, capsys.readouterr().out


def test_a_difference_that_no_code_explains_is_found(
    replay: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vector = json.loads(VECTORS[0].read_text())[0]
    me = pwd.getpwuid(os.getuid()).pw_name
    vector["config"] = vector["config"].replace("user = nobody", f"user = {me}")
    wrong = {**vector, "services_started": vector["services_started"] + 1}
    (tmp_path / "wrong.json").write_text(json.dumps([vector, wrong]))
    assert replay.main([str(tmp_path / "wrong.json")]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "1 same, 0 deliberate, 1 different"
