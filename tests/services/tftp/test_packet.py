"""TFTP packets: what is read as a request, and what is written."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superd_services.tftp import packet
from superd_services.tftp.packet import ErrorCode, Malformed, Request, parse_request


@pytest.mark.parametrize(
    ("data", "request_"),
    [
        (b"\0\1f\0octet\0", Request(writes=False, name=b"f", netascii=False)),
        (b"\0\2f\0NetASCII\0", Request(writes=True, name=b"f", netascii=True)),
        (b"\0\1\0octet\0", Request(writes=False, name=b"", netascii=False)),
        (b"\0\1a b\0OCTET\0blksize\x00512\0", Request(False, b"a b", False, ((b"blksize", b"512"),))),
        (b"\0\1f\0octet\0TSIZE\x000\0x\0", Request(False, b"f", False, ((b"TSIZE", b"0"),))),
        (b"\0\1f\0octet\0\0\0\0\0", Request(False, b"f", False)),
        (b"\0\1f\0octet\0garbage", Request(False, b"f", False)),
    ],
)
def test_a_request_is_read(data: bytes, request_: Request) -> None:
    assert parse_request(data) == request_


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\0\1", ErrorCode.ILLEGAL),
        (b"\0\1f", ErrorCode.ILLEGAL),
        (b"\0\1f\0", ErrorCode.ILLEGAL),
        (b"\0\1f\0octet", ErrorCode.ILLEGAL),
        (b"\0\1f\0mail\0", ErrorCode.ILLEGAL),
        (b"\0\1f\0image\0", ErrorCode.ILLEGAL),
        (b"\0\1" + b"n" * 510 + b"\0octet\0", ErrorCode.ILLEGAL),
        (b"\0\1f\0octet\0blksize\x00512\0BLKSIZE\x00600\0", ErrorCode.OPTIONS),
    ],
)
def test_a_broken_request_is_refused(data: bytes, code: ErrorCode) -> None:
    with pytest.raises(Malformed) as caught:
        parse_request(data)
    assert caught.value.code is code


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\1", b"\0\3\0\1", b"\0\4\0\0", b"\0\5\0\0x\0", b"\0\6", b"\1\0f\0"]
)
def test_nothing_else_is_a_request(data: bytes) -> None:
    assert not packet.is_request(data)


def test_an_error_is_one_line_of_ascii() -> None:
    assert packet.error(ErrorCode.NOT_FOUND, "ü\n\x1b[1m") == b"\0\5\0\1???[1m\0"


@pytest.mark.parametrize(
    ("data", "parsed"),
    [
        (b"\0\5\0\x08User aborted\0", (8, "User aborted")),
        (b"\0\5\0\0no end", (0, "no end")),
        (b"\0\5\0\0\x1b\xff\0", (0, "?\N{REPLACEMENT CHARACTER}")),
        (b"\0\5", (-1, "")),
    ],
)
def test_an_error_of_a_client_is_read(data: bytes, parsed: tuple[int, str]) -> None:
    assert packet.parse_error(data) == parsed


@given(st.binary(max_size=600))
def test_whatever_comes_is_a_request_or_malformed(data: bytes) -> None:
    with suppress(Malformed):
        request = parse_request(b"\0\1" + data)
        assert b"\0" not in request.name
        assert len(request.name) <= packet.REQUEST_LIMIT
