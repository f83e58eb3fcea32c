"""Requests as a whole: opening, agreeing, refusing, and letting go of files however it ends."""

from dataclasses import dataclass, field

import pytest

from helpers.tftp_machines import MemorySink, MemorySource, finish, sent
from superd.service import (
    Begun,
    Call,
    Datagram,
    Finish,
    Outcome,
    Peer,
    Raised,
    Received,
    Returned,
    Send,
    Transfer,
    TransferAction,
    Unreachable,
)
from superd_services.tftp import packet
from superd_services.tftp.files import FileRequest, Refused, Sink, Source
from superd_services.tftp.options import TftpOptions
from superd_services.tftp.packet import ErrorCode
from superd_services.tftp.requests import Tftp

PEER = Peer("192.0.2.1", 4000, "192.0.2.9", 69)


@dataclass
class MemoryFiles:
    """One file, which is there or refused."""

    source: MemorySource = field(default_factory=lambda: MemorySource(b"x" * 1000))
    sink: MemorySink = field(default_factory=MemorySink)
    error: Exception | None = None
    asked: list[FileRequest] = field(default_factory=list)

    def read(self, request: FileRequest) -> Source:
        self._ask(request)
        return self.source

    def write(self, request: FileRequest) -> Sink:
        self._ask(request)
        return self.sink

    def _ask(self, request: FileRequest) -> None:
        self.asked.append(request)
        if self.error:
            raise self.error


def ask(files: MemoryFiles, data: bytes, options: TftpOptions | None = None) -> Transfer | Send | None:
    return Tftp(options or TftpOptions(create=True), files).request(Datagram(data, PEER, 0.0))


def begin(
    files: MemoryFiles, data: bytes, options: TftpOptions | None = None, payload: int = 65000
) -> Transfer:
    transfer = ask(files, data, options)
    assert transfer is not None
    assert not isinstance(transfer, Send)
    (call,) = transfer.handle(Begun(payload))
    assert isinstance(call, Call)
    return transfer


def opened(transfer: Transfer) -> list[TransferAction]:
    """Do the call that opens the file."""
    (call,) = transfer.handle(Begun(65000))
    assert isinstance(call, Call)
    try:
        return list(transfer.handle(Returned(call.work())))
    except (OSError, Refused) as error:
        return list(transfer.handle(Raised(error)))


def serve(
    files: MemoryFiles, data: bytes, options: TftpOptions | None = None
) -> tuple[Transfer, list[TransferAction]]:
    transfer = ask(files, data, options)
    assert transfer is not None
    assert not isinstance(transfer, Send)
    return transfer, opened(transfer)


def test_a_read_request_is_answered_with_data() -> None:
    files = MemoryFiles()
    _, actions = serve(files, b"\0\1boot/x\0octet\0")
    assert sent(actions) == [b"\0\3\0\1" + b"x" * 512]
    assert files.asked == [FileRequest(b"boot/x", PEER)]


def test_a_write_request_is_answered_with_an_acknowledgement() -> None:
    files = MemoryFiles()
    _, actions = serve(files, b"\0\2up\0netascii\0tsize\x00700\0")
    assert sent(actions) == [b"\0\6tsize\x00700\0"]
    assert files.asked == [FileRequest(b"up", PEER, netascii=True, size=700)]


def test_the_size_in_netascii_is_not_told() -> None:
    _, actions = serve(MemoryFiles(MemorySource(b"a\n")), b"\0\1f\0netascii\0tsize\x000\0")
    assert sent(actions) == [b"\0\3\0\1a\r\n"]


@pytest.mark.parametrize(
    ("error", "code", "outcome"),
    [
        (Refused(ErrorCode.ACCESS, "No"), 2, Outcome.REFUSED),
        (FileNotFoundError(2, "gone"), 1, Outcome.FAILED),
        (PermissionError(13, "no"), 2, Outcome.FAILED),
        (TimeoutError("hangs"), 0, Outcome.FAILED),
        (BlockingIOError("too many"), 0, Outcome.FAILED),
    ],
)
def test_who_does_not_get_a_file_is_told_why(error: Exception, code: int, outcome: Outcome) -> None:
    transfer, actions = serve(MemoryFiles(error=error), b"\0\1f\0octet\0")
    assert sent(actions)[0][:4] == bytes((0, 5, 0, code))
    end = finish(actions)
    assert end
    assert end.outcome is outcome
    transfer.close()


