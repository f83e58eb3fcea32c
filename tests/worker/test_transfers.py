"""Services whose requests each get a port of their own, under a worker: who is served, from where, and how many."""

import asyncio
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.working import DEADLINE, Worker, bound, eventually, service, working
from superd.config.model import Access, AddressPattern, Builtin, Limits, Service, SocketType
from superd.config.origin import Origin
from superd.config.written import Written
from superd.net import ports
from superd.net import transfer as driver
from superd_services.tftp.files import Files
from superd_services.tftp.options import TftpOptions
from superd_services.tftp.requests import Tftp

DGRAM = SocketType.DGRAM
HERE = Origin("test.conf", 3)
DATA = bytes(number % 251 for number in range(2000))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    (tmp_path / "f").write_bytes(DATA)
    (tmp_path / "f").chmod(0o644)
    return tmp_path


def tftp(
    root: Path, *, access: Access | None = None, limits: Limits | None = None, **options: object
) -> Service:
    action = Builtin(name="tftp", options=TftpOptions(root=(str(root),), **options))
    return service(action, kind=DGRAM, access=access, limits=limits)


class Client:
    """One client's port; it answers only when told to."""

    def __init__(self, worker: Worker, source: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self.server = worker.address()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(DEADLINE)
        self.socket.bind(source)
        self.tid: tuple[str, int] = self.server

    def ask(self, data: bytes = b"\0\1f\0octet\0", host: str = "") -> None:
        self.socket.sendto(data, (host or self.server[0], self.server[1]))

    async def receive(self) -> bytes:
        data, self.tid = await asyncio.to_thread(self.socket.recvfrom, 65536)
        return data

    def answer(self, data: bytes) -> None:
        self.socket.sendto(data, self.tid)

    async def read(self, host: str = "") -> bytes:
        """Read the whole file."""
        self.ask(host=host)
        found = b""
        while True:
            data = await self.receive()
            assert data[:2] == b"\0\3", data
            self.answer(b"\0\4" + data[2:4])
            found += data[4:]
            if len(data) < 516:
                return found

    async def silent(self) -> bool:
        """Tell that nothing has come, after the worker had its turn."""
        for _ in range(20):
            await asyncio.sleep(0)
        return not select.select([self.socket], [], [], 0)[0]


@contextmanager
def client(worker: Worker, source: str = "127.0.0.1") -> Iterator[Client]:
    one = Client(worker, (source, 0))
    try:
        yield one
    finally:
        one.socket.close()


def live(worker: Worker) -> int:
    return worker.engine.live


def refused(worker: Worker) -> str:
    return next(line.text for line in worker.engine.state() if line.field == "refused")


async def test_a_file_is_read_from_a_port_of_its_own(root: Path) -> None:
    async with working((tftp(root), bound(DGRAM))) as worker:
        with client(worker) as one:
            assert await one.read() == DATA
            assert one.tid != one.server
        await eventually(lambda: not live(worker))


async def test_with_a_single_port_all_come_from_it(root: Path) -> None:
    async with working((tftp(root, single_port=True), bound(DGRAM))) as worker:
        with client(worker) as one, client(worker) as other:
            assert set(await asyncio.gather(one.read(), other.read())) == {DATA}
            assert one.tid == other.tid == one.server
        await eventually(lambda: not live(worker))


async def test_ports_come_from_the_range(root: Path) -> None:
    with bound(DGRAM) as sock:
        port = sock.getsockname()[1]
    async with working((tftp(root, port_range=(port, port)), bound(DGRAM))) as worker:
        with client(worker) as one, client(worker) as other:
            one.ask()
            await one.receive()
            assert one.tid[1] == port
            other.ask()
            await eventually(lambda: refused(worker) == "1")


@pytest.mark.parametrize("single_port", [False, True])
async def test_the_answer_comes_from_the_address_that_was_asked(root: Path, single_port: bool) -> None:
    async with working((tftp(root, single_port=single_port), bound(DGRAM, "0.0.0.0"))) as worker:
        with client(worker) as one:
            assert await one.read(host="127.0.0.77") == DATA
            assert one.tid[0] == "127.0.0.77"


async def test_ipv6(root: Path) -> None:
    async with working((tftp(root), bound(DGRAM, "::1"))) as worker:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.settimeout(DEADLINE)
            sock.sendto(b"\0\1f\0octet\0", worker.sockets[0].getsockname())
            data, tid = await asyncio.to_thread(sock.recvfrom, 65536)
            assert data == b"\0\3\0\1" + DATA[:512]
            assert tid[1] != worker.address()[1]


async def test_a_stranger_at_a_transfer_s_port_gets_nothing_and_disturbs_nobody(root: Path) -> None:
    async with working((tftp(root), bound(DGRAM))) as worker:
        with client(worker) as one, client(worker) as stranger:
            one.ask()
            first = await one.receive()
            stranger.tid = one.tid
            for data in (b"\0\4\0\1", b"\0\5\0\0stop\0", b"\0\1f\0octet\0"):
                stranger.answer(data)
            one.answer(b"\0\4" + first[2:4])
            assert (await one.receive())[2:4] == b"\0\2"
            assert await stranger.silent()


@pytest.mark.parametrize(
    "data", [b"", b"\0\3\0\1x", b"\0\4\0\1", b"\0\5\0\0x\0", b"\0\6", b"\0\7", b"x" * 2000]
)
async def test_strays_at_the_service_s_port_are_neither_answered_nor_counted(root: Path, data: bytes) -> None:
    async with working((tftp(root), bound(DGRAM))) as worker:
        with client(worker) as stray, client(worker) as one:
            stray.ask(data)
            assert await one.read() == DATA
            assert await stray.silent()
            assert refused(worker) == "0"


async def test_a_repeated_request_starts_nothing(root: Path) -> None:
    async with working((tftp(root), bound(DGRAM))) as worker:
        with client(worker) as one:
            one.ask()
            await one.receive()
            first = one.tid
            one.ask()
            one.answer(b"\0\4\0\1")
            assert (await one.receive())[2:4] == b"\0\2"
            assert one.tid == first
            assert live(worker) == 1


async def test_a_request_after_a_long_silence_starts_anew(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "RESTART_AFTER", 0.0)
    async with working((tftp(root), bound(DGRAM))) as worker:
        with client(worker) as one:
            one.ask()
            await one.receive()
            first = one.tid
            one.ask()
            await one.receive()
            assert one.tid != first
            assert live(worker) == 1


async def test_a_refused_client_gets_silence_and_others_do_not(root: Path) -> None:
    pattern = AddressPattern(text="127.0.0.9", origin=HERE, network="127.0.0.9/32")
    svc = tftp(root, access=Access(no_access=(pattern,)))
    async with working((svc, bound(DGRAM, "0.0.0.0"))) as worker:
        with client(worker, "127.0.0.9") as unwanted, client(worker, "127.0.0.10") as other:
            unwanted.ask(host="127.0.0.1")
            assert await other.read(host="127.0.0.1") == DATA
            assert await unwanted.silent()
            assert refused(worker) == "1"


async def test_instances_count_transfers(root: Path) -> None:
    limits = Limits(instances=Written(value=1, origin=HERE))
    async with working((tftp(root, limits=limits), bound(DGRAM))) as worker:
        with client(worker) as one, client(worker) as other:
            one.ask()
            await one.receive()
            other.ask()
            await eventually(lambda: refused(worker) == "1")
            one.answer(b"\0\5\0\0enough\0")
            await eventually(lambda: not live(worker))
            assert await other.read() == DATA


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two transfers at a time."""
    make = Tftp.__init__

    def with_limit(self: Tftp, options: TftpOptions, files: Files) -> None:
        make(self, options, files)
        self.settings = replace(self.settings, limit=2)

    monkeypatch.setattr(Tftp, "__init__", with_limit)


async def test_requests_that_nobody_stands_behind_shut_nobody_out(root: Path, few: None) -> None:
    async with working((tftp(root), bound(DGRAM))) as worker:
        with client(worker) as forged, client(worker) as forged_too, client(worker) as one:
            forged.ask()
            forged_too.ask()
            await eventually(lambda: live(worker) == 2)
            assert await one.read() == DATA
            await eventually(lambda: live(worker) == 1)


async def test_who_has_answered_keeps_the_place(root: Path, few: None) -> None:
    async with working((tftp(root), bound(DGRAM))) as worker:
        with client(worker) as first, client(worker) as second, client(worker) as third:
            for each in (first, second):
                each.ask()
                each.answer(b"\0\4" + (await each.receive())[2:4])
                await each.receive()
            third.ask()
            await eventually(lambda: refused(worker) == "1")
            assert await third.silent()
            assert live(worker) == 2


async def test_a_client_that_went_away_is_noticed(root: Path) -> None:
    async with working((tftp(root), bound(DGRAM))) as worker:
        with client(worker) as one:
            one.ask()
            await one.receive()
        await eventually(lambda: not live(worker))


async def test_a_port_that_could_loop_gets_nothing(root: Path) -> None:
    second = bound(DGRAM)
    async with working((tftp(root), bound(DGRAM)), (tftp(root), second)) as worker:
        second.sendto(b"\0\1f\0octet\0", worker.address())  # as if somebody had forged it
        await eventually(lambda: refused(worker) == "1")
        assert live(worker) == 0


async def test_a_written_file_holds_up_no_drain_and_its_last_acknowledgement_can_be_had_again(
    root: Path,
) -> None:
    async with working((tftp(root, create=True), bound(DGRAM))) as worker:
        with client(worker) as one:
            one.ask(b"\0\2new\0octet\0")
            assert await one.receive() == b"\0\4\0\0"
            for _ in range(2):
                one.answer(b"\0\3\0\1end")
                assert await one.receive() == b"\0\4\0\1"
            assert (root / "new").read_bytes() == b"end"
            assert live(worker) == 0
            assert await one.read() == DATA  # from the same port, as interactive clients do


async def test_the_end_of_a_worker_ends_its_transfers(root: Path) -> None:
    async with working((tftp(root), bound(DGRAM)), drain_timeout=0.1) as worker:
        with client(worker) as one:
            one.ask()
            await one.receive()
            await worker.drain()
            assert live(worker) == 0


def test_a_transfer_s_socket_knows_the_size_of_the_path() -> None:
    with bound(DGRAM) as peer, ports.connected("127.0.0.1", peer.getsockname(), None) as sock:
        assert ports.payload(sock) == 65535 - 28
        assert sock.getsockopt(socket.IPPROTO_IP, ports.IP_MTU_DISCOVER) == ports.IP_PMTUDISC_DONT
