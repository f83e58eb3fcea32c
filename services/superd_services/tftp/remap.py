r"""Applying the rules of a map file to a name: ``remap``.

Rules are tried from the first to the last; an expression may match any part of the name. In replacements ``\0`` to
``\9`` stand for what was matched, ``\i`` for the client's address, ``\x`` for the same in hexadecimal digits;
``\U`` and ``\L`` change the case of what follows, up to ``\E``. A backslash before anything else is left out.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from superd_services.tftp.addresses import hexadecimal, is_ipv4
from superd_services.tftp.files import Refused
from superd_services.tftp.maps import MapFile, Operation, Rule
from superd_services.tftp.packet import ErrorCode
from superd_services.tftp.posix_regex import compiled

STEPS_LIMIT: Final = 4096
"""Expressions tried for one name: as many as tftp-hpa 6 allows, so no rules go round for ever."""

NAME_LIMIT: Final = 4095
"""Bytes of a name that rules make: Linux takes none that is longer (PATH_MAX)."""

_PIECES: Final = re.compile(rb"\\(.)|([^\\]+|\\$)", re.DOTALL)

_Spans = Sequence[tuple[int, int]]


def remap(rules: MapFile, name: bytes, host: str, *, writes: bool, is_file: Callable[[bytes], bool]) -> bytes:
    """Return the name that the rules make of a client's.

    ``is_file`` tells for ``E`` whether a name could be transferred.

    Raises:
        Refused: a rule says so, or the rules come to no end.
    """
    return _Walk(rules, host, writes=writes, is_file=is_file).run(name)


class _Walk:
    """One name's way through the rules."""

    def __init__(self, rules: MapFile, host: str, *, writes: bool, is_file: Callable[[bytes], bool]) -> None:
        self._map = rules
        self._host = host
        self._is_file = is_file
        other = Operation.READS if writes else Operation.WRITES
        self._passed_over = other | (Operation.IPV6 if is_ipv4(host) else Operation.IPV4) | Operation.LABEL
        self._steps = 0

    def run(self, name: bytes) -> bytes:
        """Apply the rules."""
        place = 0
        while place < len(self._map.rules):
            rule = self._map.rules[place]
            place += 1
            if rule.operation & self._passed_over:
                continue
            spans = self._search(rule, name)
            if (spans is None) != (Operation.INVERT in rule.operation):
                continue
            changed = self._replaced(rule, name, spans) if spans is not None else name
            if Operation.END_IF_FILE in rule.operation and not self._is_file(changed):
                continue
            ended, place = self._follow(rule, name, spans, place)
            name = changed
            if ended:
                break
        return name

    def _search(self, rule: Rule, text: bytes, start: int = 0) -> _Spans | None:
        """Look for the expression from ``start`` on; spans count from the beginning of the text."""
        self._steps += 1
        if self._steps > STEPS_LIMIT:
            raise self._refusal(rule, f"more than {STEPS_LIMIT} steps for one name")
        regex = compiled(rule.pattern, Operation.IGNORE_CASE in rule.operation)
        found = regex.search(text[start:], begins=start == 0)
        return found and [(first + start, last + start) if first >= 0 else (-1, -1) for first, last in found]

    def _replaced(self, rule: Rule, name: bytes, spans: _Spans | None) -> bytes:
        """Replace the match, or with ``g`` what matches after each replacement, or with ``gg`` each match once."""
        if Operation.REPLACE not in rule.operation:
            return name
        while spans is not None:
            (start, end), expansion = spans[0], self._expand(rule.text, name, spans)
            rest = name[end:]
            name = name[:start] + expansion + rest
            if len(name) > NAME_LIMIT:
                raise self._refusal(rule, f"a name of more than {NAME_LIMIT} bytes")
            if Operation.REPEAT not in rule.operation:
                break
            place = 0
            if Operation.EACH in rule.operation:
                place = start + len(expansion) + (1 if start == end else 0)  # past an empty match
                if place >= len(name):
                    break
            spans = self._search(rule, name, place)
        return name

    def _follow(self, rule: Rule, name: bytes, spans: _Spans | None, place: int) -> tuple[bool, int]:
        """Return whether the rules end here, and the place of the rule that is next."""
        if Operation.REFUSE in rule.operation:
            text = self._expand(rule.text, name, spans or ()).decode("ascii", "replace")
            reason = f"refused by {self._map.path}:{rule.line}"
            raise Refused(ErrorCode.ACCESS, text or "Access denied", reason)
        if Operation.RESTART in rule.operation:
            return False, 0
        if Operation.JUMP in rule.operation:
            return False, self._label(rule, self._expand(rule.text, name, spans or ()))
        return bool(rule.operation & (Operation.END | Operation.END_IF_FILE)), place

    def _label(self, rule: Rule, label: bytes) -> int:
        for place, each in enumerate(self._map.rules):
            if Operation.LABEL in each.operation and each.text == label:
                return place
        raise self._refusal(rule, f"there is no label {label.decode('ascii', 'replace')}")

    def _refusal(self, rule: Rule, reason: str) -> Refused:
        return Refused(ErrorCode.ACCESS, "Access violation", f"{self._map.path}:{rule.line}: {reason}")

    def _expand(self, text: bytes, name: bytes, spans: _Spans) -> bytes:
        expanded = b""
        case: Callable[[bytes], bytes] = bytes
        for escape, plain in _PIECES.findall(text):
            if escape in _CASES:
                case = _CASES[escape]
            else:
                expanded += case(plain or self._escape(escape, name, spans))
        return expanded

    def _escape(self, letter: bytes, name: bytes, spans: _Spans) -> bytes:
        if letter.isdigit():
            start, end = spans[int(letter)] if spans else (-1, -1)
            return name[start:end] if start >= 0 else b""
        if letter == b"i":
            return self._host.encode()
        return hexadecimal(self._host).encode() if letter == b"x" else letter


_CASES: Final[dict[bytes, Callable[[bytes], bytes]]] = {b"U": bytes.upper, b"L": bytes.lower, b"E": bytes}
