"""The directories that a client's names are looked up in: ``Roots``."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from superd_services.tftp import names
from superd_services.tftp.addresses import plain
from superd_services.tftp.files import Refused
from superd_services.tftp.names import Name
from superd_services.tftp.options import TftpOptions, UniqueRoot
from superd_services.tftp.packet import ErrorCode
from superd_services.tftp.system import jail, neighbours

_ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG})


@contextmanager
def held(fd: int) -> Iterator[int]:
    """Close a descriptor at the end."""
    try:
        yield fd
    finally:
        os.close(fd)


class Roots:
    """The roots of the client with this address, in their order."""

    def __init__(self, options: TftpOptions, host: str) -> None:
        self._options = options
        self._host = plain(host)
        self._paths = names.roots(options, self._host)

    def find(self, name: Name) -> int:
        """Return a descriptor, to be looked at, of what the first root that knows a name has of it.

        Raises:
            Refused: there is no such thing.
            OSError: one can't or may not get to it.
        """
        for path, root in self._opened():
            with _absent_aside():
                return jail.find(root, name.below(path), self._options.symlinks)
        raise self._absent()

    def destination(self, name: Name) -> tuple[int, bytes]:
        """Return the directory of a file, and the file's name in it: where it exists already, or else where it could.

        Raises:
            Refused: no root has the directory.
            OSError: one can't or may not get to it.
        """
        found: list[tuple[int, bytes]] = []
        try:
            for path, root in self._opened():
                above, _, last = name.below(path).rpartition(b"/")
                with _absent_aside():
                    directory = jail.find(root, above or b".", self._options.symlinks, directory=True)
                    found.append((directory, last))
            if not found:
                raise self._absent()
            directory, last = next((each for each in found if _exists(*each)), found[0])
            return os.dup(directory), last
        finally:
            for directory, _ in found:
                os.close(directory)

    def _opened(self) -> Iterator[tuple[str, int]]:
        """Open each root that is there; one is closed when the next one is asked for."""
        for path in self._paths:
            with _absent_aside(), held(jail.open_root(path)) as root, held(self._own(root)) as own:
                yield path, own

    def _own(self, root: int) -> int:
        """Return the client's own directory in a root, or the root itself."""
        own = self._own_name()
        if own is not None:
            with _absent_aside():
                return jail.find(root, own.encode(), self._options.symlinks, directory=True)
        return os.dup(root)

    def _own_name(self) -> str | None:
        match self._options.unique_root:
            case UniqueRoot.IP:
                return self._host
            case UniqueRoot.MAC:
                hardware = neighbours.hardware_address(self._host)
                return hardware and hardware.replace(":", "-")
        return None

    def _absent(self) -> Refused:
        missing = [path for path in self._paths if not Path(path).is_dir()]
        reason = f"there is no directory {' '.join(missing)}" if missing else ""
        return Refused(ErrorCode.NOT_FOUND, "File not found", reason)


@contextmanager
def _absent_aside() -> Iterator[None]:
    """Go on where there is no such file or directory."""
    try:
        yield
    except OSError as error:
        if error.errno not in _ABSENT:
            raise


def _exists(directory: int, name: bytes) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except OSError:
        return False
    return True
