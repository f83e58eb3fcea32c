"""A network namespace of a test's own: ``Namespace`` runs Python in it, and is gone afterwards."""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_numbers = itertools.count()


class Namespace:
    """A namespace by its name in ``ip netns``; only ``lo`` is there, and up."""

    def __init__(self, name: str) -> None:
        self.name = name

    def ip(self, *words: str) -> None:
        """Run ip(8) in the namespace."""
        run("ip", "-n", self.name, *words)

    def python(self, code: str) -> list[str]:
        """Run code in the namespace, in a process of its own, and return the lines it printed."""
        words = ["ip", "netns", "exec", self.name, sys.executable, "-c", code]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


def run(*words: str) -> None:
    """Run a command that has to succeed."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"


@contextmanager
def namespace() -> Iterator[Namespace]:
    """Make a namespace, and remove it with every interface in it. Needs root."""
    name = f"superd-test-{os.getpid()}-{next(_numbers)}"
    run("ip", "netns", "add", name)
    try:
        made = Namespace(name)
        made.ip("link", "set", "lo", "up")
        yield made
    finally:
        run("ip", "netns", "del", name)
