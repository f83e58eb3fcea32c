"""Transfers over a network that loses, repeats, delays and reorders datagrams arrive whole, and none hangs.

``SUPERD_TFTP_TRANSFERS`` says how many; the default suits every run; 1,000 take about a minute.
"""

import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from helpers import tftp
from helpers.lossy import STORM, Weather, lossy
from helpers.tftp_servers import Served, superd

TRANSFERS = int(os.environ.get("SUPERD_TFTP_TRANSFERS", "160"))
SIDE_BY_SIDE = 24
LARGEST = 100_000
SEED = 1123

RETRANSMIT = 0.15
"""Seconds; short, because every loss costs one."""

SILENCE = 0.5
"""The client's; longer, so that the server does its part."""

WEATHERS = {
    "storm": STORM,
    "loss": Weather(loss=0.1),
    "repetition": Weather(repeat=0.5),
    "disorder": Weather(delay=0.5, seconds=0.03),
}


@dataclass(frozen=True)
class Task:
    """One transfer, drawn at random."""

    name: str
    writes: bool
    content: bytes
    options: dict[str, int]

    def run(self, address: tftp.Address, served: Served) -> bool:
        """Tell whether it came through whole."""
        if self.writes:
            tftp.put(address, self.name, self.content, self.options, silence=SILENCE, patience=90)
            return (served.root / self.name).read_bytes() == self.content
        (served.root / self.name).write_bytes(self.content)
        return tftp.get(address, self.name, self.options, silence=SILENCE, patience=90).data == self.content


def tasks(count: int) -> Iterator[Task]:
    """As many transfers of random size, direction and options."""
    draw = random.Random(SEED)
    for number in range(count):
        blksize = draw.choice([None, 64, 512, 1000, 1428, 8192, 65464])
        unit = blksize or 512
        size = min(draw.choice([0, unit, draw.randrange(LARGEST), unit * draw.randrange(1, 40)]), 150 * unit)
        asked = {
            "blksize": blksize,
            "windowsize": draw.choice([None, 1, 2, 4, 16, 64]),
            "tsize": draw.choice([None, 0]),
        }
        options = {name: value for name, value in asked.items() if value is not None}
        writes = draw.random() < 0.4
        if writes and "tsize" in options:
            options["tsize"] = min(size, LARGEST)
        yield Task(f"file-{number}", writes, draw.randbytes(min(size, LARGEST)), options)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("weather", WEATHERS)
def test_every_transfer_arrives_whole(weather: str) -> None:
    lines = ("create = yes", "per_source = UNLIMITED", "instances = UNLIMITED")
    with superd(*lines, options=["--drain", "1"], retransmit=RETRANSMIT, retries=12) as served:
        served.root.chmod(0o777)
        with (
            lossy(served.address, WEATHERS[weather], SEED) as proxy,
            ThreadPoolExecutor(SIDE_BY_SIDE) as pool,
        ):
            drawn = list(tasks(TRANSFERS // len(WEATHERS)))
            whole = list(pool.map(lambda task: task.run(proxy.address, served), drawn))
        assert proxy.counts.passed > len(drawn)
        assert [task for task, good in zip(drawn, whole, strict=True) if not good] == []
