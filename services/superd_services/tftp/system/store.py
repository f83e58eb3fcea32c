"""``Store``: the files of one configured service."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from superd.service import Peer
from superd_services.tftp import names
from superd_services.tftp.addresses import plain
from superd_services.tftp.files import FileRequest, Refused, Sink, Source
from superd_services.tftp.names import Name
from superd_services.tftp.options import TftpOptions
from superd_services.tftp.packet import ErrorCode
from superd_services.tftp.remap import remap
from superd_services.tftp.system import neighbours, reading
from superd_services.tftp.system.roots import Roots, held
from superd_services.tftp.system.writing import Writers
from superd_services.tftp.virtual import Virtual

_FORBIDDEN: Final = {
    errno.EACCES: "the service's user may not do that",
    errno.EPERM: "the service's user may not do that",
    errno.EXDEV: "a symbolic link leads out of the root",
    errno.ELOOP: "a symbolic link on the way is not followed",
    errno.EROFS: "the file system is read-only",
}


class Store:
    """Finds, opens and receives files as the options say (``superd_services.tftp.files.Files``)."""

    def __init__(self, options: TftpOptions) -> None:
        self._options = options
        self._writers = Writers(options)

    def read(self, request: FileRequest) -> Source:
        """Open a file to be read; blocks.

        Raises:
            Refused: there is none, or not for this client.
            OSError: that can't be known now.
        """
        name = self._name(request, writes=False)
        if virtual := self._virtual(name):
            return _rendered(virtual, request.peer)
        with _explained():
            return self._open(name, request.peer)

    def write(self, request: FileRequest) -> Sink:
        """Begin a file; blocks.

        Raises:
            Refused: clients may not write it, it is too long, or the disk is full.
            OSError: that can't be known now.
        """
        if not (self._options.create or self._options.overwrite):
            raise Refused(ErrorCode.ACCESS, "Access violation", "nothing may be written (create, overwrite)")
        name = self._name(request, writes=True)
        if self._virtual(name):
            raise Refused(ErrorCode.ACCESS, "Access violation", "a virtual file can't be written")
        with _explained():
            directory, last = Roots(self._options, request.peer.host).destination(name)
            return self._writers.begin(directory, last, request.size)

    def _name(self, request: FileRequest, *, writes: bool) -> Name:
        name = names.spoken(self._options, request.name)
        if self._options.map_file is None:
            return Name(name)

        def is_file(candidate: bytes) -> bool:
            return self._is_file(candidate, request.peer)

        host = plain(request.peer.host)
        return Name(remap(self._options.map_file, name, host, writes=writes, is_file=is_file))

    def _virtual(self, name: Name) -> Virtual | None:
        return next((each for each in self._options.virtual if each.is_named(b"/".join(name.parts))), None)

    def _is_file(self, candidate: bytes, peer: Peer) -> bool:
        """Tell whether something of this name could be sent to a client (``E`` in map files)."""
        try:
            name = Name(candidate)
            if not self._virtual(name):
                self._open(name, peer).close()
        except (Refused, OSError):
            return False
        return True

    def _open(self, name: Name, peer: Peer) -> Source:
        with held(Roots(self._options, peer.host).find(name)) as seen:
            return reading.open_file(seen, permissive=self._options.permissive)


def _rendered(virtual: Virtual, peer: Peer) -> Source:
    hardware = neighbours.hardware_address(peer.host) if virtual.needs_hardware else ""
    if hardware is None:
        raise Refused(ErrorCode.NOT_FOUND, "File not found", "the client's hardware address is not known")
    return reading.Rendered(virtual.render(peer, hardware))


@contextmanager
def _explained() -> Iterator[None]:
    """Have what a client may not or can't do be told in TFTP's terms."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise Refused(ErrorCode.NOT_FOUND, "File not found", "the name is too long") from None
        if error.errno not in _FORBIDDEN:
            raise
        raise Refused(ErrorCode.ACCESS, "Access violation", _FORBIDDEN[error.errno]) from None
