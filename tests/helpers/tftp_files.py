"""A TFTP service's files below a directory of a test, and requests for them."""

from contextlib import closing
from pathlib import Path

from superd.service import Peer
from superd_services.tftp.files import FileRequest, Refused, Sink
from superd_services.tftp.options import TftpOptions
from superd_services.tftp.system.store import Store

CLIENT = Peer("192.0.2.10", 2000, "192.0.2.1", 69)


def options(*roots: Path | str, **words: object) -> TftpOptions:
    """Options as the configuration gives them: texts, and lists of texts."""
    return TftpOptions.model_validate({"root": [str(root) for root in roots], **words})


def store(*roots: Path | str, **words: object) -> Store:
    """The files below some roots."""
    return Store(options(*roots, **words))


def client(host: str) -> Peer:
    """A client with this address."""
    return Peer(host, 2000, "2001:db8::1" if ":" in host else "192.0.2.1", 69)


def asked(name: str | bytes, peer: Peer = CLIENT, size: int | None = None) -> FileRequest:
    """A request for a file."""
    return FileRequest(name.encode() if isinstance(name, str) else name, peer, size=size)


def get(files: Store, name: str | bytes, peer: Peer = CLIENT) -> bytes:
    """All that a client reads."""
    with closing(files.read(asked(name, peer))) as source:
        return source.read(0, source.size)


def put(files: Store, name: str, data: bytes, peer: Peer = CLIENT) -> None:
    """Write a whole file."""
    sink = files.write(asked(name, peer))
    fill(sink, data)
    sink.commit()


def fill(sink: Sink, data: bytes) -> None:
    """Write to a sink; when it refuses, abort it as a transfer does."""
    try:
        sink.write(data)
    except Refused:
        sink.abort()
        raise


def refusal(files: Store, name: str | bytes, peer: Peer = CLIENT) -> tuple[int, str]:
    """The code and the text that a client gets that wants to read."""
    try:
        get(files, name, peer)
    except Refused as refused:
        return int(refused.code), refused.text
    raise AssertionError(f"{name!r} was sent")
