"""Datagram services with ``wait = no``: a program for each peer, bounded, and drained."""

import asyncio

from helpers.working import DatagramClient, bound, eventually, program, service, working
from superd.config.model import Limits, SocketType
from superd.config.origin import Origin
from superd.config.written import Written
from superd.privsep.messages import Drain, Drained

DGRAM = SocketType.DGRAM
HERE = Origin("test.conf", 3)


async def test_each_peer_has_a_program_and_each_record_is_a_datagram() -> None:
    async with working((service(program(), kind=DGRAM), bound(DGRAM))) as worker:
        with DatagramClient(worker) as one, DatagramClient(worker) as two:
            for client, text in ((one, b"one"), (two, b"two")):
                client.send(text + b"-a")
                client.send(text + b"-b")
                launch, sock = await worker.launcher.launch()
                assert (launch.peer_host, launch.peer_port) == client.socket.getsockname()
                with sock:
                    assert sock.recv(100) == text + b"-a"
                    assert await asyncio.to_thread(sock.recv, 100) == text + b"-b"
                    for answer in (b"1" + text, b"2" + text):
                        sock.send(answer)
                    assert [await client.receive(), await client.receive()] == [b"1" + text, b"2" + text]
                    worker.launcher.started(launch)


async def test_the_last_words_of_a_program_reach_its_peer() -> None:
    async with working((service(program(), kind=DGRAM), bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            client.send(b"x")
            launch, sock = await worker.launcher.launch()
            with sock:
                for number in range(50):
                    sock.send(b"%d" % number)
                worker.launcher.exited(launch)
            assert [await client.receive() for _ in range(50)] == [b"%d" % number for number in range(50)]


async def test_a_silent_peer_is_an_end_of_file_and_its_next_datagram_a_new_program() -> None:
    limits = Limits(idle_timeout=0.1)
    async with working((service(program(), kind=DGRAM, limits=limits), bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            client.send(b"x")
            launch, sock = await worker.launcher.launch()
            worker.launcher.started(launch)
            with sock:
                sock.setblocking(False)
                loop = asyncio.get_running_loop()
                async with asyncio.timeout(5):
                    assert await loop.sock_recv(sock, 100) == b"x"
                    assert await loop.sock_recv(sock, 100) == b""
                sock.send(b"bye")
                assert await client.receive() == b"bye"
                client.send(b"again")
                second, other = await worker.launcher.launch()
                with other:
                    assert second.conn != launch.conn
                    assert other.recv(100) == b"again"


async def test_instances_bounds_the_peers() -> None:
    limits = Limits(instances=Written(value=1, origin=HERE))
    async with working((service(program(), kind=DGRAM, limits=limits), bound(DGRAM))) as worker:
        with DatagramClient(worker) as one, DatagramClient(worker) as two:
            one.send(b"one")
            launch, sock = await worker.launcher.launch()
            with sock:
                two.send(b"two")
                one.send(b"more")
                assert sock.recv(100) == b"one"
                assert await asyncio.to_thread(sock.recv, 100) == b"more"
            worker.launcher.exited(launch)
            await eventually(lambda: worker.engine.live == 0)
            two.send(b"now")
            _, sock = await worker.launcher.launch()
            with sock:
                assert sock.recv(100) == b"now"


async def test_a_draining_worker_lets_the_programs_finish_their_answers() -> None:
    async with working((service(program(), kind=DGRAM), bound(DGRAM))) as worker:
        with DatagramClient(worker) as client:
            client.send(b"x")
            launch, sock = await worker.launcher.launch()
            with sock:
                worker.launcher.started(launch)
                worker.supervisor.channel.send(Drain())
                assert await worker.supervisor.message() == Drained()
                assert [sock.recv(100), await asyncio.to_thread(sock.recv, 100)] == [b"x", b""]
                sock.send(b"answer")
                assert await client.receive() == b"answer"
            await worker.ended()
