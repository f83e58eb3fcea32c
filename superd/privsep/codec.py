"""Messages as bytes and back: ``encode``, ``decode``, and the ``Shape`` of each kind.

On the wire a message is one JSON array: the kind, then its fields in the order of the dataclass. What comes
in is believed only if the number and the types of the fields are exactly those of the dataclass; everything
else raises ``ProtocolViolation``, whose text never repeats more than the kind the sender claimed.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from math import isfinite
from operator import attrgetter
from typing import Any, Final, get_args, get_type_hints

from superd.errors import ProtocolViolation
from superd.privsep.messages import MESSAGE_LIMIT, Message

Kinds = frozenset[type[Any]]
"""Kinds of messages, by their classes: the constants at the end of ``superd.privsep.messages``."""

TEXT_LIMIT: Final = 8192
"""Characters of one text field: twice PATH_MAX, so every path fits, and half a message."""

INTEGER_LIMIT: Final = 2**63
"""Integers are smaller than this, either way: what the kernel's own types hold."""

_SHOWN: Final = 40
"""Characters of an unknown kind that are repeated in the error."""

_FIELD_TYPES: Final = frozenset({str, int, float})

_quoted = json.encoder.encode_basestring_ascii


@dataclass(frozen=True, slots=True)
class Shape:
    """What one kind looks like on the wire: its name and the exact types of its fields."""

    make: Callable[..., Message]
    name: str
    names: tuple[str, ...]
    types: tuple[type, ...]
    values: Callable[[Message], tuple[Any, ...]]
    """Gives the fields of a message in their order."""


def _shape(kind: type) -> Shape:
    hints = get_type_hints(kind)
    names = tuple(field.name for field in fields(kind))
    kinds = tuple(hints[name] for name in names)
    if not _FIELD_TYPES.issuperset(kinds):
        raise TypeError(f"{kind.__name__}: fields of messages are str, int or float")
    return Shape(kind, kind.__name__, names, kinds, _getter(names))


def _getter(names: tuple[str, ...]) -> Callable[[Message], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda message: tuple(getattr(message, name) for name in names)


_SHAPES: Final[dict[type, Shape]] = {kind: _shape(kind) for kind in get_args(Message)}
_BY_NAME: Final[dict[str, tuple[type, Shape]]] = {
    shape.name: (kind, shape) for kind, shape in _SHAPES.items()
}


def encode(message: Message) -> bytes:
    """Turn a message into the bytes of one datagram.

    Raises:
        ValueError: it is longer than ``MESSAGE_LIMIT``, or holds NaN or an infinity.
    """
    shape = _SHAPES[type(message)]
    # An encoder object of the json module costs more than everything else here: it is made anew for each call.
    words = [_quoted(value) if type(value) is str else _number(value) for value in shape.values(message)]
    data = f"[{','.join((_quoted(shape.name), *words))}]".encode("ascii")
    if len(data) > MESSAGE_LIMIT:
        raise ValueError(f"{shape.name} message of {len(data)} bytes; at most {MESSAGE_LIMIT} can be sent")
    return data


def decode(data: bytes, accepted: Kinds) -> Message:
    """Turn the bytes of one datagram into a message of one of the accepted kinds.

    Raises:
        ProtocolViolation: it is not a JSON array, of an unknown or unaccepted kind, or its fields don't fit.
    """
    name, *values = _array(data)
    known = _BY_NAME.get(name) if isinstance(name, str) else None
    if known is None:
        raise ProtocolViolation(f"unknown message kind {str(name)[:_SHOWN]!r}")
    kind, shape = known
    if kind not in accepted:
        raise ProtocolViolation(f"{shape.name} is not for this receiver")
    if tuple(map(type, values)) != shape.types:
        values = _widened(values, shape)
    _check_ranges(values, shape)
    return shape.make(*values)


def _number(value: float) -> str:
    if not isfinite(value):
        raise ValueError(f"{value} can't be sent")
    return int.__repr__(value) if isinstance(value, int) else float.__repr__(value)


def _array(data: bytes) -> list[Any]:
    """Parse a JSON array with at least one element."""
    try:
        array = _load(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ProtocolViolation(f"message of {len(data)} bytes is not JSON") from None
    if not isinstance(array, list) or not array:
        raise ProtocolViolation("message is not a JSON array that starts with its kind")
    return array


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


_load = json.JSONDecoder(parse_constant=_refuse_constant).decode


def _widened(values: list[Any], shape: Shape) -> list[Any]:
    """Accept whole numbers, which JSON does not tell apart, where a float belongs; refuse the rest."""
    if len(values) != len(shape.types):
        raise ProtocolViolation(f"{shape.name} has {len(values)} fields instead of {len(shape.types)}")
    for name, value, wanted in zip(shape.names, values, shape.types, strict=True):
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise ProtocolViolation(f"{shape.name}.{name} is not of type {wanted.__name__}")
    return values


def _check_ranges(values: list[Any], shape: Shape) -> None:
    """Bound every field; texts hold no NUL, for they end up in paths and environments."""
    for index, value in enumerate(values):
        if type(value) is str:
            fits = len(value) <= TEXT_LIMIT and "\0" not in value
        elif type(value) is int:
            fits = -INTEGER_LIMIT < value < INTEGER_LIMIT
        else:
            fits = isfinite(value)
        if not fits:
            raise ProtocolViolation(f"{shape.name}.{shape.names[index]} is out of range")
