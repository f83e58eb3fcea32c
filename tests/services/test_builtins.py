"""The table of built-in services, and what may be added to it."""

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from superd import builtins
from superd.errors import ConfigError
from superd.service import BuiltinService

MAN_PAGE = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "SECURITY", "STANDARDS", "DIFFERENCES", "SEE ALSO"]
MINE = BuiltinService("mine", "does what I want")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    points = EntryPoints(
        EntryPoint(name, f"{__name__}:{attribute}", builtins.ENTRY_POINTS)
        for name, attribute in [
            ("mine", "MINE"),
            ("echo", "MINE"),
            ("wrong", "MAN_PAGE"),
            ("broken", "NOTHING"),
        ]
    )
    monkeypatch.setattr(builtins, "entry_points", points.select)
    builtins._extension.cache_clear()


@pytest.mark.parametrize("name", builtins.BUILTINS)
def test_every_entry_is_found_under_its_own_name(name: str) -> None:
    service = builtins.find(name)
    assert service is not None
    assert service.name == name
    assert service.stream or service.datagram or service.transfers or service.links


@pytest.mark.parametrize("name", builtins.BUILTINS)
def test_every_service_has_a_page_with_the_headings_of_a_manual(name: str) -> None:
    page = Path(__file__).parents[2] / "services" / "superd_services" / name / "README.md"
    headings = [line[3:] for line in page.read_text().splitlines() if line.startswith("## ")]
    assert headings == MAN_PAGE


def test_an_unknown_name_is_none() -> None:
    assert builtins.find("nothing") is None


def test_an_extension_is_found_only_when_it_is_allowed(installed: None) -> None:
    assert builtins.find("mine") is None
    found = builtins.find("mine", ["mine"])
    assert found is not None
    assert found.name == "mine"


def test_an_extension_can_not_replace_a_built_in(installed: None) -> None:
    found = builtins.find("echo", ["echo"])
    assert found is not None
    assert found.summary != MINE.summary


@pytest.mark.parametrize(
    ("name", "text"),
    [("absent", "no installed package"), ("wrong", "is no service"), ("broken", "can't be loaded")],
)
def test_what_is_wrong_with_an_allowed_extension_is_said(installed: None, name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        builtins.find(name, [name])
