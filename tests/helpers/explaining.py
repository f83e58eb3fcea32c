"""Questions for ``superd explain`` about a configuration written for a test."""

import json
from pathlib import Path
from typing import Any

import pytest

from superd.cli import main

CONFIG = """\
service cat
{
	type = UNLISTED
	socket_type = stream
	protocol = tcp
	wait = no
	user = USER
	server = /bin/cat
	server_args = -n
	port = 4700
	bind = 127.0.0.1
	env = A=1
	passenv =
}
"""

LINE = len(CONFIG.splitlines())
"""Where what a test adds to the stanza stands."""


class Question:
    """Writes the files and asks; what was printed is in ``out`` and ``err``."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], user: str) -> None:
        self.folder = folder
        self.out = self.err = ""
        self._capsys = capsys
        self._user = user
        self.configure()
        self.rules()

    def configure(self, *lines: str, more: str = "") -> None:
        """Add lines to the one service, and text behind it."""
        text = CONFIG.replace("USER", self._user).removesuffix("}\n") + "".join(
            f"\t{line}\n" for line in lines
        )
        (self.folder / "x.conf").write_text(f"{text}}}\n{more}")

    def rules(self, allow: str = "", deny: str = "") -> None:
        """Write hosts.allow and hosts.deny."""
        (self.folder / "hosts.allow").write_text(allow)
        (self.folder / "hosts.deny").write_text(deny)

    def ask(self, *words: str) -> int:
        """Run ``superd explain`` and return its exit status."""
        hosts = [f"--hosts-{name}={self.folder / f'hosts.{name}'}" for name in ("allow", "deny")]
        status = main(["explain", "-c", str(self.folder / "x.conf"), *hosts, *words])
        self.out, self.err = self._capsys.readouterr()
        return status

    def answers(self, *words: str) -> list[dict[str, Any]]:
        """Run ``superd explain --json``."""
        self.ask("--json", *words)
        found: list[dict[str, Any]] = json.loads(self.out)
        return found

    def answer(self, *words: str) -> dict[str, Any]:
        """Run ``superd explain --json`` for a question with one answer."""
        (found,) = self.answers(*words)
        return found

    def place(self, name: str) -> str:
        """A file of the test as messages name it."""
        return str(self.folder / name)
