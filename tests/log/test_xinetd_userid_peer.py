"""The real xinetd, with an ident server beside it, writes the USERID and NOID lines that are written here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers.ident import Script, closes, identd, isolated, resets, says
from helpers.net import tcp, wait_until
from helpers.peers import xinetd as real_xinetd
from superd.log import xinetd
from superd.lookup.ident import Failure
from superd.lookup.ident_protocol import Answer, Reply

pytestmark = [pytest.mark.peer, pytest.mark.root]

PLAIN, ONLY, FULL, REFUSED = 7001, 7002, 7003, 7004

COMMON = """
    type = UNLISTED
    socket_type = stream
    protocol = tcp
    bind = 127.0.0.1
    wait = no
    user = root
    server = /bin/cat
"""

STANZAS = f"""
defaults
{{{{
    log_type = FILE {{log}}
    log_on_success = HOST EXIT USERID
    log_on_failure = HOST USERID
}}}}
service plain
{{{{
    port = {PLAIN} {COMMON}
}}}}
service only
{{{{
    port = {ONLY} {COMMON}
    flags = IDONLY
}}}}
service full
{{{{
    port = {FULL} {COMMON}
    instances = 0
}}}}
service refused
{{{{
    port = {REFUSED} {COMMON}
    no_access = 127.0.0.1
}}}}
"""


@dataclass
class Real:
    """The running xinetd and its service log."""

    log: Path
    read: int = 0

    def lines(self, port: int, script: Script, count: int) -> list[str]:
        """What is logged about one client while this script answers: so many lines, without stamps and sorted.

        xinetd writes START, and the child that asks writes USERID: on a busy machine in either order.
        """
        with identd(script, port=113):
            tcp(port, b"hello")
            wait_until(lambda: len(self._new()) >= count, f"{count} more lines in {self.log.read_bytes()!r}")
        new = self._new()
        self.read += len(new)
        return sorted(re.sub(r"^[\d/]+@[\d:]+: ", "", line) for line in new)

    def _new(self) -> list[str]:
        return self.log.read_bytes().decode("latin-1").splitlines()[self.read :]


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Real]:
    log = tmp_path / "log"
    log.touch()
    with isolated(), real_xinetd(STANZAS.format(log=log)):
        yield Real(log)


def text(reply: str) -> str:
    """What superd makes of the same reply for its log."""
    answer = Reply(1, 2).receive(reply.replace("PORTS", "1,2").encode())
    assert isinstance(answer, Answer)
    return answer.text


def test_xinetd_names_the_user_of_who_was_admitted_and_of_who_was_refused(real: Real) -> None:
    alice = "PORTS : USERID : UNIX : alice\r\n"
    for port, name in ((PLAIN, "plain"), (ONLY, "only")):
        assert real.lines(port, says(alice), 3) == [
            f"EXIT: {name} status=0",
            f"START: {name} from=127.0.0.1",
            xinetd.userid(name, text(alice)),
        ]
    assert real.lines(FULL, says(alice), 2) == [
        "FAIL: full service_limit from=127.0.0.1",
        xinetd.userid("full", text(alice)),
    ]


def test_xinetd_writes_the_answer_as_it_came(real: Real) -> None:
    for reply in (
        "PORTS:USERID:UNIX,UTF-8:bob\r\n",
        "PORTS : USERID :  OTHER :  al ice  \r\n",
        "PORTS : USERID : UNIX : " + "a" * 512 + "\r\n",
    ):
        lines = real.lines(PLAIN, says(reply), 3)
        assert lines[2] == xinetd.userid("plain", text(reply))


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        (says("PORTS : ERROR : NO-USER\r\n"), Failure.BAD),
        (says("1,2 : USERID : UNIX : root\r\n"), Failure.BAD),
        (says("PORTS : USERID : UNIX : bob"), Failure.RECEIVING),
        (says("a" * 6000), Failure.RECEIVING),
        (closes, Failure.RECEIVING),
        (resets, Failure.RECEIVING),
    ],
    ids=["error", "other connection", "no end", "too long", "closed", "reset"],
)
def test_xinetd_says_in_these_words_why_nobody_was_named(
    real: Real, script: Script, failure: Failure
) -> None:
    assert real.lines(ONLY, script, 3) == [
        "EXIT: only status=0",
        xinetd.noid("only", "127.0.0.1", failure),
        "START: only from=127.0.0.1",
    ]
    assert real.lines(PLAIN, script, 2) == ["EXIT: plain status=0", "START: plain from=127.0.0.1"]


def test_xinetd_says_in_these_words_that_there_is_no_server(real: Real) -> None:
    tcp(ONLY, b"hello")
    wait_until(lambda: real.log.read_text().count("\n") >= 3, "three lines")
    assert xinetd.noid("only", "127.0.0.1", Failure.NO_SERVER) in real.log.read_text()


def test_xinetd_does_not_ask_about_a_client_that_its_child_refused(real: Real) -> None:
    with identd(says("PORTS : USERID : UNIX : alice\r\n"), port=113) as server:
        tcp(REFUSED, b"hello")
        wait_until(lambda: "EXIT: refused" in real.log.read_text(), "the child has ended")
    assert "FAIL: refused address from=127.0.0.1\n" in real.log.read_text()
    assert server.questions == []
