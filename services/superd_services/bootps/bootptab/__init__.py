"""The table of clients, bootptab(5): ``parse`` makes a ``Table`` of a file's text, and collects its mistakes.

Text is cut into *entries* of *fields* (``lexer``); ``entries`` gives fields their meaning, tag by tag (``tags``,
``values``), and makes each entry a *template* or a ``Host`` (``table``). ``listing`` reads the older form with ``%%``.
The text is Latin-1: bytes go out as they stood in the file.
"""

from superd_services.bootps.bootptab import entries, lexer, listing
from superd_services.bootps.bootptab.table import Host, Mistake, Names, Table

__all__ = ["Host", "Mistake", "Names", "Table", "parse"]


def parse(path: str, text: str, names: Names | None = None) -> Table:
    """Read the text of a table. An entry with a mistake is left out; the table names them all. Raises nothing."""
    names = names or Names()
    if lines := listing.sections(text):
        return listing.parse(path, lines, names)
    return entries.parse(path, lexer.Lexer(text), names)
