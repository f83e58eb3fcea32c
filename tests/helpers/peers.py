"""Other programs that tests compare with or use as clients; without them a test is skipped with a reason."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers.daemon import directory, write_files
from helpers.net import wait_until

_SBIN = ("/usr/sbin", "/usr/local/sbin", "/sbin")


def find(name: str) -> str:
    """The path of a program; skips the running test when there is none."""
    path = shutil.which(name) or shutil.which(name, path=":".join(_SBIN))
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def ask(*command: str, send: bytes = b"", seconds: float = 10.0) -> bytes:
    """Run a client program with this input and return its output."""
    program = find(command[0])
    done = subprocess.run(
        [program, *command[1:]], input=send, capture_output=True, timeout=seconds, check=False
    )
    return done.stdout


@dataclass
class Xinetd:
    """A running xinetd with its files."""

    directory: Path
    process: subprocess.Popen[bytes]

    def log(self) -> str:
        """Its main log."""
        file = self.path("main.log")
        return file.read_text(errors="replace") if file.exists() else ""

    def path(self, name: str) -> Path:
        """A file in the test's directory."""
        return self.directory / name


@contextmanager
def xinetd(text: str, files: dict[str, str] | None = None) -> Iterator[Xinetd]:
    """Run the real xinetd on a configuration until the block ends (options: xinetd(8))."""
    binary = find(os.environ.get("SUPERD_XINETD", "xinetd"))
    with directory() as home:
        write_files(home, {"xinetd.conf": text, **(files or {})})
        arguments = ["-dontfork", "-f", "xinetd.conf", "-pidfile", "pid", "-filelog", "main.log"]
        process = subprocess.Popen(
            [binary, *arguments], cwd=home, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        peer = Xinetd(home, process)
        try:
            wait_until(lambda: "Started working" in peer.log(), f"xinetd started: {peer.log()}")
            yield peer
        finally:
            process.terminate()
            process.wait(10)
