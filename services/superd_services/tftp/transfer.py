"""``ReadTransfer`` and ``WriteTransfer``: a request's whole life.

The file is opened, options are agreed on, and then a ``Sender`` or a ``Receiver`` does the rest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, Protocol, TypeVar

from superd.service import (
    Begun,
    Call,
    Finish,
    Outcome,
    Peer,
    Raised,
    Received,
    Returned,
    TransferAction,
    TransferEvent,
    Unreachable,
)
from superd_services.tftp import endings, packet
from superd_services.tftp.blocks import Blocks, NetasciiBlocks, OctetBlocks
from superd_services.tftp.files import FileRequest, Files, Sink, Source
from superd_services.tftp.negotiate import Agreed, Terms, announced_size, negotiate
from superd_services.tftp.opening import Opening
from superd_services.tftp.packet import Malformed, Request
from superd_services.tftp.patience import Patience
from superd_services.tftp.receiver import Receiver
from superd_services.tftp.sender import Sender

T = TypeVar("T")

_NOTHING = ()


class _Core(Protocol):
    """What does the work once the file is open."""

    def handle(self, event: TransferEvent) -> Iterable[TransferAction]: ...


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for every transfer of a service. ``retries``: resends without an answer."""

    files: Files
    terms: Terms
    retries: int
    clamp: bool = True
    """Blocks are no longer than what reaches the client in one piece."""


class _Transfer(Generic[T]):
    """What reading and writing have in common: opening comes first, and can be broken off."""

    operation = ""

    def __init__(self, request: Request, peer: Peer, rules: Rules, opening: Opening[T]) -> None:
        self._request = request
        self._rules = rules
        self._opening = opening
        self._terms = rules.terms
        self._core: _Core | None = None
        self._over: Finish | None = None
        self._agreed: Agreed | None = None
        self._size: int | None = None
        self._patience: Patience | None = None
        self._peer = peer

    @property
    def about(self) -> Mapping[str, str | int]:
        """What is known by now: operation and file, then size, options and retransmissions."""
        found: dict[str, str | int] = {
            "operation": self.operation,
            "file": self._request.name.decode("utf-8", "backslashreplace"),
        }
        if self._size is not None:
            found["size"] = self._size
        if self._agreed is not None and self._agreed.answer:
            found["options"] = self._agreed.text
        if self._patience is not None:
            found["retransmissions"] = self._patience.resent
        return found

    def handle(self, event: TransferEvent) -> Iterable[TransferAction]:
        """Answer one event."""
        core = self._core
        if core is not None:
            return core.handle(event)
        match event:
            case Begun(payload):
                if self._rules.clamp:
                    self._terms = replace(self._terms, payload=payload)
                return (Call(self._opening),)
            case Received(data) if data.startswith(packet.ERROR):
                self._over = endings.aborted(data, probe=False)
            case Unreachable():
                self._over = Finish(Outcome.FAILED, "nobody listens at the client's port any more")
            case Returned(value):
                return (self._over,) if self._over else self._opened(value)
            case Raised(error):
                return (self._over,) if self._over else endings.failed(error)
        return _NOTHING

    def close(self) -> None:
        """Let go of the file."""
        self._opening.abandon()

    def _opened(self, value: object) -> Iterable[TransferAction]:
        raise NotImplementedError

    def _agree(self, size: int | None) -> tuple[Agreed, Patience]:
        """Decide on the options. Raises Malformed."""
        self._size = size
        agreed = self._agreed = negotiate(self._request, self._terms, size)
        patience = self._patience = Patience(agreed.timeout, self._rules.retries)
        return agreed, patience


class ReadTransfer(_Transfer[Source]):
    """A client reads a file."""

    operation = "read"

    def __init__(self, request: Request, peer: Peer, rules: Rules) -> None:
        asked = FileRequest(request.name, peer, request.netascii)
        super().__init__(request, peer, rules, Opening(partial(rules.files.read, asked), _close))

    def _opened(self, value: object) -> Iterable[TransferAction]:
        source: Source = value  # type: ignore[assignment]  # what the opening returned
        netascii = self._request.netascii
        try:
            agreed, patience = self._agree(None if netascii else source.size)
        except Malformed as error:
            return endings.failed(error)
        blocks: Blocks = OctetBlocks(source, agreed.blksize)
        if netascii:
            blocks = NetasciiBlocks(source, agreed.blksize, agreed.windowsize)
        self._size = source.size
        self._core = sender = Sender(blocks, agreed, patience)
        return sender.begin()


class WriteTransfer(_Transfer[Sink]):
    """A client writes a file. ``Malformed`` when it announces a size that is no number."""

    operation = "write"

    def __init__(self, request: Request, peer: Peer, rules: Rules) -> None:
        self._announced = announced_size(request, rules.terms.refused)
        asked = FileRequest(request.name, peer, request.netascii, self._announced)
        super().__init__(request, peer, rules, Opening(partial(rules.files.write, asked), _abort))

    @property
    def about(self) -> Mapping[str, str | int]:
        """As for every transfer; the size is what has come so far."""
        found = super().about
        return {**found, "size": self._core.size} if isinstance(self._core, Receiver) else found

    def _opened(self, value: object) -> Iterable[TransferAction]:
        sink: Sink = value  # type: ignore[assignment]  # what the opening returned
        try:
            agreed, patience = self._agree(self._announced)
        except Malformed as error:
            return endings.failed(error)
        self._core = receiver = Receiver(sink, agreed, patience, netascii=self._request.netascii)
        return receiver.begin()


def _close(source: Source) -> None:
    source.close()


def _abort(sink: Sink) -> None:
    sink.abort()
