"""Compares finger with in.fingerd under xinetd, and shows whom thousands of slow clients delay; needs root and quiet.

Run as ``python -m benchmarks.finger``. Queries are about an account without a home, so that both servers tell the same.
The limit of open files (``ulimit -n``) must be above the number of clients.
"""

import argparse
import asyncio
import multiprocessing
import resource
import shutil
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks import servers
from benchmarks.servers import HOST, Server, Service

PORT = 79
SECONDS = 3.0
"""Seconds of one measurement of a rate."""

CLIENTS = (1, 16)
DEADLINE = 10
"""Seconds a client has for its query (``request_timeout``)."""

TIMEOUT = 60.0
"""Seconds after which a client has failed."""

Configure = Callable[[Sequence[Service], Path], str]


def _ours(_services: Sequence[Service], directory: Path) -> str:
    own = "type = INTERNAL\nfields = name home shell\nminimum_uid = 0\nmatch = name\n"
    return _conf(directory, f"{own}request_timeout = {DEADLINE}\n")


def _theirs(server: str) -> Configure:
    return lambda _services, directory: _conf(directory, f"server = {server}\nuser = {servers.USER}\n")


def _conf(directory: Path, own: str) -> str:
    log = f"log_type = FILE {directory}/services.log\nlog_on_success = PID HOST EXIT DURATION\n"
    limits = "instances = UNLIMITED\nper_source = UNLIMITED\ncps = 0 1\nflags = NOLIBWRAP\n"
    shape = f"socket_type = stream\nprotocol = tcp\nwait = no\nbind = {HOST}\n"
    return f"service finger\n{{\n{shape}{log}{limits}{own}}}\n"


def ask(query: bytes, source: str = "") -> bytes:
    """Ask once and read everything."""
    with socket.create_connection((HOST, PORT), TIMEOUT, (source, 0)) as client:
        client.sendall(query)
        data = b""
        while piece := client.recv(65536):
            data += piece
        return data


def _client(query: bytes, number: int) -> int:
    end, done = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        if not ask(query, f"127.101.0.{number + 1}"):
            raise ConnectionError("an empty answer")
        done += 1
    return done


def rate(query: bytes, clients: int) -> float:
    """Measure requests per second."""
    with multiprocessing.Pool(clients) as pool:
        return sum(pool.map(partial(_client, query), range(clients), 1)) / SECONDS


async def _slow(begun: asyncio.Semaphore) -> float:
    """Send a byte a second until we are closed; return the seconds that took."""
    reader, writer = await asyncio.open_connection(HOST, PORT)
    started = time.monotonic()
    end = asyncio.ensure_future(reader.read())
    begun.release()
    with suppress(ConnectionError):
        while not end.done():
            writer.write(b"x")
            await asyncio.wait([end], timeout=1)
        await end
    writer.close()
    return time.monotonic() - started


async def _fast(query: bytes) -> float:
    started = time.monotonic()
    reader, writer = await asyncio.open_connection(HOST, PORT)
    writer.write(query)
    async with asyncio.timeout(TIMEOUT):
        if not (await reader.read()).endswith(b"\n"):
            raise ConnectionError("an empty answer")
    writer.close()
    return time.monotonic() - started


async def many(query: bytes, clients: int) -> None:
    """Half of the clients send a byte a second, then the other half ask, all at once."""
    begun = asyncio.Semaphore(0)
    slow = [asyncio.create_task(_slow(begun)) for _ in range(clients // 2)]
    for _ in slow:
        await begun.acquire()
    alone = await _fast(query)
    answered = sorted(await asyncio.gather(*(_fast(query) for _ in range(clients // 2))))
    still = sum(not task.done() for task in slow)
    closed = await asyncio.gather(*slow)
    print(f"{len(slow)} slow clients, {still} of them still connected when the last fast one was answered")
    print(f"one fast client beside them: {alone * 1000:.1f} ms")
    percentile = answered[len(answered) * 99 // 100]
    print(
        f"{len(answered)} fast clients at once: median {statistics.median(answered):.2f} s, 99 % within"
        f" {percentile:.2f} s, last {answered[-1]:.2f} s"
    )
    print(f"slow clients were closed after {min(closed):.1f} to {max(closed):.1f} s (deadline {DEADLINE} s)")


def _compared() -> list[Server]:
    ours = replace(servers.superd("superd", "info"), configure=_ours)
    binary, fingerd = shutil.which("xinetd"), shutil.which("in.fingerd", path="/usr/sbin:/usr/libexec")
    if not binary or not fingerd:
        return [ours]
    return [ours, replace(servers.xinetd(binary), name="in.fingerd", configure=_theirs(fingerd))]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=10_000, help="clients of the second part")
    parser.add_argument("--user", default="daemon", help="whom to ask about")
    arguments = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    query = f"{arguments.user}\r\n".encode()
    service = Service("finger", PORT)
    for server in _compared():
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            directory.chmod(0o755)
            with server.running([service], directory):
                for clients in CLIENTS:
                    print(f"{server.name}: {rate(query, clients):.0f} requests/s with {clients} clients")
                if server.name == "superd":
                    asyncio.run(many(query, arguments.clients))


if __name__ == "__main__":
    main()
