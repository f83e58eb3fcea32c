"""The real xinetd, asked on loopback, writes lines of the shapes that are written here."""

import re
from pathlib import Path

import pytest

from helpers.net import free_port, tcp, wait_until
from helpers.peers import xinetd as real_xinetd
from superd.log import xinetd
from superd.log.files import SERVICE_LOG_MODE

SUCCESS = frozenset({"PID", "HOST", "EXIT", "DURATION"})

STANZAS = """
defaults
{{
    log_type = FILE {log}
    log_on_success = PID HOST EXIT DURATION
    log_on_failure = HOST
}}
service gone
{{
    type = UNLISTED
    socket_type = stream
    protocol = tcp
    port = {gone}
    bind = 127.0.0.1
    wait = no
    user = root
    server = /bin/false
}}
service refused
{{
    type = UNLISTED
    socket_type = stream
    protocol = tcp
    port = {refused}
    bind = 127.0.0.1
    wait = no
    user = root
    server = /bin/false
    instances = 0
}}
service daytime
{{
    type = INTERNAL UNLISTED
    socket_type = stream
    protocol = tcp
    port = {daytime}
    bind = 127.0.0.1
    wait = no
}}
"""


def normalised(line: str) -> str:
    """The line with one stamp and one process id for all, except the 0 of no process."""
    stamped = re.sub(r"^\d\d/\d{1,2}/\d{1,2}@\d\d:\d\d:\d\d: ", "STAMP ", line)
    return re.sub(r"pid=[1-9]\d*", "pid=54", stamped)


@pytest.mark.peer
@pytest.mark.root
def test_the_real_xinetd_writes_the_same_lines(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    ports = {"gone": free_port(), "refused": free_port(), "daytime": free_port()}
    with real_xinetd(STANZAS.format(log=log, **ports)):
        for port in ports.values():
            tcp(port)
        wait_until(lambda: len(log.read_text().splitlines()) >= 4, "xinetd logged four lines")
    assert sorted(normalised(line) for line in log.read_text().splitlines()) == [
        f"STAMP {xinetd.exited('gone', SUCCESS, 54, 1 << 8, 0)}",
        f"STAMP {xinetd.fail('refused', frozenset({'HOST'}), 'service_limit', '127.0.0.1')}",
        f"STAMP {xinetd.start('daytime', SUCCESS, 0, '127.0.0.1')}",
        f"STAMP {xinetd.start('gone', SUCCESS, 54, '127.0.0.1')}",
    ]
    assert log.stat().st_mode & 0o777 == SERVICE_LOG_MODE
