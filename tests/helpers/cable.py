"""Two network namespaces joined by a cable (veth(4)): a server that has an address, and a client that has none yet."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from helpers.namespace import Namespace, namespace

SERVER = "192.0.2.1"
MAC = "52:54:00:12:34:56"
"""The client's."""


@dataclass(frozen=True)
class Cable:
    """Both ends; the client's interface is called ``wire``."""

    server: Namespace
    client: Namespace

    def at_client(self, *words: str, seconds: float = 30.0) -> "subprocess.CompletedProcess[str]":
        """Run a program at the client's end."""
        words = (*entering(self.client), *words)
        return subprocess.run(words, capture_output=True, text=True, timeout=seconds, check=False)

    def at_server(self, code: str) -> list[str]:
        """Run Python code at the server's end and return the lines it printed."""
        return self.server.python(code)

    def listening(self, code: str) -> "subprocess.Popen[str]":
        """Start Python code at the client's end."""
        words = [*entering(self.client), sys.executable, "-c", code]
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)


def entering(where: Namespace) -> tuple[str, ...]:
    """What to put in front of a command that is to run there."""
    return "nsenter", f"--net=/run/netns/{where.name}"


@contextmanager
def cable() -> Iterator[Cable]:
    """Join two namespaces. Needs root."""
    with ExitStack() as cleanup:
        server, client = cleanup.enter_context(namespace()), cleanup.enter_context(namespace())
        join(server, client, "wire", f"{SERVER}/24")
        yield Cable(server, client)


def join(server: Namespace, client: Namespace, name: str, address: str) -> None:
    """Lay a cable; ``name`` and ``address`` are those of the server's end."""
    server.ip("link", "add", name, "type", "veth", "peer", "name", "wire", "netns", client.name)
    client.ip("link", "set", "wire", "address", MAC)
    server.ip("address", "add", address, "broadcast", "+", "dev", name)
    server.ip("link", "set", name, "up")
    client.ip("link", "set", "wire", "up")
