"""The wheel: two packages, the shipped configuration, the unit, and nothing else."""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-Im",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder),
        str(ROOT),
    ]
    built = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    if built.returncode:
        pytest.skip(f"the wheel can't be built here: {built.stderr.strip().splitlines()[-1]}")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        yield archive.namelist()


def test_it_installs_two_packages(names: list[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.startswith("superd-")} == {"superd", "superd_services"}


def test_it_has_every_module(names: list[str]) -> None:
    modules = list((ROOT / "superd").rglob("*.py"))
    modules += (ROOT / "services").rglob("*.py")
    expected = {
        str(path.relative_to(ROOT if path.is_relative_to(ROOT / "superd") else ROOT / "services"))
        for path in modules
    }
    assert expected - set(names) == set()


def test_it_is_typed(names: list[str]) -> None:
    assert {"superd/py.typed", "superd_services/py.typed"} <= set(names)


def test_it_carries_configuration_unit_and_account(names: list[str]) -> None:
    data = {name.split(".data/data/")[1] for name in names if ".data/data/" in name}
    assert {
        "lib/systemd/system/superd.service",
        "lib/sysusers.d/superd.conf",
        "share/superd/conf/superd/00-defaults.conf",
        "share/superd/conf/demo/echo",
    } <= data


def test_it_carries_no_tests(names: list[str]) -> None:
    assert [name for name in names if "test" in name.lower() or name.endswith(".pyc")] == []
