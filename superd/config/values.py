"""Words -> values: one small parser per unit; each raises ValueError with a plain sentence."""

import re
from typing import Final

from superd.config.model import UNITS, FileTarget, SourcePrefix, SourceRate, SyslogTarget

INT_LIMIT: Final = 2**31 - 1
"""Largest integer; xinetd narrows everything to a C int without a check."""

PORT_LIMIT: Final = 65535

LOOKUP_LIMIT: Final = 60.0
"""Longest ``lookup_timeout`` in seconds: a client that waits holds a descriptor, and has given up by then."""

FACILITIES: Final = (
    *("daemon", "auth", "authpriv", "user", "mail", "lpr", "news", "uucp", "ftp"),
    *(f"local{number}" for number in range(8)),
)
"""Facilities that log_type may name (xinetd.conf(5))."""

LEVELS: Final = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
HARD_LIMIT_EXTRA: Final = (5 * 1024, 20 * 1024)
"""By how many bytes, at least and at most, a hard limit that is not written exceeds the soft one."""

_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}", re.ASCII)
_SIZE: Final = re.compile(r"([0-9]{1,12})([kKmM]?)", re.ASCII)
_SECONDS: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([smh]?)", re.ASCII)
_FLOAT: Final = re.compile(
    r"[-+]?(?:[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(?:[eE][-+]?[0-9]{1,2})?", re.ASCII
)
_NO_NUMBER: Final = re.compile(r"[-+]?(?:inf|nan)", re.ASCII | re.IGNORECASE)
_NEGATIVE: Final = re.compile(r"-[0-9]{1,12}[kKmM]?", re.ASCII)
_FACTOR: Final = {"": 1, "k": 1024, "m": 1024 * 1024}
_RATE: Final = re.compile(r"([0-9]{1,9})/([smhd])", re.ASCII)
_TIME: Final = {"": 1, "s": 1, "m": 60, "h": 3600}


class OddValueError(ValueError):
    """A value that xinetd accepts, but for something other than what it says: a number that wraps around."""


def yes_no(text: str) -> bool:
    """Read ``yes`` or ``no``; there is no other spelling."""
    if text.lower() not in {"yes", "no"}:
        raise ValueError(f"{text!r} is neither yes nor no")
    return text.lower() == "yes"


def integer(text: str, least: int = -INT_LIMIT, most: int = INT_LIMIT) -> int:
    """Read a decimal integer, with an optional sign, within bounds."""
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"{text!r} is not a decimal number")
    number = int(text)
    if abs(number) > max(most, INT_LIMIT):
        raise OddValueError(f"{text} does not fit into 32 bits")
    if not least <= number <= most:
        raise ValueError(f"{text} is not within {least} to {most}")
    return number


def count(text: str) -> int | None:
    """Read a number of servers; ``None`` for UNLIMITED."""
    return None if text.upper() == "UNLIMITED" else integer(text, least=0)


def positive(text: str) -> int:
    """Read a number that must not be 0."""
    return integer(text, least=1)


def per_source(text: str) -> tuple[int, SourcePrefix] | None:
    """Read a number of servers per source, with prefix lengths behind it if need be; ``None`` for UNLIMITED."""
    number, *lengths = text.split("/")
    most = count(number)
    if len(lengths) > 2 or (most is None and lengths):
        raise ValueError(
            f"{text!r} is not a number of servers, with one or two prefix lengths, as in 10/24/56"
        )
    bounds = zip(("ipv4", "ipv6"), lengths, (32, 128), strict=False)
    prefix = SourcePrefix(**{name: integer(length, 1, longest) for name, length, longest in bounds})
    return None if most is None else (most, prefix)


def source_rate(words: tuple[str, ...]) -> SourceRate | None:
    """Read ``10/s``, ``10/s burst 20``, or UNLIMITED (``None``); without a burst it is the number itself."""
    first, *rest = words
    if first.upper() == "UNLIMITED" and not rest:
        return None
    found = _RATE.fullmatch(first)
    if found is None or (rest and (len(rest) != 2 or rest[0].lower() != "burst")):
        raise ValueError(f"{' '.join(words)!r} is not a rate like 10/s or 10/s burst 20 (s, m, h or d)")
    number = positive(found[1])
    return SourceRate(count=number, period=UNITS[found[2]], burst=positive(rest[1]) if rest else number)


def address_rule(text: str) -> bool:
    """Read address_rule; true for ``most-specific``."""
    rules = {"deny": False, "most-specific": True}
    if text.lower() not in rules:
        raise ValueError(f"{text!r} is neither deny nor most-specific")
    return rules[text.lower()]


