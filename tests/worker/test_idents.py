"""USERID and IDONLY: the ident server of a client is asked, the log has the answer, and nobody waits long for it."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from helpers.working import bound, eventually, program, service, talk, working
from superd.config.model import Access, FileTarget, Limits, Service, ServiceLog
from superd.config.origin import Origin
from superd.config.written import Written
from superd.lookup.ident import Answer, Failure
from superd.service import Peer
from superd.worker.sources import Lookups

HERE = Origin("test.conf", 3)
ALICE = Answer("alice", text="UNIX : alice")
NOBODY = Answer("unknown", "no ident server", failure=Failure.NO_SERVER)


class Server:
    """Ident servers that answer when the test says so."""

    def __init__(self) -> None:
        self.asked: list[Peer] = []
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    async def user(self, peer: Peer, _seconds: float = 0.0) -> Answer:
        self.asked.append(peer)
        return await asyncio.shield(self.answer)


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(Lookups, "ident", property(lambda _self: made))
    return made


def logged(path: Path, **changes: object) -> Service:
    log = ServiceLog(
        target=FileTarget(path=str(path)),
        on_success=frozenset({"HOST", "USERID"}),
        on_failure=frozenset({"HOST", "USERID"}),
    )
    return service("echo", log=log).model_copy(update=changes)


async def test_a_user_is_logged_after_the_start(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "log"
    async with working((logged(path), bound()), log_path=path) as worker:
        server.answer.set_result(ALICE)
        assert await talk(worker, b"x") == b"x"
        await eventually(lambda: len(worker.log_lines()) >= 2)
        assert worker.log_lines()[:2] == ["START: svc from=127.0.0.1", "USERID: svc UNIX : alice"]


async def test_a_server_that_says_nothing_holds_its_client_for_a_moment_only(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("superd.worker.idents.IDENT_GRACE", 0.05)
    path = tmp_path / "log"
    async with working((logged(path), bound()), log_path=path) as worker:
        assert await talk(worker, b"x") == b"x"
        assert len(server.asked) == 1
        assert "USERID" not in path.read_text()
        server.answer.set_result(ALICE)
        await eventually(lambda: "USERID: svc UNIX : alice" in worker.log_lines())


async def test_a_program_is_started_with_the_answer_and_the_log_has_it_after_the_start(
    server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "log"
    svc = logged(path, action=program())
    async with working((svc, bound()), log_path=path) as worker:
        server.answer.set_result(ALICE)
        talking = asyncio.ensure_future(talk(worker))
        launch, sock = await worker.launcher.launch()
        worker.launcher.started(launch)
        await eventually(lambda: len(worker.log_lines()) == 2)
        assert worker.log_lines() == ["START: svc from=127.0.0.1", "USERID: svc UNIX : alice"]
        sock.close()
        await talking


async def test_a_client_over_a_limit_is_asked_about_while_it_is_still_there(
    server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "log"
    full = Limits(instances=Written(value=0, origin=HERE))
    async with working((logged(path, limits=full), bound()), log_path=path) as worker:
        talking = asyncio.ensure_future(talk(worker))
        await eventually(lambda: server.asked)
        assert not talking.done()
        server.answer.set_result(ALICE)
        with suppress(ConnectionResetError):
            assert await talking == b""
        assert worker.log_lines() == ["FAIL: svc service_limit from=127.0.0.1", "USERID: svc UNIX : alice"]


async def test_who_is_refused_by_address_is_not_asked_about(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "log"
    closed = Access(only_from=(), only_from_origin=HERE)
    async with working((logged(path, access=closed), bound()), log_path=path) as worker:
        with suppress(ConnectionResetError):
            assert await talk(worker) == b""
        assert server.asked == []
        assert worker.log_lines() == ["FAIL: svc address from=127.0.0.1"]


@pytest.mark.parametrize(
    ("answer", "served", "first"),
    [(ALICE, True, "START: svc from=127.0.0.1"), (NOBODY, False, "NOID: svc 127.0.0.1 no server")],
)
async def test_idonly_serves_whom_somebody_names(
    server: Server, tmp_path: Path, answer: Answer, served: bool, first: str
) -> None:
    path = tmp_path / "log"
    async with working((logged(path, ident_required=True), bound()), log_path=path) as worker:
        server.answer.set_result(answer)
        with suppress(ConnectionResetError):
            assert await talk(worker, b"x") == (b"x" if served else b"")
        await eventually(worker.log_lines)
        assert worker.log_lines()[0] == first
        assert len(server.asked) == 1


async def test_who_is_held_for_an_answer_counts_as_one_of_the_instances(
    server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "log"
    one = Limits(instances=Written(value=1, origin=HERE))
    log = logged(path).log.model_copy(update={"on_failure": frozenset()})
    async with working((logged(path, limits=one, log=log), bound()), log_path=path) as worker:
        first = asyncio.ensure_future(talk(worker, b"x"))
        await eventually(lambda: server.asked)
        with suppress(ConnectionResetError):
            assert await talk(worker, b"x") == b""
        server.answer.set_result(ALICE)
        assert await first == b"x"
        (runtime,) = worker.engine._runtimes
        await eventually(lambda: not runtime.gate.counters.total)
        assert (runtime.served, runtime.refused) == (1, 1)


async def test_a_worker_that_drains_holds_nobody_for_an_answer(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would end before the answer, and with it a client that was admitted."""
    monkeypatch.setattr("superd.worker.engine.HANDOVER_LIMIT", 0.1)
    (tmp_path / "hosts.allow").write_text("svc: nobody@ALL\n")
    path = tmp_path / "log"
    svc = logged(path, access=Access(daemon="svc"))
    async with working((svc, bound()), log_path=path, hosts=tmp_path) as worker:
        first = asyncio.ensure_future(talk(worker, b"x"))
        await eventually(lambda: server.asked)
        await worker.drain()
        assert await first == b"x"
