"""The tables of ARCHITECTURE.md agree with the code."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "ARCHITECTURE.md").read_text()
LIMITS = re.findall(r"^\| `(\S+\.py)` `(\w+)` \| (\S+) \|", TEXT, re.MULTILINE)


def constant(path: Path, name: str) -> object:
    """The value of a module's constant, arithmetic included."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name and node.value:
            return eval(ast.unparse(node.value), {})
    raise AssertionError(f"{path} has no {name}")


@pytest.mark.parametrize(("file", "name", "value"), LIMITS)
def test_a_limit_is_what_the_code_says(file: str, name: str, value: str) -> None:
    assert constant(ROOT / file, name) == float(value)


def test_each_dependency_is_accounted_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [re.match(r"\w+", requirement) for requirement in project["dependencies"]]
    assert names
    for name in (found[0] for found in names if found):
        assert f"[{name}](https://" in TEXT


def test_each_package_is_described() -> None:
    packages = {path.name for path in (ROOT / "superd").iterdir() if path.is_dir()} - {"__pycache__"}
    assert {name for name in packages if f"`superd.{name}`" not in TEXT} == set()
