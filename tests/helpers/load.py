"""Keeps an echo service busy while a test does something to its daemon: ``load``."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from helpers import net

UNLIMITED = {"cps": "0 1"}
"""Attributes that a service under load needs: without them it pauses after 50 connections a second."""


@contextmanager
def load(port: int, clients: int = 3) -> Iterator[list[str]]:
    """Clients that connect, echo and close without pause; gives the list of what went wrong for them."""
    wrong: list[str] = []
    over = threading.Event()
    served = threading.Semaphore(0)

    def client() -> None:
        while not over.is_set():
            try:
                answer = net.tcp(port, b"load")
            except OSError as error:
                wrong.append(repr(error))
            else:
                served.release()
                if answer != b"load":
                    wrong.append(repr(answer))

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        _served(served, 20)
        yield wrong
        _served(served, 20)
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _served(served: threading.Semaphore, times: int) -> None:
    for _ in range(times):
        assert served.acquire(timeout=net.DEADLINE), "the load got no answer"
