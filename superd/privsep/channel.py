"""A ``Channel``: one end of a SOCK_SEQPACKET pair between two of superd's processes.

One message per datagram, at most one descriptor with it. Each end knows the kinds it accepts; anything else
raises ``ProtocolViolation`` and closes every descriptor that came along. Nothing here ever blocks: when the
other end does not read, at most ``SEND_BUFFER`` bytes wait in the kernel, then ``send`` raises
``BlockingIOError`` and its caller decides.
"""

import errno
import os
import socket
import sys
from typing import Final, Self

from superd.errors import ProtocolViolation
from superd.privsep.codec import Kinds, decode, encode
from superd.privsep.messages import DESCRIPTORS, MESSAGE_LIMIT, Message

SEND_BUFFER: Final = 212992
"""Bytes (with the kernel's own overhead, about 250 short messages) that wait for an end that does not read.

Enough for every burst that one turn of an event loop makes; set explicitly, so that no sysctl changes it.
"""

_INT: Final = 4
_ANCILLARY: Final = socket.CMSG_SPACE(8 * _INT)
"""Room for more descriptors than allowed, to recognise a sender of several; the kernel drops the rest."""

_TRUNCATED: Final = socket.MSG_TRUNC | socket.MSG_CTRUNC

Ancillary = list[tuple[int, int, bytes]]


class Channel:
    """One end; it owns its socket, which it makes non-blocking.

    ``receives`` are the kinds it accepts, one of the constants at the end of ``superd.privsep.messages``.
    """

    __slots__ = ("_receives", "_socket")

    def __init__(self, sock: socket.socket, receives: Kinds) -> None:
        sock.setblocking(False)
        sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER // 2
        )  # the kernel doubles what it is told
        self._socket = sock
        self._receives = receives

    @classmethod
    def pair(cls, left_receives: Kinds, right_receives: Kinds) -> tuple[Self, Self]:
        """Make two connected ends."""
        left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(left, left_receives), cls(right, right_receives)

    @classmethod
    def adopt(cls, descriptor: int, receives: Kinds) -> Self:
        """Take over a descriptor that came with a message.

        Raises:
            ProtocolViolation: it is not such a socket; it has been closed then.
        """
        try:
            sock = socket.socket(fileno=descriptor)
        except OSError:
            os.close(descriptor)
            raise ProtocolViolation("the descriptor is not a socket") from None
        if (sock.family, sock.type) != (socket.AF_UNIX, socket.SOCK_SEQPACKET):
            sock.close()
            raise ProtocolViolation("the descriptor is not a channel")
        return cls(sock, receives)

    def fileno(self) -> int:
        """Return the descriptor to wait on; -1 once closed."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close this end; the other one reads what is on its way, then ``EOFError``."""
        self._socket.close()

    def send(self, message: Message, fd: int | None = None) -> None:
        """Send one message; the descriptor stays the caller's.

        Raises:
            BlockingIOError: the other end does not read; nothing was sent.
            ConnectionError: the other end is gone.
            ValueError: the message is too long, or comes with a descriptor it must not have, or without.
        """
        if (fd is None) is (type(message) in DESCRIPTORS):
            raise ValueError(f"{type(message).__name__} and its descriptor do not fit: {fd}")
        data = encode(message)
        if fd is None:
            self._socket.send(data)
        else:
            self._send_with(data, fd.to_bytes(_INT, sys.byteorder))

    def _send_with(self, data: bytes, descriptor: bytes) -> None:
        try:
            self._socket.sendmsg((data,), ((socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptor),))
        except OSError as error:
            if error.errno != errno.ETOOMANYREFS:
                raise
            # So many descriptors of this user are on their way that the kernel takes no more: as good as full.
            raise BlockingIOError(errno.EAGAIN, "too many descriptors on their way") from error

    def receive(self) -> tuple[Message, int | None]:
        """Receive one message and its descriptor, which is close-on-exec and the caller's to close.

        Raises:
            BlockingIOError: there is none now.
            EOFError: the other end is gone.
            ProtocolViolation: what came is no message for this end; its descriptors have been closed.
        """
        data, ancillary, flags = self._read()
        descriptors = _descriptors(ancillary)
        try:
            return self._message(data, flags, descriptors), descriptors[0] if descriptors else None
        except BaseException:
            for descriptor in descriptors:
                os.close(descriptor)
            raise

    def _read(self) -> tuple[bytes, Ancillary, int]:
        # socket.recv_fds ignores its flags: the descriptors would stay open in programs started meanwhile.
        try:
            received = self._socket.recvmsg(MESSAGE_LIMIT, _ANCILLARY, socket.MSG_CMSG_CLOEXEC)
        except ConnectionResetError:
            # Said once, when the other end went away without reading; what it had sent before follows.
            received = self._socket.recvmsg(MESSAGE_LIMIT, _ANCILLARY, socket.MSG_CMSG_CLOEXEC)
        return received[:3]

    def _message(self, data: bytes, flags: int, descriptors: list[int]) -> Message:
        if flags & _TRUNCATED:
            raise ProtocolViolation(
                f"message longer than {MESSAGE_LIMIT} bytes, or with too many descriptors"
            )
        if not data:
            if not descriptors and self._at_end():
                raise EOFError("the other end is gone")
            raise ProtocolViolation("empty message")
        message = decode(data, self._receives)
        if len(descriptors) != (type(message) in DESCRIPTORS):
            raise ProtocolViolation(f"{type(message).__name__} came with {len(descriptors)} descriptors")
        return message

    def _at_end(self) -> bool:
        """Tell the end from an empty datagram: only the end can be read twice."""
        try:
            return not self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True


def _descriptors(ancillary: Ancillary) -> list[int]:
    """Every descriptor that arrived. A sender can make the kernel deliver nothing else than these."""
    return [
        int.from_bytes(data[start : start + _INT], sys.byteorder)
        for level, kind, data in ancillary
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS
        for start in range(0, len(data) - len(data) % _INT, _INT)
    ]
