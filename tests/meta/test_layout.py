"""The repository's own rules: where files are, who may import whom, how long a file may be."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LINES_LIMIT = 400
"""Longer files are two files."""

SOURCES = sorted(
    path
    for folder in ("superd", "services", "tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)


def named(path: Path) -> str:
    """A path as a test's id."""
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[str]:
    """The modules a file imports, ``from`` imports as ``module.name``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def offenders(folder: str, forbidden: tuple[str, ...], but: tuple[str, ...] = ()) -> list[str]:
    """The imports below ``folder`` that start with a forbidden module, except those that start with ``but``."""
    return [
        f"{named(path)} imports {module}"
        for path in SOURCES
        if path.is_relative_to(ROOT / folder)
        for module in imports(path)
        if _within(module, forbidden) and not _within(module, but)
    ]


def _within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_services_is_a_folder_and_not_a_package() -> None:
    assert not (ROOT / "services/__init__.py").exists()
    assert [path.name for path in (ROOT / "services").iterdir() if path.suffix == ".py"] == []


def test_no_package_is_hidden_in_the_tests() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_services_know_only_the_contract_of_superd() -> None:
    assert offenders("services", ("superd",), but=("superd.service", "superd.errors")) == []


EVENT_LOOPS = ("asyncio", "uvloop")


@pytest.mark.parametrize("folder", ["superd/config", "superd/access", "superd/launcher", "superd/supervisor"])
def test_only_workers_have_an_event_loop(folder: str) -> None:
    assert offenders(folder, EVENT_LOOPS) == []


def test_protocol_code_knows_no_socket_clock_or_file() -> None:
    found = offenders("services", ("socket", "selectors", "os", "pathlib"))
    # What a Call does, and nothing else, touches the system (superd/service.py).
    assert [text for text in found if not re.search(r"/system(/\w+)?\.py imports", text)] == []
    assert offenders("services", EVENT_LOOPS) == []


def test_the_supervisor_never_reaches_for_a_service_package() -> None:
    assert offenders("superd/supervisor", ("superd_services",)) == []


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_file_is_short_and_says_what_it_is(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LINES_LIMIT
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "a file opens with a docstring"


@pytest.mark.parametrize("path", sorted((ROOT / "services/superd_services").glob("*/")), ids=named)
def test_each_service_has_a_manual_page(path: Path) -> None:
    if path.name != "__pycache__":
        assert (path / "README.md").read_text().startswith("# ")


def test_nothing_that_was_generated_is_tracked() -> None:
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = [name for name in listed.stdout.splitlines() if name.endswith((".pyc", ".whl", ".log"))]
    assert names == []
