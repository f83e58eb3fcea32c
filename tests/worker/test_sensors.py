"""Sensors under a worker: whom they report, whom they only log, and what clients see of a ban."""

import asyncio
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from helpers.working import (
    DEADLINE,
    DatagramClient,
    Worker,
    bound,
    eventually,
    file_log,
    service,
    talk,
    working,
)
from superd.access import addresses
from superd.access.bans import FOREVER, Ban
from superd.config.model import Access, Banners, Sensor, Service, SocketType
from superd.config.origin import Origin
from superd.log import connections
from superd.privsep.messages import Ban as Touch
from superd.privsep.messages import Banned, Dump, StateEnd
from superd.worker.sensors import ban_of

HERE = Origin("test.conf", 1)
TOUCH = Touch("trap", "127.0.0.1")


def sensor(access: Access, log_path: Path | None = None, kind: SocketType = SocketType.STREAM) -> Service:
    log = file_log(log_path) if log_path else None
    plain = service(key="trap", kind=kind, access=access, banners=Banners(failure=b"no\n"), log=log)
    return plain.model_copy(update={"action": Sensor()})


def banned(host: str, until: float = -1.0) -> Banned:
    return Banned(host, until, "trap", HERE.file, HERE.line)


async def until_refused(worker: Worker, index: int = 0) -> None:
    """Connect until nothing comes back: the worker has read what the supervisor said by then."""
    async with asyncio.timeout(DEADLINE):
        while await talk(worker, b"x", index):  # noqa: ASYNC110 - what is waited for happens in the engine
            await asyncio.sleep(0.01)


async def reports(worker: Worker) -> list[Touch]:
    """What the worker has reported so far: everything before the end of its answer to a question."""
    worker.supervisor.channel.send(Dump())
    found = []
    while (message := await worker.supervisor.message()) != StateEnd():
        found += [message] if isinstance(message, Touch) else []
    return found


async def test_who_connects_is_refused_with_the_banner_and_reported(tmp_path: Path) -> None:
    log_path = tmp_path / "log"
    async with working((sensor(Access(deny_minutes=10), log_path), bound()), log_path=log_path) as worker:
        assert await talk(worker, b"") == b"no\n"
        assert await worker.supervisor.message() == TOUCH
        assert worker.log_lines() == ["FAIL: trap address from=127.0.0.1"]


@pytest.mark.parametrize(
    "access",
    [
        Access(),
        Access(deny_minutes=0),
        Access(deny_minutes=10, no_access=addresses.parse("127.0.0.0/8", HERE)),
        Access(deny_minutes=10, only_from=addresses.parse("192.0.2.0/24", HERE)),
        Access(deny_minutes=10, times=()),
    ],
)
async def test_whom_it_is_not_for_is_refused_and_not_reported(access: Access) -> None:
    async with working((sensor(access), bound())) as worker:
        assert await talk(worker, b"") == b"no\n"
        assert await reports(worker) == []


async def test_a_banned_client_gets_no_service_and_the_log_names_the_sensor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "template", lambda *_: None)  # the events go through structlog, then
    log_path = tmp_path / "log"
    async with working((service(log=file_log(log_path)), bound()), log_path=log_path) as worker:
        assert await talk(worker, b"hello") == b"hello"
        worker.supervisor.channel.send(banned("127.0.0.1"))
        with capture_logs() as logged:
            await until_refused(worker)
        refusals = [each for each in logged if each["event"] == "connection.refused"]
        assert [(each["step"], each["rule"]) for each in refusals] == [
            ("address", "test.conf:1: 127.0.0.1 is banned by sensor trap")
        ]
        assert worker.log_lines()[-1] == "FAIL: svc address from=127.0.0.1"


async def test_a_ban_of_somebody_else_or_one_that_is_over_refuses_nobody() -> None:
    async with working((service(), bound()), (service(key="marked"), bound())) as worker:
        for message in (banned("127.0.0.2"), banned("127.0.0.1", 0.001), banned("::1")):
            worker.supervisor.channel.send(message)
        await reports(worker)
        assert await talk(worker, b"hello") == b"hello"


async def test_a_client_that_goes_on_knocking_is_reported_when_its_ban_gets_longer() -> None:
    async with working((sensor(Access(deny_minutes=10)), bound())) as worker:
        for seconds, expected in ((30.0, [TOUCH]), (6000.0, [])):
            worker.supervisor.channel.send(banned("127.0.0.1", time.monotonic() + seconds))
            await reports(worker)
            await talk(worker, b"")
            assert await reports(worker) == expected


async def test_who_is_banned_for_ever_is_reported_once() -> None:
    async with working((sensor(Access(deny_minutes=-1)), bound())) as worker:
        worker.supervisor.channel.send(banned("127.0.0.1"))
        await reports(worker)
        await talk(worker, b"")
        assert await reports(worker) == []


async def test_senders_of_datagrams_are_logged_and_never_reported(tmp_path: Path) -> None:
    log_path = tmp_path / "log"
    trap = sensor(Access(deny_minutes=10), log_path, SocketType.DGRAM)
    async with working((trap, bound(SocketType.DGRAM)), log_path=log_path) as worker:
        with capture_logs() as logged, DatagramClient(worker) as client:
            for _ in range(3):
                client.send(b"hello")
            await eventually(lambda: len(worker.log_lines()) == 3)
            assert await reports(worker) == []
        events = [each for each in logged if each["event"] == "datagram.refused"]
        assert [(each["peer"], each["rule"]) for each in events] == [
            ("127.0.0.1", "test.conf:1: flags = SENSOR")
        ]
        assert worker.log_lines()[0] == "FAIL: trap address from=127.0.0.1"


def test_for_ever_has_no_end() -> None:
    assert ban_of(banned("192.0.2.1")) == Ban("192.0.2.1", FOREVER, "trap", HERE)
    assert ban_of(banned("192.0.2.1", 5.0)).until == 5.0