def test_what_a_client_is_told_names_nothing_of_the_system() -> None:
    _, actions = serve(MemoryFiles(error=OSError(5, "Input/output error", "/srv/secret")), b"\0\1f\0octet\0")
    assert b"secret" not in sent(actions)[0]


def test_a_fault_of_ours_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        serve(MemoryFiles(error=ZeroDivisionError()), b"\0\1f\0octet\0")[0].handle(
            Raised(ZeroDivisionError())
        )


@pytest.mark.parametrize("data", [b"\0\1f\0mail\0", b"\0\2", b"\0\2f\0octet\0tsize\0x\0"])
def test_a_broken_request_costs_one_answer_and_no_look_at_files(data: bytes) -> None:
    files = MemoryFiles()
    answer = ask(files, data)
    assert isinstance(answer, Send)
    assert answer.data[:2] == packet.ERROR
    assert files.asked == []


def test_nobody_writes_unless_somebody_decided_so() -> None:
    answer = ask(MemoryFiles(), b"\0\2f\0octet\0", TftpOptions())
    assert isinstance(answer, Send)
    assert answer.data[:4] == b"\0\5\0\2"


def test_a_bad_option_is_refused_and_the_file_closed() -> None:
    files = MemoryFiles()
    transfer, actions = serve(files, b"\0\1f\0octet\0blksize\x007\0")
    assert sent(actions)[0][:4] == b"\0\5\0\x08"
    assert finish(actions)
    transfer.close()
    assert files.source.closed


@pytest.mark.parametrize(("clamp", "answer"), [(True, b"1468"), (False, b"8192")])
def test_blocks_fit_the_path_unless_told_otherwise(clamp: bool, answer: bytes) -> None:
    transfer = ask(MemoryFiles(), b"\0\1f\0octet\0blksize\x008192\0", TftpOptions(clamp_blksize=clamp))
    assert transfer is not None
    assert not isinstance(transfer, Send)
    (call,) = transfer.handle(Begun(1472))
    assert isinstance(call, Call)
    assert sent(transfer.handle(Returned(call.work()))) == [b"\0\6blksize\0" + answer + b"\0"]


def test_a_refused_option_is_left_out() -> None:
    options = TftpOptions(refuse_options=("tsize",))
    _, actions = serve(MemoryFiles(), b"\0\1f\0octet\0tsize\x000\0blksize\x001024\0", options)
    assert sent(actions) == [b"\0\6blksize\x001024\0"]


@pytest.mark.parametrize("event", [Received(packet.error(ErrorCode.UNDEFINED, "no")), Unreachable()])
def test_who_breaks_off_early_gets_nothing_once_the_file_is_open(event: Received | Unreachable) -> None:
    files = MemoryFiles()
    transfer = begin(files, b"\0\1f\0octet\0")
    assert list(transfer.handle(event)) == []
    actions = list(transfer.handle(Returned(files.source)))
    assert isinstance(actions[0], Finish)


def test_a_file_that_is_opened_too_late_is_closed_again() -> None:
    files = MemoryFiles()
    transfer = ask(files, b"\0\1f\0octet\0")
    assert transfer is not None
    assert not isinstance(transfer, Send)
    (call,) = transfer.handle(Begun(65000))
    assert isinstance(call, Call)
    transfer.close()
    call.work()
    assert files.source.closed


def test_an_unfinished_file_is_dropped() -> None:
    files = MemoryFiles()
    transfer, _ = serve(files, b"\0\2f\0octet\0")
    transfer.close()
    assert files.sink.aborted


def test_the_log_learns_what_it_was_about() -> None:
    transfer, _ = serve(MemoryFiles(), b"\0\1caf\xc3\xa9\xff\0octet\0blksize\x001024\0")
    assert transfer.about == {
        "operation": "read", "file": "café\\xff", "size": 1000, "options": "blksize=1024", "retransmissions": 0,
    }  # fmt: skip


def test_the_log_learns_how_much_was_written() -> None:
    transfer, _ = serve(MemoryFiles(), b"\0\2f\0octet\0")
    transfer.handle(Received(b"\0\3\0\1" + bytes(512)))
    assert transfer.about["size"] == 512
