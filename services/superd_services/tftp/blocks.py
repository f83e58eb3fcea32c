"""A file as numbered blocks: ``OctetBlocks`` and ``NetasciiBlocks``; ``Shrunk`` is raised for one that was cut off."""

from collections.abc import Callable
from typing import Final, Protocol

from superd_services.tftp import netascii
from superd_services.tftp.files import Source

READ_SIZE: Final = 32768
"""Bytes read at a time when blocks are small: few system calls, and 32 MiB for a thousand transfers."""

_UNKNOWN: Final = 1 << 62
"""Stands for the number of the last block while nobody knows it."""


class Shrunk(OSError):
    """The file has fewer bytes than it had when it was opened; what was sent must not look whole."""


class Blocks(Protocol):
    """What is sent. ``last`` is the number of the last block, or a very large one as long as that is not known."""

    last: int

    def data(self, block: int) -> bytes:
        """Return a block; never one that lies a window or more behind the newest one. Raises OSError."""


class OctetBlocks:
    """Blocks of a file as it is; any block at any time."""

    __slots__ = ("_blksize", "_chunk", "_end", "_first", "_read", "_size", "_span", "last")

    def __init__(self, source: Source, blksize: int) -> None:
        self._read: Callable[[int, int], bytes] = source.read
        self._size = source.size
        self._blksize = blksize
        self._span = max(READ_SIZE // blksize, 1) * blksize
        self._chunk = b""
        self._first = self._end = 0
        self.last = self._size // blksize + 1

    def data(self, block: int) -> bytes:
        """Return a block."""
        offset = (block - 1) * self._blksize
        if not self._first <= offset < self._end:
            self._fill(offset)
        start = offset - self._first
        return self._chunk[start : start + self._blksize]

    def _fill(self, offset: int) -> None:
        wanted = min(self._span, self._size - offset)
        self._chunk = self._read(offset, wanted) if wanted else b""
        if len(self._chunk) < wanted:
            raise Shrunk("the file was cut off while it was read")
        self._first, self._end = offset, offset + wanted


class NetasciiBlocks:
    """Blocks of a file in netascii. Nobody knows where one begins in the file, so the window's are kept."""

    __slots__ = ("_blksize", "_encoded", "_kept", "_made", "_offset", "_source", "_window", "last")

    def __init__(self, source: Source, blksize: int, window: int = 1) -> None:
        self._source = source
        self._blksize = blksize
        self._window = window
        self._offset = 0
        self._encoded = bytearray()
        self._kept: dict[int, bytes] = {}
        self._made = 0
        self.last = _UNKNOWN

    def data(self, block: int) -> bytes:
        """Return a block, empty beyond the last one."""
        while self._made < min(block, self.last):
            self._make()
        return self._kept.get(block, b"")

    def _make(self) -> None:
        while len(self._encoded) < self._blksize and self._offset < self._source.size:
            wanted = min(READ_SIZE, self._source.size - self._offset)
            piece = self._source.read(self._offset, wanted)
            if len(piece) < wanted:
                raise Shrunk("the file was cut off while it was read")
            self._offset += wanted
            self._encoded += netascii.encode(piece)
        self._made += 1
        data = bytes(self._encoded[: self._blksize])
        del self._encoded[: self._blksize]
        self._kept[self._made] = data
        self._kept.pop(self._made - self._window, None)
        if len(data) < self._blksize:
            self.last = self._made
