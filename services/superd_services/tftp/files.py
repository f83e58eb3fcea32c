"""What the protocol asks of whoever has the files: ``Files``, which gives a ``Source`` to read or a ``Sink`` to write.

``Files`` and ``Sink`` may block and are only ever used in calls; a ``Source`` is read in the event loop, and so has to
be an open regular file or memory. All of them refuse with ``Refused``; any other ``OSError`` is told to the client in
general words and to the log in its own.
"""

from dataclasses import dataclass
from typing import Protocol

from superd.service import Peer
from superd_services.tftp.packet import ErrorCode


class Refused(Exception):
    """The client can't have it.

    ``text`` is sent to it, and must not name anything of the server's but what it asked for; ``reason`` is for the log
    (``text`` when it is empty).
    """

    def __init__(self, code: ErrorCode, text: str, reason: str = "") -> None:
        super().__init__(reason or text)
        self.code = code
        self.text = text
        self.reason = reason or text


@dataclass(frozen=True, slots=True)
class FileRequest:
    """Who asks for which file.

    ``name`` is as it came: no NUL, at most 505 bytes, perhaps empty, anything else. ``size`` is what a writer has
    announced (tsize), ``None`` when it did not.
    """

    name: bytes
    peer: Peer
    netascii: bool = False
    size: int | None = None


class Source(Protocol):
    """A file that is being read. ``size`` is in bytes, and what a client that asks for tsize is told."""

    @property
    def size(self) -> int:
        """Bytes of the file when it was opened."""

    def read(self, offset: int, size: int) -> bytes:
        """Return this many bytes from there on, fewer only at the end of the file. Raises OSError."""

    def close(self) -> None:
        """Let go of it; may be called twice."""


class Sink(Protocol):
    """A file that is being written; nobody else sees it before ``commit``."""

    def write(self, data: bytes) -> None:
        """Append; blocks. Raises Refused (larger than allowed; code 3) and OSError."""

    def commit(self) -> None:
        """Have it on disk under its name; blocks. It is closed afterwards. Raises Refused and OSError."""

    def abort(self) -> None:
        """Drop it, unless it was committed; does not block for long, does not raise, may be called twice.

        It may be called while ``write`` or ``commit`` hangs in a thread: the worker ends.
        """


class Files(Protocol):
    """The files of one configured service; one object for all its transfers, used by several threads at a time."""

    def read(self, request: FileRequest) -> Source:
        """Open a file to be read; blocks. Raises Refused and OSError."""

    def write(self, request: FileRequest) -> Sink:
        """Begin a file; blocks. Raises Refused and OSError."""
