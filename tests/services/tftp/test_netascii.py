"""netascii, in pieces cut anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superd_services.tftp.netascii import Decoder, encode

LINES = st.lists(st.sampled_from([b"\r", b"\n", b"\0", b"a"])).map(b"".join)


@pytest.mark.parametrize(
    ("plain", "wire"), [(b"a\nb", b"a\r\nb"), (b"\r", b"\r\0"), (b"\r\n", b"\r\0\r\n"), (b"\0", b"\0")]
)
def test_lines_end_with_two_characters_on_the_wire(plain: bytes, wire: bytes) -> None:
    assert encode(plain) == wire


@pytest.mark.parametrize("stray", [b"\rx", b"\r\r", b"x\r"])
def test_a_carriage_return_that_means_nothing_is_kept(stray: bytes) -> None:
    decoder = Decoder()
    assert decoder.decode(stray) + decoder.end() == stray


@given(LINES, st.integers(min_value=1, max_value=5))
def test_what_was_encoded_is_decoded_whatever_the_pieces(data: bytes, size: int) -> None:
    decoder, wire = Decoder(), encode(data)
    pieces = [decoder.decode(wire[start : start + size]) for start in range(0, len(wire), size)]
    assert b"".join(pieces) + decoder.end() == data
