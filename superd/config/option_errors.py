"""What is wrong with an option of a built-in: ``reason`` and ``hint``, in the words of a configuration."""

from collections.abc import Callable, Mapping
from typing import Final

from pydantic_core import ErrorDetails

from superd.config import attributes

_LIMITS: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "greater_than": ("more than", "gt"),
    "less_than": ("less than", "lt"),
}

_REASONS: Final[Mapping[str, Callable[[ErrorDetails], str]]] = {
    "bool_parsing": lambda error: f"{error['input']} is neither yes nor no",
    "int_parsing": lambda error: f"{error['input']} is no whole number",
    "float_parsing": lambda error: f"{error['input']} is no number",
    "enum": lambda error: f"{error['input']} is none of {', '.join(_choices(error))}",
    "value_error": lambda error: str(error["ctx"]["error"]),
}


def reason(error: ErrorDetails) -> str:
    """Say what is wrong with a value; kinds of errors that no built-in of superd has are left in pydantic's words."""
    kind = error["type"]
    if kind in _LIMITS:
        words, key = _LIMITS[kind]
        return f"{error['input']} is out of bounds: {words} {error['ctx'][key]:g}"
    return _REASONS[kind](error) if kind in _REASONS else error["msg"]


def hint(error: ErrorDetails) -> str:
    """Say which word may have been meant; empty where none is near."""
    near = attributes.closest(str(error["input"]), _choices(error)) if error["type"] == "enum" else ""
    return f"did you mean {near}?" if near else ""


def _choices(error: ErrorDetails) -> list[str]:
    """The words of an enumeration, from "'a', 'b' or 'c'"."""
    return str(error["ctx"]["expected"]).split("'")[1::2]
