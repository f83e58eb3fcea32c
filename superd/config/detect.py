"""Which of the two languages a file is written in, told from its content alone: ``kind``."""

import re
from typing import Final, Literal

from superd.config.inetd_words import has_columns

_XINETD_FRAME: Final = re.compile(
    r"(service\s+\S+|defaults)\s*(\{.*)?|include(dir)?\s+/?\S+|[{}]|\}\s.*", re.IGNORECASE
)
"""Lines that only xinetd's language has: section heads, includes, braces."""

_DEFAULT_HOST: Final = re.compile(r"\S+:")
_DEFINITION: Final = re.compile(r"\S+\s+(on|off)(\s.*)?")
_DIRECTIVE: Final = re.compile(r"\.include\s+\S+")
_ATTRIBUTE: Final = re.compile(r"\w+\s*[-+]?=.*[^,;\s]\s*")


def kind(text: str) -> Literal["xinetd", "inetd"]:
    """Name the language of a file.

    The language that more lines belong to wins. A file of nothing but comments is an (empty) inetd.conf;
    xinetd attributes without any section are a damaged xinetd file, so that its reader explains them.
    """
    lines = [line for raw in text.split("\n") if (line := raw.strip(" \t\r")) and not line.startswith("#")]
    xinetd = sum(1 for line in lines if _XINETD_FRAME.fullmatch(line))
    inetd = sum(1 for line in lines if _is_inetd(line))
    if not xinetd and not inetd:
        xinetd = sum(1 for line in lines if _ATTRIBUTE.fullmatch(line))
    return "xinetd" if xinetd > inetd else "inetd"


def _is_inetd(line: str) -> bool:
    patterns = (_DEFAULT_HOST, _DEFINITION, _DIRECTIVE)
    return has_columns(line.split()) or any(pattern.fullmatch(line) for pattern in patterns)
