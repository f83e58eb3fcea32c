"""Work that blocks until a test lets it go on: ``Gate``."""

import threading

from helpers.working import DEADLINE


class Gate:
    """Work that waits until the test opens it."""

    def __init__(self) -> None:
        self.entered = 0
        self._open = threading.Event()

    def __call__(self) -> str:
        self.entered += 1
        assert self._open.wait(DEADLINE)
        return "through"

    def open(self) -> None:
        self._open.set()