def lookup_seconds(text: str) -> float:
    """Read how long looking up the names of a client may take."""
    found = seconds(text)
    if found > LOOKUP_LIMIT:
        raise ValueError(f"{text} is longer than {LOOKUP_LIMIT:g} seconds")
    return found


def size(text: str) -> int:
    """Read bytes; ``k`` and ``m`` in either case mean 1024 and 1024 squared, and there is no ``g``."""
    found = _SIZE.fullmatch(text)
    if found is None and _NEGATIVE.fullmatch(text):
        raise OddValueError(f"{text} is less than nothing")
    if found is None:
        raise ValueError(f"{text!r} is not a number of bytes, with k or m behind it if need be")
    return int(found[1]) * _FACTOR[found[2].lower()]


def limit(text: str) -> int | None:
    """Read a resource limit in bytes; ``None`` for UNLIMITED."""
    return None if text.upper() == "UNLIMITED" else size(text)


def cpu_limit(text: str) -> int | None:
    """Read a limit in seconds; ``None`` for UNLIMITED."""
    if _NEGATIVE.fullmatch(text):
        raise OddValueError(f"{text} is less than nothing")
    return count(text)


def octal(text: str) -> int:
    """Read octal permission bits, 0 to 777."""
    if not re.fullmatch(r"[0-7]{1,6}", text, re.ASCII) or int(text, 8) > 0o777:
        raise ValueError(f"{text!r} is not an octal number from 0 to 777")
    return int(text, 8)


def load_average(text: str) -> tuple[float, str]:
    """Read a load average and give what stands behind the number, too, which xinetd does not look at."""
    found = _FLOAT.match(text)
    if found is None and _NO_NUMBER.match(text):
        raise OddValueError(f"{text} is no load that can be reached; leave max_load out for no limit")
    if found is None:
        raise ValueError(f"{text!r} is not a number")
    if float(found[0]) == 0:
        raise ValueError("a load of 0 is always reached; leave max_load out for no limit")
    return float(found[0]), text[found.end() :]


def seconds(text: str) -> float:
    """Read a time, in seconds unless ``m`` or ``h`` follows; must not be 0."""
    found = _SECONDS.fullmatch(text)
    if found is None or not float(found[1]):
        raise ValueError(f"{text!r} is not a time: a number, with s, m or h behind it if need be")
    return float(found[1]) * _TIME[found[2]]


def versions(text: str) -> tuple[int, int]:
    """Read RPC versions, ``N`` or ``N-M``."""
    low, dash, high = text.partition("-")
    span = integer(low, 0), integer(high if dash else low, 0)
    if span[0] > span[1]:
        raise ValueError(f"the versions {text} are in the wrong order")
    return span


def deny_minutes(text: str) -> int:
    """Read deny_time: minutes, FOREVER (-1) or NEVER (0)."""
    words = {"FOREVER": -1, "NEVER": 0}
    minutes = words[text.upper()] if text.upper() in words else integer(text)
    if minutes < -1:
        raise OddValueError(f"{text} is less than nothing")
    return minutes


def setting(text: str) -> tuple[str, str]:
    """Read ``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is not NAME=VALUE")
    if not name:
        raise OddValueError(f"{text!r} has no name before the =")
    return name, value


def target(words: tuple[str, ...]) -> SyslogTarget | FileTarget:
    """Read log_type: ``SYSLOG facility [level]`` or ``FILE path [soft [hard]]``."""
    kind, *rest = words
    if kind.upper() == "SYSLOG" and 1 <= len(rest) <= 2:
        return _syslog(rest[0].lower(), rest[1].lower() if len(rest) == 2 else "info")
    if kind.upper() == "FILE" and 1 <= len(rest) <= 3:
        return _file(rest[0], rest[1:])
    if kind.upper() in {"SYSLOG", "FILE"}:
        raise ValueError(f"{kind} has too many or too few words behind it")
    raise ValueError(f"{kind!r} is neither SYSLOG nor FILE")


def _syslog(facility: str, level: str) -> SyslogTarget:
    if facility not in FACILITIES:
        raise ValueError(f"{facility!r} is not a facility: {', '.join(FACILITIES)}")
    if level not in LEVELS:
        raise ValueError(f"{level!r} is not a level: {', '.join(LEVELS)}")
    return SyslogTarget(facility=facility, level=level)


def _file(path: str, limits: list[str]) -> FileTarget:
    if not limits:
        return FileTarget(path=path)
    soft = size(limits[0])
    least, most = HARD_LIMIT_EXTRA
    hard = size(limits[1]) if len(limits) == 2 else soft + min(max(soft // 100, least), most)
    if hard < soft:
        raise ValueError(f"the hard limit {hard} is less than the soft limit {soft}")
    return FileTarget(path=path, soft=soft, hard=hard)
