"""Writing what a configuration holds to a terminal: nothing in it may move the cursor or fail to be encoded."""

import os
import sys

from superd.errors import SuperdError


class TerminalError(SuperdError):
    """Standard output takes nothing more; the text says why."""


def printable(text: str) -> str:
    """Escape every character that is not printable."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def write_line(text: str) -> None:
    """Write a line to standard output, escaping what its encoding lacks. Raises TerminalError."""
    if sys.stdout is None:
        raise TerminalError("standard output is closed")
    encoding = sys.stdout.encoding or "ascii"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    except OSError as error:
        _give_up(error)


def flush() -> None:
    """Write out what is buffered. Raises TerminalError."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        _give_up(error)


def _give_up(error: OSError) -> None:
    """Discard what is still to come; a reader who has left (``superd list | head -1``) is no error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    if not isinstance(error, BrokenPipeError):
        raise TerminalError(f"standard output: {error.strerror}") from error
