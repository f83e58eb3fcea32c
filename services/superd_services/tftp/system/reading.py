"""Files that are sent: ``open_file``, and ``Rendered`` for those made of a template."""

import os
import stat

from superd_services import system
from superd_services.tftp.files import Refused, Source
from superd_services.tftp.packet import ErrorCode


class OpenFile:
    """A ``Source`` of a regular file, whose pages the kernel fetches ahead."""

    __slots__ = ("_fd", "size")

    def __init__(self, fd: int, size: int) -> None:
        self._fd = fd
        self.size = size
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)

    def read(self, offset: int, size: int) -> bytes:
        """Return this many bytes from there on, fewer only at the end; a file that was cut meanwhile is an OSError."""
        wanted = min(size, self.size - offset)
        data = os.pread(self._fd, wanted, offset) if wanted > 0 else b""
        while len(data) < wanted:
            piece = os.pread(self._fd, wanted - len(data), offset + len(data))
            if not piece:
                raise OSError("the file has become shorter")
            data += piece
        return data

    def close(self) -> None:
        """Close the file."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


class Rendered:
    """A ``Source`` of a text in memory."""

    __slots__ = ("_data", "size")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, offset: int, size: int) -> bytes:
        """Return this many bytes from there on, fewer only at the end."""
        return self._data[offset : offset + size]

    def close(self) -> None:
        """Do nothing."""


def open_file(seen: int, *, permissive: bool) -> Source:
    """Open what was found (O_PATH) to be sent; unless ``permissive``, only what everybody may read.

    Raises:
        Refused: it is no regular file, or not for everybody.
        OSError: it can't be opened.
    """
    facts = os.fstat(seen)
    if not stat.S_ISREG(facts.st_mode):
        kind = "directory" if stat.S_ISDIR(facts.st_mode) else "special file"
        raise Refused(ErrorCode.ACCESS, "Not a regular file", f"a {kind}, not a regular file")
    if not (permissive or facts.st_mode & stat.S_IROTH):
        raise Refused(ErrorCode.ACCESS, "Access violation", "not everybody may read it (o+r)")
    return OpenFile(system.reopen(seen), facts.st_size)
