"""Ident servers for tests: ``identd`` runs a script, ``oidentd`` the real one; ``entered`` a network namespace."""

import ctypes
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from helpers.namespace import Namespace, namespace
from helpers.net import DEADLINE, is_open, wait_until
from helpers.peers import find

Script = Callable[[socket.socket, bytes], None]
"""What a server does with a connection after the question; then the connection is closed."""

_CLONE_NEWNET = 0x40000000
_SILENCE = struct.pack("ii", 1, 0)
"""SO_LINGER that makes close(2) reset the connection."""


@dataclass
class Server:
    """A running server: where it listens, who asked what, how many at a time, and how many connections are over."""

    port: int
    sources: list[str] = field(default_factory=list)
    questions: list[bytes] = field(default_factory=list)
    open: int = 0
    peak: int = 0
    over: int = 0


@contextmanager
def identd(script: Script, host: str = "127.0.0.1", port: int = 0) -> Iterator[Server]:
    """Run a scripted ident server in threads."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    address = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0][4]
    listener = socket.create_server(address, family=family)
    server = Server(listener.getsockname()[1])
    thread = threading.Thread(target=_accept, args=(listener, server, script))
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(DEADLINE)
        listener.close()


def _accept(listener: socket.socket, server: Server, script: Script) -> None:
    threads = []
    with suppress(OSError):  # shut down
        while True:
            connection, source = listener.accept()
            server.sources.append(source[0])
            thread = threading.Thread(target=_serve, args=(connection, server, script))
            thread.start()
            threads.append(thread)
    for thread in threads:
        thread.join(DEADLINE)


def _serve(connection: socket.socket, server: Server, script: Script) -> None:
    server.open += 1
    server.peak = max(server.peak, server.open)
    with connection, suppress(OSError):
        connection.settimeout(DEADLINE)
        question = connection.recv(100)
        server.questions.append(question)
        script(connection, question)
    server.open -= 1
    server.over += 1


def says(reply: str | bytes) -> Script:
    """Answer with this text, in which ``PORTS`` stands for the ports of the question."""

    def script(connection: socket.socket, question: bytes) -> None:
        data = reply.encode() if isinstance(reply, str) else reply
        connection.sendall(data.replace(b"PORTS", question.strip()))

    return script


def dribbles(reply: str) -> Script:
    """Answer byte by byte, each in a segment of its own."""

    def script(connection: socket.socket, question: bytes) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in reply.encode().replace(b"PORTS", question.strip()):
            connection.sendall(bytes([byte]))

    return script


def hangs(connection: socket.socket, _question: bytes) -> None:
    """Say nothing until the client hangs up."""
    connection.recv(1)


def resets(connection: socket.socket, _question: bytes) -> None:
    """Reset the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _SILENCE)


def closes(_connection: socket.socket, _question: bytes) -> None:
    """Hang up without a word."""


def never_ends(connection: socket.socket, _question: bytes) -> None:
    """Send a line without end, until the client hangs up."""
    while True:
        connection.sendall(b"a" * 4096)


@contextmanager
def entered(space: Namespace) -> Iterator[None]:
    """Let this thread's new sockets and programs be in a namespace."""
    setns = ctypes.CDLL(None, use_errno=True).setns
    with Path("/proc/thread-self/ns/net").open("rb") as home:
        with Path(f"/run/netns/{space.name}").open("rb") as there:
            assert setns(there.fileno(), _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert setns(home.fileno(), _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())


@contextmanager
def isolated() -> Iterator[Namespace]:
    """A namespace made for the block and entered, where port 113 is free. Needs root."""
    with namespace() as made, entered(made):
        yield made


@contextmanager
def oidentd(host: str = "127.0.0.1") -> Iterator[None]:
    """Run the real oidentd on port 113."""
    words = [find("oidentd"), "--foreground", "--nosyslog", "--quiet", "--address", host]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: is_open(113, host), "oidentd listens")
        yield
    finally:
        process.terminate()
        process.wait(DEADLINE)
