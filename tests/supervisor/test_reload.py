"""Reading the configuration again when SIGHUP asks for it."""

from pathlib import Path

import pytest

from superd.config import load as loading
from superd.config.dialect import Dialect
from superd.supervisor.options import RunOptions
from superd.supervisor.reload import checked

SERVICE = "service echo\n{{\n type = INTERNAL UNLISTED\n socket_type = stream\n wait = no\n port = {}\n}}\n"


@pytest.fixture
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands for /etc/superd; there are no files of xinetd and inetd."""
    monkeypatch.setattr(loading, "OWN_DIRECTORY", tmp_path / "superd")
    monkeypatch.setattr(loading, "SYSTEM_FILES", ())
    (tmp_path / "superd").mkdir()
    return tmp_path / "superd"


def options(*files: Path) -> RunOptions:
    nowhere = Path("/nonexistent")
    return RunOptions(
        files=files, dialect=Dialect.DEBIAN, strict=False, hosts_allow=nowhere, hosts_deny=nowhere,
        pidfile=None, user="", state_file=nowhere, drain=1.0,
    )  # fmt: skip


def test_without_named_files_the_default_ones_are_read_again(own_directory: Path) -> None:
    (own_directory / "echo").write_text(SERVICE.format(4007))
    loaded = checked(options())
    assert loaded is not None
    assert [service.key for service in loaded.config.services] == ["echo"]


def test_a_configuration_that_is_gone_changes_nothing(own_directory: Path) -> None:
    assert checked(options()) is None


def test_a_broken_configuration_changes_nothing(own_directory: Path) -> None:
    (own_directory / "echo").write_text(SERVICE.format("nowhere"))
    assert checked(options()) is None


def test_named_files_are_read_instead(own_directory: Path, tmp_path: Path) -> None:
    (own_directory / "echo").write_text(SERVICE.format(4007))
    named = tmp_path / "named"
    named.write_text(SERVICE.format(4008))
    loaded = checked(options(named))
    assert loaded is not None
    assert [endpoint.port for endpoint in loaded.config.services[0].endpoints] == [4008, 4008]
