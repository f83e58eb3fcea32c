"""Options: what is granted, what is passed over, and what is refused."""

import pytest

from superd_services.tftp.negotiate import Agreed, Terms, announced_size, negotiate
from superd_services.tftp.packet import ErrorCode, Malformed, Request

BIG = b"1" + b"0" * 21


def agree(*options: tuple[bytes, bytes], size: int | None = 1000, **terms: object) -> Agreed:
    request = Request(writes=False, name=b"f", netascii=False, options=options)
    return negotiate(request, Terms(**terms), size)  # type: ignore[arg-type]  # as the tests below give them


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ((b"blksize", b"8"), b"8"),
        ((b"blksize", b"1468"), b"1468"),
        ((b"BlkSize", b"65464"), b"65464"),
        ((b"blksize", b"65465"), b"65464"),
        ((b"blksize", BIG), b"65464"),
        ((b"blksize2", b"1500"), b"1024"),
        ((b"blksize2", b"65536"), b"32768"),
        ((b"timeout", b"1"), b"1"),
        ((b"timeout", b"255"), b"255"),
        ((b"utimeout", b"10000"), b"10000"),
        ((b"tsize", b"0"), b"1000"),
        ((b"windowsize", b"1"), b"1"),
        ((b"windowsize", b"65535"), b"64"),
        ((b"rollover", b"1"), b"1"),
    ],
)
def test_a_good_option_is_granted_under_the_name_it_was_asked_by(
    asked: tuple[bytes, bytes], granted: bytes
) -> None:
    assert agree(asked).answer == [(asked[0], granted)]


@pytest.mark.parametrize(
    "asked",
    [
        (b"blksize", b"7"), (b"blksize", b"0"), (b"blksize", b"-5"), (b"blksize", b"abc"), (b"blksize", b""),
        (b"blksize", b"\xb2"), (b"timeout", b"0"), (b"timeout", b"256"), (b"utimeout", b"9999"), (b"tsize", b"x"),
        (b"windowsize", b"0"), (b"windowsize", b"65536"), (b"rollover", b"2"), (b"blksize2", b"7"),
    ],
)  # fmt: skip
def test_a_value_that_an_option_can_not_have_is_refused(asked: tuple[bytes, bytes]) -> None:
    with pytest.raises(Malformed) as caught:
        agree(asked)
    assert caught.value.code is ErrorCode.OPTIONS


@pytest.mark.parametrize("asked", [(b"multicast", b""), (b"password", b"x"), (b"\xff\xfe", b"1")])
def test_an_unknown_option_is_passed_over(asked: tuple[bytes, bytes]) -> None:
    assert agree(asked).answer == []


def test_nothing_is_granted_that_was_not_asked_for() -> None:
    assert agree() == Agreed()


def test_the_answer_has_the_order_of_the_request() -> None:
    agreed = agree((b"windowsize", b"4"), (b"multicast", b""), (b"tsize", b"0"), (b"blksize", b"1024"))
    assert agreed.answer == [(b"windowsize", b"4"), (b"tsize", b"1000"), (b"blksize", b"1024")]
    assert agreed.text == "windowsize=4,tsize=1000,blksize=1024"


@pytest.mark.parametrize(("payload", "blksize"), [(1472, 1468), (1452, 1448), (100000, 8192), (0, 8)])
def test_a_block_fits_the_path(payload: int, blksize: int) -> None:
    assert agree((b"blksize", b"8192"), payload=payload).blksize == blksize


def test_a_window_is_bounded_in_bytes_whatever_the_order_of_the_options() -> None:
    agreed = agree((b"windowsize", b"64"), (b"blksize", b"8192"), window_bytes=65536)
    assert agreed.windowsize == 8
    assert agreed.answer[0] == (b"windowsize", b"8")


def test_one_block_is_always_a_window() -> None:
    assert agree((b"blksize", b"65464"), (b"windowsize", b"4"), window_bytes=512).windowsize == 1


def test_a_refused_option_is_passed_over_even_with_a_bad_value() -> None:
    assert agree((b"BLKSIZE", b"x"), refused=frozenset({"blksize"})).answer == []


def test_blksize_counts_before_blksize2() -> None:
    agreed = agree((b"blksize2", b"1024"), (b"blksize", b"600"))
    assert (agreed.blksize, agreed.answer) == (600, [(b"blksize", b"600")])


def test_a_size_that_nobody_knows_is_not_told() -> None:
    assert agree((b"tsize", b"0"), size=None).answer == []


def test_a_writer_is_told_the_size_it_announced() -> None:
    request = Request(writes=True, name=b"f", netascii=False, options=((b"tsize", b"5000000000"),))
    assert announced_size(request, ()) == 5_000_000_000
    assert negotiate(request, Terms(), 5_000_000_000).answer == [(b"tsize", b"5000000000")]
