"""``resolve``: what a name means, found out by a process that has nothing to lose."""

import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest

from superd.config.model import Family
from superd.net import names
from superd.net.names import ResolveError, resolve

Found = list[tuple[int, int, int, str, tuple[str, int]]]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[bytes, object]:
    """What the C library's resolver says in the child: addresses, an exception, or a function to call."""
    table: dict[bytes, object] = {}

    def getaddrinfo(host: bytes, *_: object) -> Found:
        answer = table[host]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = answer()
        assert isinstance(answer, list)
        return [(0, 0, 0, "", (address, 0)) for address in answer]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return table


def no_child() -> int:
    raise AssertionError("asked a child")


@pytest.mark.parametrize(
    ("host", "family", "expected"),
    [
        ("192.0.2.1", None, ("192.0.2.1",)),
        ("2001:DB8:0::1", None, ("2001:db8::1",)),
        ("fe80::1%eth0", None, ("fe80::1%eth0",)),
        ("localhost", None, ("127.0.0.1", "::1")),
        ("LOCALHOST.", Family.INET, ("127.0.0.1",)),
        ("localhost", Family.INET6, ("::1",)),
    ],
)
def test_numbers_and_localhost_need_no_child(
    host: str, family: Family | None, expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fork", no_child)
    assert resolve(host, family) == expected


@pytest.mark.parametrize("host", ["", "two words", "x\ny", "a..b", "x" * 254, "\N{SNOWMAN}" * 70])
def test_what_is_no_host_name_is_not_asked_for(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", no_child)
    with pytest.raises(ResolveError, match="is not a host name"):
        resolve(host)


def test_a_number_of_the_other_family_is_an_error() -> None:
    with pytest.raises(ResolveError, match=r"host 192\.0\.2\.1 has no IPv6 address"):
        resolve("192.0.2.1", Family.INET6)


def test_addresses_come_in_the_resolvers_order_each_once(answers: dict[bytes, object]) -> None:
    answers[b"host.test"] = ["2001:db8::2", "192.0.2.9", "192.0.2.1", "192.0.2.9"]
    assert resolve("host.test") == ("2001:db8::2", "192.0.2.9", "192.0.2.1")
    assert resolve("host.test", Family.INET) == ("192.0.2.9", "192.0.2.1")


def test_a_name_from_the_hosts_file_is_found() -> None:
    name = socket.gethostname()
    if not any(name in line.split()[1:] for line in Path("/etc/hosts").read_text().splitlines()):
        pytest.skip("this machine's name is not in /etc/hosts")
    assert resolve(name)


def test_an_international_name_is_asked_for_in_ascii(answers: dict[bytes, object]) -> None:
    answers[b"xn--bcher-kva.test"] = ["192.0.2.1"]
    assert resolve("b\u00fccher.test") == ("192.0.2.1",)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "host h.test has no address"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "host h.test could not be looked up just now"),
        (socket.gaierror(socket.EAI_FAIL, "x"), "host h.test could not be looked up just now"),
        (MemoryError(), "host h.test could not be looked up just now"),
        ([], "host h.test has no address"),
        (["nonsense", "\x1b[2J", "1.2.3.4.5"], "host h.test has no address"),
    ],
)
def test_a_failure_names_the_host(answers: dict[bytes, object], answer: object, text: str) -> None:
    answers[b"h.test"] = answer
    with pytest.raises(ResolveError) as caught:
        resolve("h.test")
    assert str(caught.value) == text


def test_a_child_that_hangs_is_killed_at_the_deadline(answers: dict[bytes, object]) -> None:
    answers[b"slow.test"] = signal.pause
    start = time.monotonic()
    with pytest.raises(ResolveError, match=r"host slow\.test: no answer from the name servers in time"):
        resolve("slow.test", deadline=0.2)
    assert time.monotonic() - start < 5
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_an_endless_answer_is_cut_off(answers: dict[bytes, object]) -> None:
    answers[b"many.test"] = [f"10.0.{number // 256}.{number % 256}" for number in range(10000)]
    found = resolve("many.test")
    assert 100 < len(found) <= names.ANSWER_LIMIT // len("10.0.0.0 ") + 1


def test_the_child_has_no_descriptor_but_its_pipe(answers: dict[bytes, object]) -> None:
    def count() -> list[str]:
        targets = set()
        for entry in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):  # the descriptor that lists them
                targets.add(str(entry.readlink()).partition(":")[0])
        return ["192.0.2.1"] if targets - {"/proc"} == {"/dev/null", "pipe"} else []

    answers[b"h.test"] = count
    with socket.socket():
        assert resolve("h.test") == ("192.0.2.1",)


@pytest.mark.root
def test_the_child_is_nobody_and_cannot_be_root_again(answers: dict[bytes, object]) -> None:
    def ids() -> list[str]:
        try:
            os.setuid(0)
        except PermissionError:
            return [f"::{os.getuid():x}", f"::{os.geteuid():x}", f"::ffff:0:{len(os.getgroups())}"]
        return []

    answers[b"h.test"] = ids
    assert resolve("h.test") == ("::fffe", "::ffff:0:0")


def test_signal_handlers_of_the_parent_do_not_run_in_the_child(answers: dict[bytes, object]) -> None:
    def end() -> list[str]:
        os.kill(os.getpid(), signal.SIGTERM)
        return ["192.0.2.1"]

    answers[b"h.test"] = end
    called = []
    before = signal.signal(signal.SIGTERM, lambda *_: called.append(1))
    try:
        with pytest.raises(ResolveError):
            resolve("h.test")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not called
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
