"""A question for ``superd explain``."""

import os
import pwd
from pathlib import Path

import pytest

from helpers.explaining import Question


@pytest.fixture
def question(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Question:
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    return Question(tmp_path, capsys, user)
