"""Fixtures for launcher tests."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that programs of any user can reach; pytest's own is closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="superd-launcher-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
