"""Writing what a configuration holds to a terminal: nothing in it may move the cursor or fail to be encoded."""

import sys


def printable(text: str) -> str:
    """Escape every character that is not printable."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def write_line(text: str) -> None:
    """Write a line to standard output, escaping what its encoding lacks."""
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
