"""``Tftp``: what the service does with a request, by its options."""

from collections.abc import Callable

from superd.service import Datagram, Options, Send, Transfer, TransferService, TransferSettings
from superd_services.tftp import packet
from superd_services.tftp.files import Files
from superd_services.tftp.negotiate import Terms
from superd_services.tftp.options import TftpOptions
from superd_services.tftp.packet import ErrorCode, Malformed
from superd_services.tftp.transfer import ReadTransfer, Rules, WriteTransfer


class Tftp:
    """One configured TFTP service."""

    def __init__(self, options: TftpOptions, files: Files) -> None:
        self._writable = options.create or options.overwrite
        terms = Terms(
            blksize_max=options.max_blksize,
            windowsize_max=options.max_windowsize,
            window_bytes=options.window_bytes,
            refused=frozenset(options.refuse_options),
            timeout=options.retransmit,
            rollover=options.rollover,
        )
        self._rules = Rules(files, terms, options.retries, options.clamp_blksize)
        self.settings = TransferSettings(
            ports=options.port_range, single_port=options.single_port, broadcast=options.broadcast
        )

    @classmethod
    def factory(cls, open_files: Callable[[TftpOptions], Files]) -> Callable[[Options], TransferService]:
        """Return what makes the service of one stanza."""

        def make(options: Options) -> TransferService:
            chosen = options if isinstance(options, TftpOptions) else TftpOptions()
            return cls(chosen, open_files(chosen))

        return make

    def is_request(self, data: bytes) -> bool:
        """Tell whether this is a read or write request; everything else at this port is a stray, never answered."""
        return packet.is_request(data)

    def request(self, datagram: Datagram) -> Transfer | Send | None:
        """Begin a transfer, or say what is wrong with the request."""
        try:
            request = packet.parse_request(datagram.data)
            if not request.writes:
                return ReadTransfer(request, datagram.peer, self._rules)
            if self._writable:
                return WriteTransfer(request, datagram.peer, self._rules)
        except Malformed as error:
            return Send(packet.error(error.code, error.text))
        return Send(packet.error(ErrorCode.ACCESS, "Writing is not allowed"))
