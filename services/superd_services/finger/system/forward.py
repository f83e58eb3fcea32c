"""Asking the finger service of another host: ``ask``."""

import socket
import time
from typing import Final

from superd_services.finger.people import Text
from superd_services.finger.query import Query

PORT: Final = 79
"""RFC 1288."""

DEADLINE: Final = 8.0
"""Seconds for the whole of it but the look-up of the name; less than a call may take (``CALL_DEADLINE``)."""

REPLY_LIMIT: Final = 65536
"""Bytes of a reply that are passed on."""


def ask(query: Query, port: int = PORT) -> Text:
    """Ask the last host of a query about the rest of it.

    Raises:
        OSError: it can't be reached, or did not answer in time.
    """
    deadline = time.monotonic() + DEADLINE
    with socket.create_connection((query.hosts[-1], port), timeout=DEADLINE) as connection:
        connection.settimeout(_left(deadline))
        connection.sendall(query.forwarded())
        data = b""
        while len(data) <= REPLY_LIMIT:
            connection.settimeout(_left(deadline))
            piece = connection.recv(REPLY_LIMIT + 1 - len(data))
            if not piece:
                break
            data += piece
    return Text(data[:REPLY_LIMIT].decode("utf-8", "replace"), len(data) > REPLY_LIMIT)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the other host takes too long")
    return left
