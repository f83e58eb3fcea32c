"""Files behind NetBSD's ``.include glob``: which there are, and their text."""

from itertools import islice
from pathlib import Path
from typing import Final

from superd.config import sources
from superd.config.origin import Origin, Report

FILE_LIMIT: Final = 1000
"""Files one line may include: enough for any directory kept by hand, little enough for a mistaken ``/**``."""


def find(pattern: str, including: str, origin: Origin, report: Report) -> list[Path]:
    """Give the regular files a pattern names, relative to the including file, in byte order."""
    whole = Path(including).absolute().parent / pattern.strip("'\"")
    try:
        found = islice(Path("/").glob(str(whole).lstrip("/")), FILE_LIMIT + 1)
        files = sorted(path for path in found if path.is_file())
    except (ValueError, OSError) as error:
        report.error("unreadable-include", origin, f".include {pattern}: {error}")
        return []
    if not files:
        report.warning("include-missing", origin, f".include {pattern} names no file")
    if len(files) > FILE_LIMIT:
        report.error(
            "include-limit",
            origin,
            f".include {pattern} names more than {FILE_LIMIT} files; the first are read",
        )
    return files[:FILE_LIMIT]


def load(path: Path, origin: Origin, report: Report) -> str | None:
    """Read an included file; ``None`` after reporting why it can't be."""
    try:
        return sources.read_text(str(path), report)
    except sources.Unreadable as error:
        report.error("unreadable-include", origin, f"can't read {path}: {error}")
        return None
