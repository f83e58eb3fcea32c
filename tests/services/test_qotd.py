"""qotd (RFC 865): where quotes come from, which is chosen, and how it is sent."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from helpers.transcript import CLIENT, NOW, played
from superd import builtins
from superd.service import Call, Close, Connected, Datagram, Eof, Raised, Returned, Send
from superd_services import qotd
from superd_services.qotd import QotdOptions, system
from superd_services.qotd.protocol import QUOTE_LIMIT, of_the_day, split
from superd_services.qotd.quotes import BUILT_IN
from superd_services.qotd.system import QuotesError, Shelf

DAY = 86400.0


@pytest.mark.parametrize(
    ("content", "quotes"),
    [
        (b"one\n", [b"one\r\n"]),
        (b"one\n%\ntwo\nlines\n", [b"one\r\n", b"two\r\nlines\r\n"]),
        (b"one\r\n%\r\ntwo\r\n", [b"one\r\n", b"two\r\n"]),
        (b"%\n%\n\n%\none\n%", [b"one\r\n"]),
        (b"100%\n% of all\n", [b"100%\r\n% of all\r\n"]),
        (b"\n\none\n\nmore\n\n", [b"one\r\n\r\nmore\r\n"]),
        (b"\x1b[31mred\x07\n", [b"[31mred\r\n"]),
        (b"a\tb\n", [b"a       b\r\n"]),
        ("\N{EM DASH} joe\n".encode(), ["\N{EM DASH} joe\r\n".encode()]),
        (b"caf\xe9\n", ["caf\N{REPLACEMENT CHARACTER}\r\n".encode()]),
        (b"x" * (QUOTE_LIMIT - 2), [b"x" * (QUOTE_LIMIT - 2) + b"\r\n"]),
        (b"x" * (QUOTE_LIMIT - 1), []),
        (b"", []),
    ],
)
def test_quotes_of_a_file(content: bytes, quotes: list[bytes]) -> None:
    assert split(content) == quotes


@given(st.binary())
def test_whatever_a_file_holds_what_is_sent_is_text_of_the_right_length(content: bytes) -> None:
    for quote in split(content):
        assert 0 < len(quote) <= QUOTE_LIMIT
        assert quote.endswith(b"\r\n")
        assert all(char.isprintable() for char in quote.decode().replace("\r\n", ""))


def test_superds_own_quotes_can_all_be_sent() -> None:
    assert len(BUILT_IN) == len(set(BUILT_IN)) == 15


@pytest.fixture(params=["UTC", "XXX-5", "XXX+11"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Seconds from the start of a local day to NOW."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    at = time.localtime(NOW)
    return at.tm_hour * 3600 + at.tm_min * 60 + at.tm_sec


class TestDaily:
    def test_the_quote_is_the_same_all_day(self, zone: int) -> None:
        midnight = int(NOW) - zone
        told = {of_the_day(BUILT_IN, midnight + seconds) for seconds in (0, 1, 43200, 86399)}
        assert len(told) == 1
        assert of_the_day(BUILT_IN, midnight - 1) not in told
        assert of_the_day(BUILT_IN, midnight + DAY) not in told

    def test_none_comes_again_before_all_have_been(self) -> None:
        told = [of_the_day(BUILT_IN, NOW + DAY * number) for number in range(len(BUILT_IN) + 1)]
        assert set(told[:-1]) == set(BUILT_IN)
        assert told[-1] == told[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory as fortune(6) has it, and what else may be in one."""
    (tmp_path / "art").write_text("a1\n%\na2\n")
    (tmp_path / "art.dat").write_bytes(b"\0\0\0\2")
    (tmp_path / "art.u8").symlink_to("art")
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / ".hidden").write_text("hidden\n")
    (tmp_path / "more").write_text("b1\n")
    (tmp_path / "off").mkdir()
    (tmp_path / "off" / "below").write_text("below\n")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def test_a_directory_has_the_quotes_of_its_files_once_each(folder: Path) -> None:
    assert sorted(Shelf(folder).quotes()) == [b"a1\r\n", b"a2\r\n", b"b1\r\n"]


@pytest.mark.parametrize("change", ["more", "new"])
def test_what_changes_is_read_again(folder: Path, change: str) -> None:
    shelf = Shelf(folder)
    before = shelf.quotes()
    assert shelf.quotes() is before
    (folder / change).write_text("changed it\n")
    assert b"changed it\r\n" in shelf.quotes()


def test_a_file_that_is_replaced_by_one_of_the_same_size_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "quotes"
    path.write_text("old\n")
    shelf = Shelf(path)
    assert shelf.quotes() == (b"old\r\n",)
    (tmp_path / "next").write_text("new\n")
    (tmp_path / "next").rename(path)
    assert shelf.quotes() == (b"new\r\n",)


@pytest.mark.parametrize("content", ["", "%\n%\n", "x" * 600])
def test_nothing_to_quote_is_an_error_that_names_the_path(tmp_path: Path, content: str) -> None:
    path = tmp_path / "quotes"
    path.write_text(content)
    with pytest.raises(QuotesError, match=str(path)):
        Shelf(path).quotes()


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(QuotesError):
        Shelf(tmp_path / "pipe").quotes()


def test_reading_ends_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "BYTES_LIMIT", 10)
    (tmp_path / "a").write_text("one\n%\n")
    (tmp_path / "b").write_text("two\n%\nthree\n")
    (tmp_path / "c").write_text("four\n")
    assert Shelf(tmp_path).quotes() == (b"one\r\n", b"two\r\n")


def test_a_client_is_told_a_quote(tmp_path: Path) -> None:
    path = tmp_path / "quotes"
    path.write_text("first line\nsecond line\n")
    machine = qotd.stream(QotdOptions(quotes=str(path)))
    assert played(machine, "") == "S: first line\nS: second line\nS. close"


def test_a_client_that_closes_its_half_is_told_it_as_well() -> None:
    machine = qotd.stream(QotdOptions())
    (call,) = machine.handle(Connected(CLIENT, NOW))
    assert isinstance(call, Call)
    assert list(machine.handle(Eof())) == []
    said, last = machine.handle(Returned(call.work()))
    assert isinstance(said, Send)
    assert (said.data in BUILT_IN, last) == (True, Close())


def test_random_quotes_differ() -> None:
    machine = qotd.stream(QotdOptions())
    assert len({played(machine, "") for _ in range(200)}) > 1


def test_an_error_is_raised_for_the_log() -> None:
    machine = qotd.stream(QotdOptions())
    list(machine.handle(Connected(CLIENT, NOW)))
    with pytest.raises(PermissionError):
        machine.handle(Raised(PermissionError()))


def test_datagrams_are_answered_with_a_quote(tmp_path: Path) -> None:
    path = tmp_path / "quotes"
    path.write_text("one\n")
    for options, expected in ((QotdOptions(quotes=str(path)), (b"one\r\n",)), (QotdOptions(), BUILT_IN)):
        (send,) = qotd.datagram(options).handle(Datagram(b"", CLIENT, NOW))
        assert send.data in expected


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"quotes": "quotes"}, "absolute"),
        ({"quotes": "/nowhere/at/all"}, "No such file"),
        ({"quotes": "/dev/null"}, "neither a file nor a directory"),
        ({"choice": "weekly"}, "daily"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        QotdOptions.model_validate(options)


def test_it_answers_more_than_it_is_asked() -> None:
    service = builtins.find("qotd")
    assert service is not None
    assert service.amplifies
